/* SPDX-License-Identifier: MIT */
/* rofs-device: makes the block device of / read-only, once all is mounted; rofs-device(8). */
#include <string.h>

#include "device/device.h"
#include "system/load.h"
#include "system/log.h"
#include "system/program.h"

static const char usage[] =
	"Usage: rofs-device\n"
	"\n"
	"Make the block device of / read-only, as Device=read-only in /etc/rofs.conf says; in a maintenance boot, make\n"
	"it writable. The units of rofs-generator run it.\n"
	"\n"
	"  --help      show this help\n"
	"  --version   show the version\n"
	"\n"
	"ROFS_ROOT=DIR   read the configuration of the system below DIR instead of /, and change no device\n"
	"\n"
	"Exit status: 0 done, 1 the device could not be set, 2 usage. See rofs-device(8).\n";

static int set_device(const struct loaded *l)
{
	bool is_maintenance = l->boot.mode == BOOT_MAINTENANCE;

	if (!is_maintenance && !l->plan.device_read_only)
		return log_error(-EINVAL, "rofs.conf does not declare Device=read-only in [Root]");
	/* Below another root nothing is mounted. */
	if (strcmp(program_root(), "/") != 0)
		return 0;
	return is_maintenance ? device_make_writable(l->root.root_fd) : device_make_read_only(l);
}

static int run(int argc, char **argv)
{
	/* The generator has reported the mistakes. */
	_cleanup_loaded_ struct loaded l = LOADED_INIT;
	int status = program_options(argc, argv, "rofs-device", usage, 0, 0), err;

	if (status >= 0)
		return status;
	err = load_plan(program_root(), &l);
	if (err < 0)
		return log_error(EXIT_FAILURE, "cannot read the configuration: %s", strerror(-err));
	status = EXIT_SUCCESS;
	/* The plan is not that of the generator then. What can be done is done. */
	if (l.diag.unread < 0)
		status = log_error(EXIT_FAILURE, "cannot read all of the configuration: %s",
				   strerror(-l.diag.unread));
	return set_device(&l) < 0 ? EXIT_FAILURE : status;
}

int main(int argc, char **argv)
{
	return program_main(argc, argv, run);
}

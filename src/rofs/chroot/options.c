/* SPDX-License-Identifier: MIT */
/* rofs chroot: the command line. */
#include <getopt.h>
#include <limits.h>

#include "basic/macro.h"
#include "rofs/chroot/chroot.h"
#include "rofs/rofs.h"
#include "system/log.h"
#include "system/program.h"

static const char usage[] =
	"Usage: rofs chroot [OPTION...] [COMMAND [ARGUMENT...]]\n"
	"\n"
	"Run COMMAND, or a shell, in the system on flash, as if no overlay were mounted. If it exits with status\n"
	"0, all that it has changed is written to flash at once, and a reboot completes it. Otherwise all\n"
	"changes are discarded.\n"
	"\n"
	"  --discard   discard the changes in any case\n"
	"  --direct    let COMMAND write to flash directly, with no way back\n"
	"  --on=NAME   keep the changes on partition NAME of rofs.conf until they are written to flash\n"
	"  -y, --yes   do not ask before the changes are written\n"
	"  --help      show this help\n"
	"\n"
	"Exit status: 0 done, 1 failure, 2 usage, 3 refused, 4 rofs is off in this boot, each with a message;\n"
	"else that of COMMAND, 126 or 127 if it could not be run, 128+N if signal N ended it.\n";

static int check_options(const struct chroot_options *o)
{
	if (o->direct && o->discard)
		return log_error(ROFS_USAGE, "--direct and --discard are mutually exclusive");
	if (o->direct && o->on)
		return log_error(ROFS_USAGE, "--direct and --on are mutually exclusive");
	if (o->on && !*o->on)
		return log_error(ROFS_USAGE, "expected the name of a partition after --on=");
	return -1;
}

int chroot_options_parse(int argc, char **argv, struct chroot_options *ret)
{
	const struct program_option options[] = {
		{ .name = "discard", .given = &ret->discard },
		{ .name = "direct", .given = &ret->direct },
		{ .name = "on", .value = &ret->on },
		{ .name = "yes", .letter = 'y', .given = &ret->yes },
	};
	const struct program_call call = {
		.usage = usage,
		.options = options,
		.n_options = ELEMENTSOF(options),
		.most = INT_MAX,
		.is_group = true,
	};
	int status = program_parse(argc, argv, &call);

	if (status >= 0)
		return status;
	ret->command = argv + optind;
	return check_options(ret);
}

/* SPDX-License-Identifier: MIT */
/*
 * rofs-generator: argv, log target, exit code. systemd runs it early at boot and at each
 * daemon-reload; rofs-generator(8).
 */
#include <getopt.h>
#include <inttypes.h>
#include <string.h>

#include "generator/last-resort.h"
#include "plan/plan.h"
#include "system/emit.h"
#include "system/load.h"
#include "system/log.h"
#include "system/own-dir.h"
#include "system/program.h"
#include "unit/unit.h"

static const char *arg_root;
static const char *arg_dir; /* the early directory */
static bool arg_by_hand;    /* a person has named it */

static const char usage[] =
	"Usage: rofs-generator NORMAL-DIR EARLY-DIR LATE-DIR\n"
	"       rofs-generator DIR\n"
	"\n"
	"Writes the units for the mounts declared in rofs.conf into EARLY-DIR. systemd runs it at boot and at each\n"
	"daemon-reload. Run by hand, it shows what they would be: DIR must be new or empty, and your own.\n"
	"\n"
	"  --help      show this help\n"
	"  --version   show the version\n"
	"\n"
	"ROFS_ROOT=DIR   read the system below DIR instead of /\n"
	"ROFS_LOG=stderr log to standard error, as on a terminal, instead of the kernel log\n"
	"\n"
	"Exit status: 0 done, or nothing to do, 1 mistakes in the configuration or a failure, 2 usage.\n"
	"See rofs-generator(8) and rofs.conf(5).\n";

/* Returns -1 to go on, else the exit status. */
static int parse_arguments(int argc, char **argv)
{
	int status = program_options(argc, argv, "rofs-generator", usage, 1, 3);

	if (status >= 0)
		return status;
	/* systemd passes three directories, a person one. */
	if (argc - optind == 2)
		return fputs(usage, stderr), EXIT_USAGE;

	arg_root = program_root();
	arg_by_hand = argc - optind == 1;
	arg_dir = argv[optind + !arg_by_hand];
	return -1;
}

/* Logs a failure of the system. */
static int fail(const struct log *l, int err, const char *what)
{
	log_line(l, LOG_LEVEL_ERROR, "%s: %s; nothing is protected in this boot", what,
		 strerror(-err));
	return EXIT_FAILURE;
}

/* What happens instead, for those who wonder why the root file system is writable. */
static const char *consequence(const struct loaded *loaded)
{
	if (loaded->conf.declared && loaded->boot.mode == BOOT_INITRD)
		return "it acts in the real root";
	if (loaded->conf.declared && loaded->boot.mode == BOOT_MAINTENANCE)
		return "/ is writable, and the next boot is protected again";
	if (loaded->conf.declared && loaded->boot.mode == BOOT_RECOVERY)
		return "fstab applies, and rofs=on overrides that";
	return "fstab applies";
}

static void log_done(const struct log *l, const struct plan *p, bool mistakes)
{
	size_t partitions = 0;

	for (size_t i = 0; i < p->n_partitions; i++)
		partitions += p->partitions[i].conf != NULL;

	log_line(l, mistakes ? LOG_LEVEL_ERROR : LOG_LEVEL_INFO,
		 "%s%zu overlay(s), %zu persist(s) on %zu partition(s), / %s",
		 mistakes ? "incomplete, see the mistakes above: " : "", p->n_overlays,
		 p->n_persists, partitions, p->n_remounts ? "kept read-only" : "as fstab says");
}

/* Somebody may be waiting for root to name a directory in /tmp. systemd's nobody else writes to. */
static int emit_by_hand(const struct unit_set *set, struct emit_failure *failure, const char **why)
{
	_cleanup_close_ int fd = own_dir_open(arg_dir, why);

	*failure = (struct emit_failure){ 0 };
	return fd < 0 ? fd : emit_at(fd, set, failure);
}

/* From the plan to the directory. */
static int write_units(const struct log *l, const struct plan *p)
{
	_cleanup_unit_set_ struct unit_set set = { 0 };
	struct emit_failure failure;
	const char *why = NULL;
	int err;

	err = units_render(p, ROFS_LIBEXEC_DIR, &set);
	if (err < 0)
		return fail(l, err, "rendering the units");

	err = arg_by_hand ? emit_by_hand(&set, &failure, &why) : emit(arg_dir, &set, &failure);
	if (why)
		log_line(l, LOG_LEVEL_ERROR, OWN_DIR_REFUSED, arg_dir, why);
	else if (err < 0)
		return fail(l, err, failure.name ? failure.name : arg_dir);
	return err < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}

static int generate(const struct log *l, struct loaded *loaded)
{
	const struct diag *d = &loaded->diag;
	int err = load_rest(loaded);

	if (err < 0)
		return fail(l, err, "cannot read the system or plan its mounts");

	log_diag(l, d);
	if (write_units(l, &loaded->plan) != EXIT_SUCCESS)
		return EXIT_FAILURE;

	log_done(l, &loaded->plan, d->n_errors > 0);
	return d->n_errors > 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}

static int generate_maintenance(const struct log *l, struct loaded *loaded)
{
	int err = load_maintenance(loaded);

	return err < 0 ? fail(l, err, "planning a maintenance boot") :
			 write_units(l, &loaded->plan);
}

static int generate_or_not(const struct log *l)
{
	_cleanup_loaded_ struct loaded loaded = LOADED_INIT;
	_cleanup_free_ char *off = NULL;
	int err;

	err = load_conf(arg_root, &loaded);
	if (err >= 0)
		err = load_why_off(&loaded, &off);
	if (err < 0)
		return fail(l, err, "reading the configuration");
	if (!off)
		return generate(l, &loaded);

	log_line(l, LOG_LEVEL_INFO, "rofs is off: %s; %s", off, consequence(&loaded));
	if (loaded.conf.declared && loaded.boot.mode == BOOT_MAINTENANCE)
		return generate_maintenance(l, &loaded);
	return EXIT_SUCCESS;
}

static int run(int argc, char **argv)
{
	struct log l;
	int status;

	status = parse_arguments(argc, argv);
	if (status >= 0)
		return status;

#ifndef ROFS_SANITIZED
	last_resort_install();
#endif
	l = log_open();
	status = generate_or_not(&l);
	log_close(&l);
	return status;
}

int main(int argc, char **argv)
{
	return program_main(argc, argv, run);
}

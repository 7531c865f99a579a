/* SPDX-License-Identifier: MIT */
/* rofs-prepare: runs between the mount of a pool and what is mounted from it; rofs-prepare(8). */
#include <getopt.h>
#include <string.h>

#include "basic/text.h"
#include "plan/plan.h"
#include "prepare/detach.h"
#include "prepare/maintenance.h"
#include "prepare/run.h"
#include "system/load.h"
#include "system/log.h"
#include "system/program.h"

static const char *arg_root;
static enum run_kind arg_kind;
static bool arg_detach, arg_maintenance;
static const char *arg_subject;

/* The verbs that are no runs of the plan: one acts on what has happened since, one when there is no plan. */
#define DETACH	    "detach"
#define MAINTENANCE "maintenance"

static const char usage[] =
	"Usage: rofs-prepare ram|detach|maintenance\n"
	"       rofs-prepare overlay|fallback|guard PATH\n"
	"       rofs-prepare partition NAME\n"
	"\n"
	"Prepare and mount what /etc/rofs.conf declares. The units of rofs-generator run it; a second run changes\n"
	"nothing.\n"
	"\n"
	"  ram              prepare and mount everything that requires no device\n"
	"  overlay PATH     prepare and mount an overlay in RAM whose lower is mounted by fstab\n"
	"  partition NAME   prepare the persists and overlays of a partition, and mount the overlays\n"
	"  fallback PATH    mount an overlay, or what replaces it while its partition is missing\n"
	"  guard PATH       keep writes off the path of a persist until its partition is mounted\n"
	"  detach           unmount partitions whose devices were removed\n"
	"  maintenance      in a maintenance boot: make the next boot a protected one\n"
	"\n"
	"  --help      show this help\n"
	"  --version   show the version\n"
	"\n"
	"ROFS_ROOT=DIR   work on the system below DIR instead of /\n"
	"\n"
	"Exit status: 0 done, 1 something could not be prepared, 2 usage. See rofs-prepare(8).\n";

static int unknown_verb(const char *verb)
{
	const char *verbs[_RUN_KIND_MAX + 2] = { DETACH, MAINTENANCE }, *closest;

	for (int i = 0; i < _RUN_KIND_MAX; i++)
		verbs[i + 2] = run_kind_to_string(i);
	closest = text_closest(verb, verbs, ELEMENTSOF(verbs));
	if (closest)
		return log_error(EXIT_USAGE, "unknown verb %s; did you mean %s?", verb, closest);
	return log_error(EXIT_USAGE, "unknown verb %s; rofs-prepare --help lists them", verb);
}

/* Returns -1 to go on, else the exit status. */
static int parse_arguments(int argc, char **argv)
{
	int status = program_options(argc, argv, "rofs-prepare", usage, 1, 2);

	if (status >= 0)
		return status;

	arg_root = program_root();
	arg_kind = run_kind_from_string(argv[optind]);
	arg_detach = strcmp(argv[optind], DETACH) == 0;
	arg_maintenance = strcmp(argv[optind], MAINTENANCE) == 0;
	if (arg_kind < 0 && !arg_detach && !arg_maintenance)
		return unknown_verb(argv[optind]);
	arg_subject = argv[optind + 1];
	if ((arg_detach || arg_maintenance || arg_kind == RUN_RAM) != !arg_subject)
		return fputs(usage, stderr), EXIT_USAGE;
	return -1;
}

/* Below another root nothing is mounted: units and options are about this one. */
static bool is_running_system(void)
{
	return strcmp(arg_root, "/") == 0;
}

static int run_detach(const struct loaded *l)
{
	return is_running_system() && detach_dead(&l->plan) < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}

static int prepare(void)
{
	/* The generator has reported the mistakes. */
	_cleanup_loaded_ struct loaded l = LOADED_INIT;
	const struct plan_run *wanted;
	int status = EXIT_SUCCESS, err;

	err = load_plan(arg_root, &l);
	if (err < 0)
		return log_error(EXIT_FAILURE, "cannot read the configuration: %s", strerror(-err));
	/* The plan is not that of the generator then. What can be done is done. */
	if (load_report_unread(&l))
		status = EXIT_FAILURE;
	if (arg_detach)
		return run_detach(&l) | status;
	wanted = plan_find_run(&l.plan, arg_kind, arg_subject);
	if (wanted)
		return run_prepare(&l, wanted, is_running_system()) | status;
	return log_error(EXIT_FAILURE, "nothing declared in rofs.conf requires '%s%s%s'",
			 run_kind_to_string(arg_kind), arg_subject ? " " : "",
			 arg_subject ? arg_subject : "");
}

static int end_maintenance(void)
{
	_cleanup_rootfs_ struct rootfs r = ROOTFS_INIT;
	int err = rootfs_open(arg_root, &r);

	if (err < 0)
		return log_error(EXIT_FAILURE, "%s: %s", arg_root, strerror(-err));
	return maintenance_end(&r) < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}

static int run(int argc, char **argv)
{
	int status = parse_arguments(argc, argv);

	if (status >= 0)
		return status;
	return arg_maintenance ? end_maintenance() : prepare();
}

int main(int argc, char **argv)
{
	return program_main(argc, argv, run);
}

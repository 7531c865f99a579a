/* SPDX-License-Identifier: MIT */
/* rofs-prepare: runs between the mount of a pool and what is mounted from it; rofs-prepare(8). */
#include <getopt.h>
#include <string.h>

#include "basic/strbuf.h"
#include "plan/plan.h"
#include "prepare/fallback.h"
#include "prepare/format.h"
#include "prepare/gpt-conflict.h"
#include "prepare/guard.h"
#include "prepare/layer.h"
#include "prepare/mounts.h"
#include "prepare/persist.h"
#include "system/load.h"
#include "system/log.h"
#include "system/program.h"

static const char *arg_root;
static const char *arg_pool;

static const char usage[] =
	"Usage: rofs-prepare POOL\n"
	"\n"
	"Makes the upper, work and persist directories that /etc/rofs.conf asks for in POOL, which must be mounted.\n"
	"The units of rofs-generator run it; a second run changes nothing.\n"
	"\n"
	"  --help      this text\n"
	"  --version   the version\n"
	"\n"
	"ROFS_ROOT=DIR   work on the system below DIR instead of /\n"
	"\n"
	"Exit status: 0 done, 1 something could not be made, 2 usage. See rofs-prepare(8).\n";

/* Returns -1 to go on, else the exit status. */
static int parse_arguments(int argc, char **argv)
{
	int status = program_options(argc, argv, "rofs-prepare", usage, 1, 1);

	if (status >= 0)
		return status;

	arg_root = program_root();
	arg_pool = argv[optind];
	return -1;
}

/* One line for all of them. @paths is as strbuf_add() has left it. */
static void tell_no_overlayfs(struct strbuf *paths)
{
	_cleanup_free_ char *list = NULL;

	if (paths->len > 0 && strbuf_take(paths, &list) >= 0)
		log_error(-ENODEV, "this kernel has no overlayfs:%s stay read-only", list);
}

/*
 * In the one pass, and for /etc in any run, the overlay is bound into place as well. Of /etc that is
 * not left to its unit, since PID 1's bind on machine-id must be let go of when it is covered, and
 * not before; of the others it is, since their mount points may be in an overlay that comes later.
 */
static int mount_overlay(const struct plan *p, const struct plan_overlay *o, size_t run)
{
	if (run == p->early_mounts || strcmp(o->path, "/etc") == 0)
		return mounts_overlay(p, o);
	return mounts_merged(p, o);
}

static int prepare_overlays(const struct rootfs *r, const struct plan *p, size_t run)
{
	_cleanup_strbuf_ struct strbuf without = { 0 };
	int status = EXIT_SUCCESS;

	/* In path order: an overlay may have its mount point in another one. */
	for (size_t i = p->prepares[run].first_overlay; i != SIZE_MAX;
	     i = p->overlays[i].next_prepared) {
		const struct plan_overlay *o = &p->overlays[i];
		int err = layer_prepare(r->root_fd, p, o);

		if (err != 0 || (o->lower_is_root && gpt_conflict_check(r->root_fd, o) < 0))
			status = EXIT_FAILURE;
		if (err < 0 || strcmp(arg_root, "/") != 0)
			continue;
		err = mount_overlay(p, o, run);
		if (err == -ENODEV)
			strbuf_addf(&without, " %s", o->path);
		else if (err < 0 && run != p->early_mounts)
			status = EXIT_FAILURE; /* or its unit would say again what says less */
	}
	tell_no_overlayfs(&without);
	return status;
}

/* What the path shows without its partition. Only on the running system. */
static int prepare_instead(const struct rootfs *r, const struct plan *p, size_t run)
{
	int status = EXIT_SUCCESS;

	for (size_t i = 0; i < p->n_overlays; i++)
		if (p->overlays[i].fallback == run &&
		    mounts_fallback(r->root_fd, p, &p->overlays[i]) < 0)
			status = EXIT_FAILURE;
	for (size_t i = 0; i < p->n_persists; i++)
		if (p->persists[i].guard == run && mounts_guard(&p->persists[i]) < 0)
			status = EXIT_FAILURE;
	return status;
}

/*
 * Everything that this run is for; what fails is logged, and the rest goes on. Below another
 * root nothing is mounted: units and options are about this one.
 */
static int prepare_all(const struct rootfs *r, const struct plan *p, size_t run)
{
	bool mounts = strcmp(arg_root, "/") == 0;
	int status;

	if (mounts && run == p->early_mounts)
		mounts_pools(p);
	status = prepare_overlays(r, p, run);
	if (mounts && prepare_instead(r, p, run) != EXIT_SUCCESS)
		status = EXIT_FAILURE;

	for (size_t i = 0; i < p->n_persists; i++) {
		if (p->persists[i].prepare != run)
			continue;
		if (persist_prepare(r->root_fd, p, &p->persists[i]) < 0)
			status = EXIT_FAILURE;
		else if (mounts)
			mounts_unguard(&p->persists[i]);
	}
	return status;
}

static int run_plan(const struct rootfs *r, const struct plan *p)
{
	for (size_t i = 0; i < p->n_prepares; i++)
		if (strcmp(p->prepares[i].dir, arg_pool) == 0)
			return prepare_all(r, p, i);

	for (size_t i = 0; i < p->n_partitions; i++)
		if (p->partitions[i].conf && p->partitions[i].format_dir &&
		    strcmp(p->partitions[i].format_dir, arg_pool) == 0)
			return format_partition(&p->partitions[i]) < 0 ? EXIT_FAILURE :
									 EXIT_SUCCESS;

	log_error(-ENOENT, "%s is no pool of /etc/rofs.conf", arg_pool);
	return EXIT_FAILURE;
}

static int run(void)
{
	_cleanup_loaded_ struct loaded l =
		LOADED_INIT; /* the generator has reported the mistakes */
	int err = load_plan(arg_root, &l);

	if (err < 0)
		return log_error(EXIT_FAILURE, "reading the configuration: %s", strerror(-err));
	return run_plan(&l.root, &l.plan);
}

int main(int argc, char **argv)
{
	int status = parse_arguments(argc, argv);

	return status >= 0 ? status : run();
}

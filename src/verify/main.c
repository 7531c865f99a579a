/* SPDX-License-Identifier: MIT */
/*
 * rofs-verify: the program of rofs-verify.service and rofs-watch.service; rofs(8). It needs no D-Bus
 * at boot: the table of mounts is enough.
 */
#include <string.h>

#include "system/event.h"
#include "system/load.h"
#include "system/log.h"
#include "system/observe.h"
#include "system/program.h"
#include "system/systemd.h"
#include "transaction/observed.h"
#include "transaction/window.h"
#include "verdict/reported.h"
#include "verdict/verdict-text.h"
#include "verdict/verdict.h"
#include "verify/files.h"
#include "verify/publish.h"

#define MOTD_DIR   "run/motd.d"
#define MOTD_FILE  "rofs"
#define STATE_DIR  "run/rofs-watch"
#define STATE_FILE "state"
#define STATE_MAX  ((size_t)1024 * 1024)
#define VERIFY	   "rofs-verify.service"
#define RESTORE	   "rofs-restore.service"

struct verifying {
	struct loaded loaded;
	struct observed observed;
	struct verdict verdict;
	struct reported state;
	bool off;
};

static void verifying_done(struct verifying *v)
{
	reported_done(&v->state);
	verdict_done(&v->verdict);
	observed_done(&v->observed);
	load_done(&v->loaded);
}

static int read_state(struct verifying *v)
{
	_cleanup_free_ char *text = NULL;
	size_t n;
	int err;

	err = rootfs_read(&v->loaded.root, "/" STATE_DIR "/" STATE_FILE, STATE_MAX, &text, &n);
	if (err == -ENOMEM)
		return err;
	return err < 0 ? 0 : reported_parse(text, &v->state);
}

static int write_state(struct verifying *v)
{
	_cleanup_free_ char *text = NULL;
	int err = reported_format(&v->state, &text);

	return err < 0 ? err : files_replace(v->loaded.root.root_fd, STATE_DIR, STATE_FILE, text);
}

static bool is_maintenance(const struct verifying *v)
{
	return v->loaded.conf.declared && v->loaded.boot.mode == BOOT_MAINTENANCE;
}

static int write_motd(struct verifying *v)
{
	_cleanup_free_ char *text = NULL;
	int err;

	if (v->off && !is_maintenance(v))
		return files_replace(v->loaded.root.root_fd, MOTD_DIR, MOTD_FILE, "");
	err = v->off ? verdict_motd_maintenance(&v->verdict.problems, &text) :
		       verdict_motd(&v->verdict, &v->loaded.plan, &text);
	return err < 0 ? err : files_replace(v->loaded.root.root_fd, MOTD_DIR, MOTD_FILE, text);
}

static int collect(const char *dir, struct verifying *v)
{
	_cleanup_free_ char *off = NULL;
	int err;

	err = load_plan(dir, &v->loaded);
	if (err >= 0)
		err = load_why_off(&v->loaded, &off);
	if (err >= 0)
		err = read_state(v);
	if (err < 0)
		return err;
	v->off = off && (v->loaded.conf.declared || v->loaded.boot.mode != BOOT_NORMAL);
	if (is_maintenance(v))
		return verdict_maintenance(v->loaded.marks.next_is_marked, &v->verdict);
	if (v->off)
		return 0;
	err = observe(dir, &v->loaded.plan, &v->observed);
	if (err >= 0)
		err = transactions_observe(&v->loaded.root, &v->observed.transactions);
	if (err < 0)
		return err;
	/* Unless something is mounted that the configuration must have declared before. */
	v->off = off && !verdict_is_anything_mounted(&v->observed);
	if (v->off)
		return 0;
	return verdict_build(&v->loaded.plan, &v->observed, &v->loaded.diag, &v->verdict);
}

static int report_problem(const struct problem *p)
{
	_cleanup_free_ char *text = NULL;
	int err = problem_format(p, &text);

	if (err >= 0)
		event_log(EVENT_NOT_IN_FORCE, NULL, 0, text);
	return err;
}

/* A sentence for each error, or the one that all is well. */
static int report(const struct verifying *v)
{
	_cleanup_free_ char *line = NULL;
	int err = 0;

	for (size_t i = 0; i < v->verdict.problems.n_errors && err >= 0; i++)
		err = report_problem(&v->verdict.problems.items[i]);
	if (err < 0 || v->verdict.problems.n_errors > 0)
		return err;

	err = verdict_line(&v->verdict, &v->loaded.plan, &v->observed, &line);
	if (err >= 0)
		event_log(EVENT_PROTECTED, NULL, 0, line);
	return err;
}

static int watch_storage(struct verifying *v, const struct storage *storage,
			 enum reported_resource resource)
{
	bool inodes = resource == REPORTED_INODES;
	const struct problem p =
		problem_of_storage(inodes ? PROBLEM_INODES_LOW : PROBLEM_SPACE_LOW, storage);
	_cleanup_free_ char *text = NULL;
	unsigned limit;
	int err;

	err = reported_step(&v->state, storage, resource, &limit);
	if (err < 0 || limit == 0)
		return err;
	err = problem_format(&p, &text);
	if (err < 0)
		return err;
	event_log(limit == USAGE_CRITICAL_PERCENT ? EVENT_POOL_CRITICAL : EVENT_POOL_WARNING,
		  storage->dir,
		  inodes ? usage_inodes_percent(&storage->usage) : usage_percent(&storage->usage),
		  text);
	return 0;
}

static int watch_storages(struct verifying *v)
{
	int err = 0;

	for (size_t i = 0; i < v->observed.n_storages && err >= 0; i++) {
		err = watch_storage(v, &v->observed.storages[i], REPORTED_BYTES);
		if (err >= 0)
			err = watch_storage(v, &v->observed.storages[i], REPORTED_INODES);
	}
	return err;
}

/* Are there other errors than those reported? Then it is time for a new verdict. */
static int watch_verdict(struct verifying *v)
{
	_cleanup_free_ char *now = NULL;
	int err = reported_errors(&v->verdict, &now);

	if (err < 0)
		return err;
	if (v->state.errors && strcmp(v->state.errors, now) == 0)
		return 0;
	err = units_restart(VERIFY);
	return err < 0 ? log_error(err, "cannot restart " VERIFY ": %s", strerror(-err)) : 0;
}

/* For those who may not look into /rofs. */
static int publish_transactions(struct verifying *v)
{
	_cleanup_free_ char *text = NULL;
	int err = transactions_format(&v->observed.transactions, &text);

	return err < 0 ? err :
			 files_replace(v->loaded.root.root_fd, TRANSACTIONS_DIR, TRANSACTIONS_FILE,
				       text);
}

/* This service may not change a mount. What the other one cannot do, it is asked for again by the next run. */
static int watch_superblocks(const struct verifying *v)
{
	int left = window_left_rw(v->loaded.root.root_fd);
	int err = left > 0 ? units_restart(RESTORE) : 0;

	return err < 0 ? log_error(err, "cannot start " RESTORE ": %s", strerror(-err)) : 0;
}

static int watch(struct verifying *v)
{
	int err = watch_storages(v);

	if (err >= 0)
		err = watch_superblocks(v);
	if (err >= 0)
		err = publish_transactions(v);
	if (err >= 0)
		err = write_motd(v);
	if (err >= 0)
		err = write_state(v);
	return err < 0 ? err : watch_verdict(v);
}

static int verify(struct verifying *v)
{
	int err;

	free(v->state.errors);
	v->state.errors = NULL;
	err = reported_errors(&v->verdict, &v->state.errors);
	if (err >= 0)
		err = report(v);
	if (err >= 0)
		err = publish_transactions(v);
	if (err >= 0)
		err = write_motd(v);
	if (err >= 0)
		err = write_state(v);
	return err < 0 ? err : publish_configuration(&v->loaded);
}

/* In a boot without rofs, but a maintenance boot that will be followed by another one. */
static int verify_off(struct verifying *v)
{
	int err = 0;

	for (size_t i = 0; i < v->verdict.problems.n && err >= 0; i++)
		err = report_problem(&v->verdict.problems.items[i]);
	return err < 0 ? err : write_motd(v);
}

static const char usage[] =
	"Usage: rofs-verify [--watch]\n"
	"\n"
	"Report whether everything that rofs.conf declares is in force. rofs-verify.service runs it at boot.\n"
	"To show the verdict, run rofs status.\n"
	"\n"
	"  --watch     warn of pools and partitions that fill up, and restart rofs-verify.service if the errors\n"
	"              have changed; rofs-watch.service runs it with this option\n"
	"  --help      show this help\n"
	"  --version   show the version\n"
	"\n"
	"ROFS_ROOT=DIR   examine the system below DIR instead of /\n"
	"\n"
	"Exit status: 0 protected (with --watch: done), 1 partial or failed, 2 usage.\n";

static int run(int argc, char **argv)
{
	_cleanup_(verifying_done) struct verifying v = { .loaded = LOADED_INIT };
	bool watching = false;
	const struct program_option options[] = { { .name = "watch", .given = &watching } };
	const struct program_call call = {
		.name = "rofs-verify", .usage = usage, .options = options, .n_options = 1
	};
	int err, status;

	status = program_parse(argc, argv, &call);
	if (status >= 0)
		return status;

	err = collect(program_root(), &v);
	if (err < 0)
		return log_error(err, "cannot examine the system: %s", strerror(-err)),
		       EXIT_FAILURE;
	err = v.off ? verify_off(&v) : watching ? watch(&v) : verify(&v);
	if (err < 0)
		return log_error(err, "cannot report the verdict: %s", strerror(-err)),
		       EXIT_FAILURE;
	return !watching && v.verdict.problems.n_errors > 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}

int main(int argc, char **argv)
{
	return program_main(argc, argv, run);
}

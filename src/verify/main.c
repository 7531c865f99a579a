/* SPDX-License-Identifier: MIT */
/*
 * rofs-verify: what rofs-verify.service and rofs-watch.service run; rofs(8). No D-Bus at boot: the
 * table of mounts says enough.
 */
#include <string.h>

#include "system/load.h"
#include "system/log.h"
#include "system/observe.h"
#include "system/program.h"
#include "system/systemd.h"
#include "verdict/reported.h"
#include "verdict/verdict.h"
#include "verify/files.h"
#include "verify/event.h"
#include "verify/publish.h"

#define MOTD_DIR   "run/motd.d"
#define MOTD_FILE  "rofs"
#define STATE_DIR  "run/rofs-watch"
#define STATE_FILE "state"
#define STATE_MAX  ((size_t)1024 * 1024)
#define VERIFY	   "rofs-verify.service"

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

static int write_motd(struct verifying *v)
{
	_cleanup_free_ char *text = NULL;
	int err;

	if (v->off)
		return files_replace(v->loaded.root.root_fd, MOTD_DIR, MOTD_FILE, "");
	err = verdict_motd(&v->verdict, &v->loaded.plan, &text);
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
	v->off = off != NULL;
	if (err < 0 || v->off)
		return err;
	err = observe(dir, &v->loaded.plan, &v->observed);
	if (err < 0)
		return err;
	return verdict_build(&v->loaded.plan, &v->observed, &v->loaded.diag, &v->verdict);
}

/* A sentence for each problem, or the one that all is well. */
static int report(const struct verifying *v)
{
	_cleanup_free_ char *line = NULL;
	int err;

	for (size_t i = 0; i < v->verdict.n_problems; i++)
		if (v->verdict.problems[i].broken)
			event_log(EVENT_NOT_IN_FORCE, NULL, 0, v->verdict.problems[i].text);
	if (v->verdict.n_broken > 0)
		return 0;

	err = verdict_line(&v->verdict, &v->loaded.plan, &v->observed, &line);
	if (err >= 0)
		event_log(EVENT_PROTECTED, NULL, 0, line);
	return err;
}

static int watch_storage(struct verifying *v, const struct storage *storage,
			 enum reported_resource kind)
{
	_cleanup_free_ char *text = NULL;
	unsigned limit;
	int err;

	err = reported_step(&v->state, storage, kind, &limit);
	if (err < 0 || limit == 0)
		return err;
	err = storage_sentence(storage, kind == REPORTED_INODES, &text);
	if (err < 0)
		return err;
	event_log(limit == USAGE_CRITICAL_PERCENT ? EVENT_POOL_CRITICAL : EVENT_POOL_WARNING,
		  storage->dir,
		  kind == REPORTED_INODES ? usage_inodes_percent(&storage->usage) :
					    usage_percent(&storage->usage),
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

/* Is what is not in force another than what was reported? Then it is time for a new verdict. */
static int watch_verdict(struct verifying *v)
{
	_cleanup_free_ char *now = NULL;
	int err = reported_broken(&v->verdict, &now);

	if (err < 0)
		return err;
	if (v->state.broken && strcmp(v->state.broken, now) == 0)
		return 0;
	err = units_restart(VERIFY);
	return err < 0 ? log_error(err, "restarting " VERIFY ": %s", strerror(-err)) : 0;
}

static int watch(struct verifying *v)
{
	int err = watch_storages(v);

	if (err >= 0)
		err = write_motd(v);
	if (err >= 0)
		err = write_state(v);
	return err < 0 ? err : watch_verdict(v);
}

static int verify(struct verifying *v)
{
	int err;

	free(v->state.broken);
	v->state.broken = NULL;
	err = reported_broken(&v->verdict, &v->state.broken);
	if (err >= 0)
		err = report(v);
	if (err >= 0)
		err = write_motd(v);
	if (err >= 0)
		err = write_state(v);
	return err < 0 ? err : publish_configuration(&v->loaded);
}

static const char usage[] =
	"Usage: rofs-verify [--watch]\n"
	"\n"
	"Compares what /etc/rofs.conf declares with what is in force, for rofs-verify.service; with --watch for\n"
	"rofs-watch.service, which reports pools that run full and asks for a new verdict when it would be another.\n"
	"People call: rofs status\n"
	"\n"
	"  --help      this text\n"
	"  --version   the version\n"
	"\n"
	"ROFS_ROOT=DIR   look at the system below DIR instead of /\n"
	"\n"
	"Exit status: 0 all is in force (with --watch: done), 1 something is not, or a failure, 2 usage.\n";

int main(int argc, char **argv)
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
		return log_error(err, "looking at the system: %s", strerror(-err)), EXIT_FAILURE;
	if (v.off)
		return write_motd(&v) < 0 ? EXIT_FAILURE : EXIT_SUCCESS;

	err = watching ? watch(&v) : verify(&v);
	if (err < 0)
		return log_error(err, "reporting: %s", strerror(-err)), EXIT_FAILURE;
	return !watching && v.verdict.n_broken > 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}

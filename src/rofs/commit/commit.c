/* SPDX-License-Identifier: MIT */
/* rofs commit: write changes to flash. */
#include "rofs/commit/commit.h"

#include <getopt.h>
#include <limits.h>
#include <string.h>

#include "rofs/changes/asked-check.h"
#include "rofs/rofs.h"
#include "rofs/ui/caller.h"
#include "rofs/ui/ask.h"
#include "system/log.h"
#include "system/program.h"
#include "transaction/history.h"

static const char usage[] =
	"Usage: rofs commit [--dry-run] [--yes] PATH... | --all\n"
	"\n"
	"Write the changes at or below these paths to flash, so that they survive a reboot. Either all of\n"
	"them are written, or, after an error or a power cut, none.\n"
	"\n"
	"  --all       write the changes of all overlays in RAM, except random seeds and what rofs\n"
	"              itself has made\n"
	"  --dry-run   only show what would be written\n"
	"  --yes       do not ask on a terminal\n"
	"  --help      show this help\n"
	"\n"
	"Exit status: 0 done, or nothing to write; 1 failure; 2 usage; 3 refused; 4 rofs is off.\n";

static void commit_done(struct commit *c)
{
	for (size_t i = 0; i < c->n; i++)
		path_node_unref(c->items[i].path);
	free(c->items);
	free(c->command);
	path_text_done(&c->last);
	changes_done(&c->changes);
}

static int parse(struct commit *c, int argc, char **argv)
{
	const struct program_option options[] = {
		{ .name = "all", .given = &c->all },
		{ .name = "dry-run", .given = &c->dry_run },
		{ .name = "yes", .given = &c->yes },
	};
	const struct program_call call = { .usage = usage,
					   .options = options,
					   .n_options = ELEMENTSOF(options),
					   .most = INT_MAX };
	int status;

	if (caller_command(argc, argv, &c->command) < 0)
		return log_error(ROFS_WRONG, "out of memory");
	status = program_parse(argc, argv, &call);
	if (status >= 0)
		return status;
	if (c->all && optind < argc)
		return log_error(ROFS_USAGE, "--all and PATH are mutually exclusive");
	if (!c->all && optind == argc)
		return log_error(ROFS_USAGE, "expected a PATH, or --all");
	for (int i = optind; i < argc; i++)
		if (!*argv[i])
			return log_error(ROFS_USAGE, "PATH is empty");
	return -1;
}

static int read_paths(struct commit *c, char **paths, size_t n)
{
	int err = asked_paths_read(&c->changes.loaded, paths, n, &c->changes.paths);

	if (err == -ENOMEM)
		return log_error(ROFS_WRONG, "out of memory");
	return err < 0 ? ROFS_REFUSED :
			 asked_paths_check(&c->changes.loaded.plan, &c->changes.paths);
}

/* Finds out what is to be done. Returns -1 to go on, else the exit status. */
static int find_out(struct commit *c)
{
	int err = commit_collect(c);

	if (err >= 0 && c->changes.wrong)
		return ROFS_WRONG;
	if (err >= 0)
		err = commit_decide(c);
	if (err == -EPERM)
		return ROFS_REFUSED;
	if (err == -EIO)
		return ROFS_WRONG;
	return err < 0 ? log_error(ROFS_WRONG, "%s", strerror(-err)) : commit_check_unchanged(c);
}

static int check(struct commit *c)
{
	int err = commit_check_conflicts(c);

	if (err < 0)
		return err == -EPERM ? ROFS_REFUSED : ROFS_WRONG;
	return commit_check_window(c);
}

static int write_all_of_it(struct commit *c)
{
	int status;

	if (c->all && !c->yes && ask_possible() && !ask_yes("Write this to flash?"))
		return log_error(ROFS_WRONG, "nothing was written");
	status = commit_write(c);
	if (status == ROFS_DONE && commit_print_summary(c) < 0)
		return log_error(ROFS_WRONG, "out of memory");
	return status == ROFS_DONE && c->left_out > 0 ? ROFS_WRONG : status;
}

/* Returns -1 to go on, else the exit status. */
static int read_latest(struct commit *c)
{
	int err = history_latest(c->changes.loaded.root.root_fd, &c->latest);

	return err < 0 ? log_error(ROFS_WRONG, "cannot read the log: %s", strerror(-err)) : -1;
}

static int run(struct commit *c, char **paths, size_t n)
{
	int status = changes_load(&c->changes, "commit");

	if (status < 0)
		status = read_latest(c);
	if (status < 0)
		status = read_paths(c, paths, n);
	if (status < 0)
		status = find_out(c);
	if (status >= 0)
		return status;
	if (!commit_has_work(c)) {
		if (!c->all && commit_print_left_out(c) < 0)
			return log_error(ROFS_WRONG, "out of memory");
		puts("nothing to write");
		return ROFS_DONE;
	}
	status = check(c);
	if (status >= 0)
		return status;
	if (commit_print_plan(c) < 0)
		return log_error(ROFS_WRONG, "out of memory");
	return c->dry_run ? commit_check_room(c) : write_all_of_it(c);
}

int verb_commit(int argc, char **argv)
{
	_cleanup_(commit_done) struct commit c = { .changes = CHANGES_INIT };
	int status = parse(&c, argc, argv);

	return status >= 0 ? status : run(&c, argv + optind, (size_t)(argc - optind));
}

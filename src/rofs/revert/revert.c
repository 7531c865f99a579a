/* SPDX-License-Identifier: MIT */
/* rofs revert: put the flash version back. */
#include "rofs/revert/revert.h"

#include <fcntl.h>
#include <getopt.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>

#include "basic/strbuf.h"
#include "basic/text.h"
#include "rofs/changes/asked-check.h"
#include "rofs/rofs.h"
#include "rofs/ui/ask.h"
#include "system/log.h"
#include "system/program.h"
#include "transaction/caches.h"
#include "transaction/interrupt.h"

static const char usage[] =
	"Usage: rofs revert [--dry-run] [--yes] PATH...\n"
	"\n"
	"Put back what is on flash at or below these paths. Changes there since boot are lost.\n"
	"\n"
	"  --dry-run   only show what would be put back\n"
	"  --yes       do not ask on a terminal\n"
	"  --help      show this help\n"
	"\n"
	"Exit status: 0 done, or nothing to put back; 1 failure; 2 usage; 3 refused; 4 rofs is off.\n";

static void revert_done(struct revert *r)
{
	for (size_t i = 0; i < r->n; i++)
		path_node_unref(r->items[i].path);
	free(r->items);
	path_node_unref(r->covered);
	changes_done(&r->changes);
}

static int parse(struct revert *r, int argc, char **argv)
{
	const struct program_option options[] = {
		{ .name = "dry-run", .given = &r->dry_run },
		{ .name = "yes", .given = &r->yes },
	};
	const struct program_call call = { .usage = usage,
					   .options = options,
					   .n_options = ELEMENTSOF(options),
					   .least = 1,
					   .most = INT_MAX };
	int status = program_parse(argc, argv, &call);

	for (int i = optind; status < 0 && i < argc; i++)
		if (!*argv[i])
			return log_error(ROFS_USAGE, "PATH is empty");
	return status;
}

static int print_paths(const struct revert *r)
{
	static const char letters[] = {
		[REVERT_REMOVE] = '-', [REVERT_PUT] = '+', [REVERT_ATTRIBUTES] = 'm'
	};
	_cleanup_path_text_ struct path_text text = { 0 };

	for (size_t i = 0; i < r->n; i++) {
		const struct revert_item *item = &r->items[i];
		const char *path = path_text_set(&text, item->path, NULL);
		_cleanup_free_ char *shown = NULL;

		if (!path || text_escape(path, &shown) < 0)
			return -ENOMEM;
		if (item->action != REVERT_ON_WAY)
			printf("%c %s\n", letters[item->action], shown);
	}
	return 0;
}

static void print_total(const struct revert *r, const char *done)
{
	printf("%s: %zu put back, %zu removed, attributes of %zu director%s\n", done, r->put,
	       r->removed, r->attributes, r->attributes == 1 ? "y" : "ies");
}

/* Of a path in which nothing differs: is it there? Returns -1, or the exit status. */
static int check_path(const struct revert *r, const char *path)
{
	_cleanup_free_ char *shown = NULL;
	struct stat st;

	if (fstatat(r->changes.loaded.root.root_fd, path[1] ? path + 1 : ".", &st,
		    AT_SYMLINK_NOFOLLOW) == 0)
		return -1;
	if (text_escape(path, &shown) < 0)
		return log_error(ROFS_WRONG, "out of memory");
	return log_error(ROFS_REFUSED, "%s: %s; if a directory above it was deleted, revert that",
			 shown, strerror(errno));
}

static int check_found(const struct revert *r)
{
	int status = -1;

	for (size_t i = 0; i < r->changes.paths.n; i++) {
		const struct asked_path *p = &r->changes.paths.paths[i];
		int one = p->found ? -1 : check_path(r, p->path);

		status = one >= 0 ? one : status;
	}
	return status;
}

static int find_out(struct revert *r, char **paths, size_t n)
{
	int err = asked_paths_read(&r->changes.loaded, paths, n, &r->changes.paths), status;

	if (err < 0)
		return err == -ENOMEM ? log_error(ROFS_WRONG, "out of memory") : ROFS_REFUSED;
	status = asked_paths_check(&r->changes.loaded.plan, &r->changes.paths);
	if (status >= 0)
		return status;
	/* The merged view then shows the lower as it is, and takes new files from it. */
	caches_drop(r->changes.loaded.root.root_fd);
	err = revert_collect(r);
	if (err < 0)
		return log_error(ROFS_WRONG, "%s", strerror(-err));
	return check_found(r);
}

static int put(struct revert *r)
{
	int err;

	if (!r->yes && ask_possible() && !ask_yes("Lose these changes?"))
		return log_error(ROFS_WRONG, "nothing was put back");
	interrupt_block();
	err = revert_put_all(r);
	if (err == -EINTR) {
		log_error(0, "interrupted; what was not put back yet is unchanged");
		interrupt_raise();
	}
	if (err < 0)
		return log_error(ROFS_WRONG, "%s", strerror(-err));
	caches_drop(r->changes.loaded.root.root_fd);
	print_total(r, "reverted");
	if (r->put > 0)
		puts("RAM is freed only for what was removed; the rest is freed at the next boot");
	return r->failed || r->changes.wrong ? ROFS_WRONG : ROFS_DONE;
}

static int run(struct revert *r, char **paths, size_t n)
{
	int status = changes_load(&r->changes, "revert");

	if (status < 0)
		status = find_out(r, paths, n);
	if (status >= 0)
		return status;
	if (r->put + r->removed + r->attributes == 0) {
		puts("nothing to put back");
		return r->changes.wrong ? ROFS_WRONG : ROFS_DONE;
	}
	if ((r->dry_run || (!r->yes && ask_possible())) && print_paths(r) < 0)
		return log_error(ROFS_WRONG, "out of memory");
	if (!r->dry_run)
		return put(r);
	print_total(r, "to be reverted");
	return r->changes.wrong ? ROFS_WRONG : ROFS_DONE;
}

int verb_revert(int argc, char **argv)
{
	_cleanup_(revert_done) struct revert r = { .changes = CHANGES_INIT };
	int status = parse(&r, argc, argv);

	return status >= 0 ? status : run(&r, argv + optind, (size_t)(argc - optind));
}

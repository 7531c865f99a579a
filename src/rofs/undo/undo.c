/* SPDX-License-Identifier: MIT */
/* rofs undo: put back what the last transaction replaced on flash. */
#include "rofs/undo/undo.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "basic/text.h"
#include "rofs/log/log-show.h"
#include "rofs/rofs.h"
#include "rofs/ui/ask.h"
#include "rofs/ui/caller.h"
#include "system/event.h"
#include "system/log.h"
#include "system/program.h"

#define SHOWN_MAX 20u

static const char usage[] =
	"Usage: rofs undo [--dry-run] [--yes]\n"
	"\n"
	"Put back what the last commit or chroot replaced on flash. The old files are kept until the first transaction of\n"
	"a later boot. Another rofs undo puts back the transaction before it. Of older ones, what commits of this boot\n"
	"wrote is no longer kept.\n"
	"\n"
	"  --dry-run   only show what would be put back\n"
	"  --yes       do not ask on a terminal\n"
	"  --help      show this help\n"
	"\n"
	"Exit status: 0 done, 1 failure, 2 usage, 3 refused: not root, or there is nothing that can be undone, 4 rofs is\n"
	"off in this boot.\n";

static void undo_done(struct undo *u)
{
	changes_done(&u->changes);
	history_done(&u->history);
	record_done(&u->record);
	free(u->not_kept);
	free(u->command);
}

static int parse(struct undo *u, int argc, char **argv)
{
	const struct program_option options[] = {
		{ .name = "dry-run", .given = &u->dry_run },
		{ .name = "yes", .given = &u->yes },
	};
	const struct program_call call = { .usage = usage,
					   .options = options,
					   .n_options = ELEMENTSOF(options) };

	if (caller_command(argc, argv, &u->command) < 0)
		return log_error(ROFS_WRONG, "out of memory");
	return program_parse(argc, argv, &call);
}

/* As rofs diff will have it: what was added is deleted. */
static char letter_back(const struct record_entry *e)
{
	char letter = log_letter(e);

	switch (letter) {
	case 'A':
		return 'D';
	case 'D':
		return 'A';
	default:
		return letter;
	}
}

static int print_entries(const struct record *r)
{
	_cleanup_record_paths_ struct record_paths paths = { 0 };
	int err = record_paths_find(r, &paths);

	for (size_t i = 0; i < paths.n && i < SHOWN_MAX && err >= 0; i++) {
		_cleanup_free_ char *shown = NULL;

		err = text_escape(paths.list[i].path, &shown);
		if (err >= 0)
			printf("%c %s\n", letter_back(paths.list[i].entry), shown);
	}
	if (paths.n > SHOWN_MAX)
		printf("and %zu more; see rofs log %u\n", paths.n - SHOWN_MAX, r->number);
	return err;
}

static int print_plan(const struct undo *u)
{
	char time[32], user[LOG_USER_MAX];

	program_print("transaction %u, %s of %s by %s: %s", u->record.number,
		      transaction_kind_to_string(u->record.kind), log_time(time, u->record.time),
		      log_user(user, u->entry), u->record.command);
	if (u->not_kept)
		program_print("not put back: what it changed on %s", u->not_kept);
	return print_entries(&u->record);
}

static void tell_journal(const struct undo *u)
{
	_cleanup_free_ char *text = NULL;

	if (text_format(&text, "transaction %u (%s) was undone on flash", u->record.number,
			u->record.command) >= 0)
		event_record(EVENT_UNDONE, text);
}

static void print_done(const struct undo *u)
{
	printf("transaction %u is undone%s; a reboot completes it\n", u->record.number,
	       u->not_kept ? " as far as its old files were kept" : "");
	if (u->n_shadowed > 0)
		printf("until then, the running system shows %zu of %" PRIu64
		       " paths as they are in RAM; see rofs diff\n",
		       u->n_shadowed, u->entry->n_paths);
}

static int run(struct undo *u)
{
	int status = changes_load(&u->changes, "undo");

	if (status < 0)
		status = undo_find(u);
	if (status < 0)
		status = undo_check_window(u);
	if (status >= 0)
		return status;
	if (print_plan(u) < 0)
		return log_error(ROFS_WRONG, "out of memory");
	if (u->dry_run)
		return ROFS_DONE;
	if (!u->yes && ask_possible() && !ask_yes("Put this back on flash?"))
		return log_error(ROFS_WRONG, "nothing was undone");
	status = undo_write(u);
	if (status == ROFS_DONE) {
		tell_journal(u);
		print_done(u);
	}
	return status;
}

int verb_undo(int argc, char **argv)
{
	_cleanup_(undo_done) struct undo u = { .changes = CHANGES_INIT };
	int status = parse(&u, argc, argv);

	return status >= 0 ? status : run(&u);
}

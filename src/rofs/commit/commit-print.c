/* SPDX-License-Identifier: MIT */
/* rofs commit: what is to be written, and what was. */
#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "basic/strbuf.h"
#include "basic/text.h"
#include "rofs/commit/commit.h"
#include "system/event.h"
#include "system/log.h"

static const char *reason_to_string(enum commit_reason reason)
{
	static const char *const words[] = {
		[COMMIT_WANTED] = NULL,
		[COMMIT_BY_ROFS] = "made by rofs in each boot",
		[COMMIT_STARTS_EMPTY] = "starts empty at each boot",
		[COMMIT_PERSIST] = "below a persist, which is kept anyway",
		[COMMIT_RESERVED] = "a name that rofs reserves for transactions",
		[COMMIT_SEED] = "random seed, which must not be used twice",
		[COMMIT_SOCKET] = "socket, which only the program that listens can make",
	};

	static_assert(ELEMENTSOF(words) == _COMMIT_REASON_MAX, "a reason for each");
	return words[reason];
}

static const char *trouble_to_string(enum commit_trouble t)
{
	switch (t) {
	case COMMIT_RESTLESS:
		return "was changed all the time while it was read; what is new there may be missing";
	case COMMIT_GONE_MEANWHILE:
		return "was deleted meanwhile";
	case COMMIT_CHANGED_MEANWHILE:
		return "was changed each time that it was copied; the copy may be inconsistent";
	case COMMIT_REPLACED_MEANWHILE:
		return "was replaced each time that it was copied; it is not written";
	case COMMIT_OPEN_WRITER:
		return "is open for writing; the program may not have written all of it yet";
	case _COMMIT_TROUBLE_MAX:
		break;
	}
	return "";
}

void commit_tell(struct commit *c, enum commit_trouble t, struct path_node *path)
{
	_cleanup_path_text_ struct path_text text = { 0 };
	_cleanup_free_ char *shown = NULL;

	if (c->troubles[t]++ >= COMMIT_NAMED_MAX)
		return;
	if (path_text_set(&text, path, NULL) && text_escape(text.text.text, &shown) == 0)
		log_warning("%s %s", shown, trouble_to_string(t));
}

static void tell_further(const struct commit *c, enum commit_trouble t)
{
	if (c->troubles[t] > COMMIT_NAMED_MAX)
		log_warning("%zu further paths: the same (%s)", c->troubles[t] - COMMIT_NAMED_MAX,
			    trouble_to_string(t));
}

static bool is_shown(const struct commit_item *i)
{
	return i->action != COMMIT_NOTHING && i->action != COMMIT_TIME;
}

/* What it is on flash afterwards, in the letters of rofs diff. */
static char letter_of(const struct commit_item *i)
{
	if (i->action == COMMIT_ATTRIBUTES || i->change.kind == CHANGE_COPIED)
		return change_kind_to_letter(CHANGE_ATTRIBUTES);
	return change_kind_to_letter(i->change.kind);
}

/* One line for each item that @want is true of. Returns their number or -ENOMEM. */
static int print_paths(const struct commit *c)
{
	_cleanup_path_text_ struct path_text text = { 0 };

	for (size_t i = 0; i < c->n; i++) {
		_cleanup_free_ char *shown = NULL;
		const char *path;

		if (!is_shown(&c->items[i]))
			continue;
		path = path_text_set(&text, c->items[i].path, NULL);
		if (!path || text_escape(path, &shown) < 0)
			return -ENOMEM;
		printf("%c %s\n", letter_of(&c->items[i]), shown);
	}
	return 0;
}

static bool is_left_out(const struct commit *c, const struct commit_item *i)
{
	const struct commit_item *parent = commit_parent(c, i);

	if (!i->asked || i->reason == COMMIT_WANTED || i->action != COMMIT_NOTHING ||
	    (parent && parent->reason == i->reason))
		return false;
	return i->reason == COMMIT_STARTS_EMPTY ||
	       (i->change.kind != CHANGE_NONE && i->change.kind != CHANGE_COPIED);
}

int commit_print_left_out(const struct commit *c)
{
	_cleanup_path_text_ struct path_text text = { 0 };
	size_t n = 0;

	for (size_t i = 0; i < c->n; i++) {
		_cleanup_free_ char *shown = NULL;
		const char *path;

		if (!is_left_out(c, &c->items[i]) || n++ >= COMMIT_NAMED_MAX)
			continue;
		path = path_text_set(&text, c->items[i].path, NULL);
		if (!path || text_escape(path, &shown) < 0)
			return -ENOMEM;
		printf("left out: %s (%s)\n", shown, reason_to_string(c->items[i].reason));
	}
	if (n > COMMIT_NAMED_MAX)
		printf("left out: %zu more\n", n - COMMIT_NAMED_MAX);
	return 0;
}

/* Neighbours that are the same kind of state. */
struct states {
	const char *what;
	size_t n;
	uint64_t bytes;
	char *first;
};

static void print_states(struct states *s)
{
	char bytes[TEXT_BYTES_MAX];

	if (s->n > 0)
		printf("looks like state: %s%s (%s, %zu file%s, %s)\n", s->first,
		       s->n > 1 ? " and others" : "", s->what, s->n, s->n == 1 ? "" : "s",
		       text_bytes(bytes, s->bytes));
	free(s->first);
	*s = (struct states){ 0 };
}

static int add_state(struct states *s, const struct commit_item *item, const char *what,
		     const char *path)
{
	if (s->what != what)
		print_states(s);
	s->what = what;
	s->n++;
	s->bytes += item->size;
	return s->first ? 0 : text_escape(path, &s->first);
}

/* What is written although it is probably not meant: only where all is asked for. */
static int print_all_states(const struct commit *c)
{
	_cleanup_path_text_ struct path_text text = { 0 };
	struct states s = { 0 };
	int err = 0;

	for (size_t i = 0; i < c->n && err >= 0; i++) {
		const struct commit_item *item = &c->items[i];
		const char *path = path_text_set(&text, item->path, NULL);
		const char *what = path ? commit_state_of(path) : NULL;

		if (!path)
			err = -ENOMEM;
		else if (what && commit_is_copied(item) && !commit_is_dir(item))
			err = add_state(&s, item, what, path);
	}
	print_states(&s);
	return err;
}

static void add_part(struct strbuf *b, const char *text, size_t n, const char *one,
		     const char *many)
{
	if (n == 0)
		return;
	strbuf_addf(b, "%s%s%zu %s", b->len > 0 ? ", " : "", text, n, n == 1 ? one : many);
}

/* "12 files (3.4 MiB), 2 deleted" */
static int totals(const struct commit *c, char **ret)
{
	const struct commit_total *t = &c->total;
	_cleanup_strbuf_ struct strbuf b = { 0 };
	char bytes[TEXT_BYTES_MAX];

	add_part(&b, "", t->files, "file", "files");
	if (t->files > 0)
		strbuf_addf(&b, " (%s)", text_bytes(bytes, t->bytes));
	add_part(&b, "", t->deleted, "deleted", "deleted");
	add_part(&b, "attributes of ", t->attributes, "directory", "directories");
	if (b.len == 0)
		strbuf_add(&b, "nothing");
	return strbuf_take(&b, ret);
}

int commit_print_plan(const struct commit *c)
{
	_cleanup_free_ char *text = NULL;

	if ((c->dry_run && print_paths(c) < 0) || commit_print_left_out(c) < 0)
		return -ENOMEM;
	if (c->all && print_all_states(c) < 0)
		return -ENOMEM;
	tell_further(c, COMMIT_RESTLESS);
	if (totals(c, &text) < 0)
		return -ENOMEM;
	if (c->dry_run || (c->all && !c->yes))
		printf("to be written: %s\n", text);
	return 0;
}

static void record(const char *command, const char *what)
{
	_cleanup_free_ char *text = NULL;

	if (text_format(&text, "%s: written to flash: %s", command, what) == 0)
		event_record(EVENT_COMMITTED, text);
}

int commit_print_summary(const struct commit *c)
{
	_cleanup_free_ char *text = NULL;

	for (enum commit_trouble t = COMMIT_RESTLESS + 1; t < _COMMIT_TROUBLE_MAX; t++)
		tell_further(c, t);
	if (c->left_out > COMMIT_NAMED_MAX)
		log_error(0, "%zu further paths are left out", c->left_out - COMMIT_NAMED_MAX);
	if (totals(c, &text) < 0)
		return -ENOMEM;
	printf("written to flash: %s\n", text);
	record(c->command, text);
	return 0;
}

/* SPDX-License-Identifier: MIT */
/* The text file that a record is. */
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>

#include "basic/io.h"
#include "transaction/record-text.h"
#include "transaction/record.h"

/* The first line. A later form that this program cannot read has another one. */
#define RECORD_HEAD "rofs-transaction 1"
/* Written at once: of a long record, memory for a part only is needed. */
#define RECORD_PART ((size_t)64 * 1024)

static const char *const operations[] = {
	[RECORD_NEW] = "new",	  [RECORD_GONE] = "gone", [RECORD_ATTRIBUTES] = "attributes",
	[RECORD_TIMES] = "times", [RECORD_LOG] = "log",
};
_Static_assert(ELEMENTSOF(operations) == _RECORD_OPERATION_MAX, "a word for each operation");

static enum record_operation operation_from_string(const char *s)
{
	for (int i = 0; i < _RECORD_OPERATION_MAX; i++)
		if (strcmp(operations[i], s) == 0)
			return (enum record_operation)i;
	return _RECORD_OPERATION_INVALID;
}

static void add_entry(struct strbuf *b, const struct record_entry *e)
{
	strbuf_addf(b, "%s %u %ju %ju %u %u %jd %jd ", operations[e->operation], e->fs,
		    (uintmax_t)e->inode, (uintmax_t)e->old_inode, e->flags, e->old_flags,
		    (intmax_t)e->mtime.tv_sec, (intmax_t)e->mtime.tv_nsec);
	record_text_add(b, e->slot);
	/* The slash makes the root directory a word. */
	strbuf_add(b, " /");
	record_text_add(b, e->path);
	strbuf_add_char(b, '\n');
}

static void add_head(struct strbuf *b, const struct record *r)
{
	strbuf_addf(b, RECORD_HEAD "\n%u %u %s %jd %s %u %ju %zu %zu\n", r->number, r->undoes,
		    transaction_kind_to_string(r->kind), (intmax_t)r->time, r->boot, r->uid,
		    (uintmax_t)r->bytes, r->n_where, r->n_entries);
	record_text_add(b, r->command ? r->command : "");
	strbuf_add_char(b, '\n');
	for (size_t i = 0; i < r->n_where; i++) {
		record_text_add(b, r->where[i]);
		strbuf_add_char(b, '\n');
	}
}

static int flush(int fd, struct strbuf *b)
{
	int err = b->failed ? -ENOMEM : write_all(fd, b->text, b->len);

	b->len = 0;
	return err;
}

static int write_entries(int fd, const struct record *r)
{
	_cleanup_strbuf_ struct strbuf b = { 0 };

	add_head(&b, r);
	for (size_t i = 0; i < r->n_entries; i++) {
		int err = b.len < RECORD_PART && !b.failed ? 0 : flush(fd, &b);

		if (err < 0)
			return err;
		add_entry(&b, &r->entries[i]);
	}
	strbuf_add(&b, "end\n");
	return flush(fd, &b);
}

int record_write(int dir_fd, const struct record *r)
{
	_cleanup_close_ int fd = openat(
		dir_fd, RECORD_NAME, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);

	if (fd < 0)
		return -errno;
	return write_entries(fd, r);
}

static bool is_slot(const char *slot)
{
	return strchr(slot, '/') && record_is_beneath(slot);
}

static bool has_valid_names(const struct record_entry *e, const char *slot, const char *path)
{
	switch (e->operation) {
	case RECORD_NEW:
	case RECORD_GONE:
	case RECORD_LOG:
		return *path && record_is_beneath(path) && is_slot(slot);
	case RECORD_ATTRIBUTES:
		return record_is_beneath(path) && is_slot(slot);
	case RECORD_TIMES:
		return record_is_beneath(path) && !*slot;
	case _RECORD_OPERATION_MAX:
	case _RECORD_OPERATION_INVALID:
		break;
	}
	return false;
}

/* A time may be before 1970. */
static bool read_time(struct record_text *t, time_t *ret)
{
	bool negative = t->word && *t->word == '-';
	uint64_t n;

	if (negative)
		t->word++;
	if (!record_text_number(t, INT64_MAX, &n))
		return false;
	*ret = negative ? -(time_t)n : (time_t)n;
	return true;
}

static bool read_numbers(struct record_text *t, const struct record *r, struct record_entry *e)
{
	uint64_t fs, flags, old_flags, nsec;

	if (!record_text_number(t, UINT32_MAX, &fs) || fs >= r->n_where ||
	    !record_text_number(t, UINT64_MAX, &e->inode) ||
	    !record_text_number(t, UINT64_MAX, &e->old_inode) ||
	    !record_text_number(t, RECORD_IMMUTABLE | RECORD_APPEND, &flags) ||
	    !record_text_number(t, RECORD_IMMUTABLE | RECORD_APPEND, &old_flags) ||
	    !read_time(t, &e->mtime.tv_sec) || !record_text_number(t, INT32_MAX, &nsec))
		return false;
	if (nsec > 999999999 && nsec != UTIME_OMIT)
		return false;
	e->fs = (uint32_t)fs;
	e->flags = (unsigned)flags;
	e->old_flags = (unsigned)old_flags;
	e->mtime.tv_nsec = (long)nsec;
	return true;
}

static int read_entry(struct record_text *t, struct record *r)
{
	struct record_entry read = { 0 }, *e;
	const char *word, *slot, *path;
	int err;

	if (!record_text_line(t) || !(word = record_text_word(t)))
		return -EBADMSG;
	read.operation = operation_from_string(word);
	if (read.operation < 0 || !read_numbers(t, r, &read))
		return -EBADMSG;
	slot = record_text_word(t);
	path = record_text_word(t);
	if (!slot || !path || *path != '/' || t->word || !has_valid_names(&read, slot, path + 1))
		return -EBADMSG;

	err = record_add(r, read.operation, read.fs, slot, path + 1, &e);
	if (err < 0)
		return err;
	read.slot = e->slot;
	read.path = e->path;
	*e = read;
	return 0;
}

static bool read_boot(struct record_text *t, struct record *r)
{
	const char *word = record_text_word(t);

	if (!word || strlen(word) >= sizeof(r->boot))
		return false;
	strcpy(r->boot, word);
	return true;
}

static bool read_head(struct record_text *t, struct record *r, uint64_t *ret_where,
		      uint64_t *ret_entries)
{
	uint64_t number, undoes, uid;
	const char *word;

	if (!record_text_line(t) || strcmp(t->word, RECORD_HEAD) != 0 || !record_text_line(t))
		return false;
	if (!record_text_number(t, UINT32_MAX, &number) ||
	    !record_text_number(t, UINT32_MAX, &undoes))
		return false;
	word = record_text_word(t);
	r->kind = word ? transaction_kind_from_string(word) : _TRANSACTION_KIND_INVALID;
	if (r->kind < 0 || !read_time(t, &r->time) || !read_boot(t, r) ||
	    !record_text_number(t, UINT32_MAX, &uid) ||
	    !record_text_number(t, UINT64_MAX, &r->bytes) ||
	    !record_text_number(t, UINT32_MAX, ret_where) ||
	    !record_text_number(t, UINT64_MAX, ret_entries) || t->word)
		return false;
	r->number = (unsigned)number;
	r->undoes = (unsigned)undoes;
	r->uid = (uid_t)uid;
	return true;
}

/* Empty is a word as well, here. */
static int read_lines(struct record_text *t, struct record *r, uint64_t n)
{
	const char *word;

	if (!record_text_line(t) || !(word = record_text_word(t)) || t->word)
		return -EBADMSG;
	r->command = strdup(word);
	if (!r->command)
		return -ENOMEM;
	for (uint64_t i = 0; i < n; i++) {
		int err;

		if (!record_text_line(t) || !(word = record_text_word(t)) || t->word ||
		    *word != '/')
			return -EBADMSG;
		err = record_add_where(r, word);
		if (err < 0)
			return err;
	}
	return n > 0 ? 0 : -EBADMSG;
}

int record_parse(char *text, struct record *ret)
{
	_cleanup_record_ struct record r = { 0 };
	struct record_text t = { .line = text };
	uint64_t n_where, n_entries;
	int err;

	if (!read_head(&t, &r, &n_where, &n_entries))
		return -EBADMSG;
	err = read_lines(&t, &r, n_where);
	for (uint64_t i = 0; err >= 0 && i < n_entries; i++)
		err = read_entry(&t, &r);
	if (err < 0)
		return err;
	/* What was cut off is not a record. */
	if (!record_text_line(&t) || strcmp(t.word, "end") != 0 || *t.line)
		return -EBADMSG;

	*ret = TAKE_STRUCT(r);
	return 0;
}

int record_read(int dir_fd, struct record *ret)
{
	_cleanup_free_ char *text = NULL;
	int err = record_text_read(dir_fd, RECORD_NAME, &text);

	return err < 0 ? err : record_parse(text, ret);
}

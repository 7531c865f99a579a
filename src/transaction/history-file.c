/* SPDX-License-Identifier: MIT */
/* The text file that the history is. */
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>

#include "basic/io.h"
#include "transaction/history.h"
#include "transaction/names.h"
#include "transaction/record-text.h"
#include "transaction/window.h"

static void add_entry(struct strbuf *b, const struct history_entry *e)
{
	strbuf_addf(b, "%u %s %jd %u %ju %u %u %ju ", e->number,
		    transaction_kind_to_string(e->kind), (intmax_t)e->time, e->uid,
		    (uintmax_t)e->bytes, e->undone, e->undoes, (uintmax_t)e->n_paths);
	record_text_add(b, e->user);
	strbuf_add_char(b, ' ');
	record_text_add(b, e->command);
	for (size_t i = 0; i < e->n_shown; i++) {
		strbuf_add_char(b, ' ');
		record_text_add(b, e->paths[i]);
	}
	strbuf_add_char(b, '\n');
}

/* The index of the first entry with which the text is within the limits. */
static size_t first_kept(const struct history *h, const size_t *ends)
{
	size_t first = h->n > HISTORY_ENTRIES_MAX ? h->n - HISTORY_ENTRIES_MAX : 0;

	while (first + 1 < h->n && ends[h->n] - ends[first] > HISTORY_BYTES_MAX)
		first++;
	return first;
}

static int add_all(struct strbuf *b, const struct history *h, size_t *ret_begin)
{
	_cleanup_free_ size_t *ends = calloc(h->n + 1, sizeof(*ends));

	if (!ends)
		return -ENOMEM;
	for (size_t i = 0; i < h->n; i++) {
		add_entry(b, &h->entries[i]);
		ends[i + 1] = b->len;
	}
	*ret_begin = ends[first_kept(h, ends)];
	return b->failed ? -ENOMEM : 0;
}

int history_write(int dir_fd, const char *name, const struct history *h)
{
	_cleanup_close_ int fd =
		openat(dir_fd, name, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
	_cleanup_strbuf_ struct strbuf b = { 0 };
	size_t begin;
	int err;

	if (fd < 0)
		return -errno;
	err = add_all(&b, h, &begin);
	if (err >= 0 && b.len > begin)
		err = write_all(fd, b.text + begin, b.len - begin);
	return err;
}

static bool read_numbers(struct record_text *t, struct history_entry *e)
{
	uint64_t number, time, uid, undone, undoes;
	const char *kind;

	if (!record_text_number(t, UINT32_MAX / 2, &number) || number == 0 ||
	    !(kind = record_text_word(t)))
		return false;
	e->kind = transaction_kind_from_string(kind);
	if (e->kind < 0 || !record_text_number(t, INT64_MAX, &time) ||
	    !record_text_number(t, UINT32_MAX, &uid) ||
	    !record_text_number(t, UINT64_MAX, &e->bytes) ||
	    !record_text_number(t, UINT32_MAX, &undone) ||
	    !record_text_number(t, UINT32_MAX, &undoes) ||
	    !record_text_number(t, UINT64_MAX, &e->n_paths))
		return false;
	e->number = (unsigned)number;
	e->time = (time_t)time;
	e->uid = (uid_t)uid;
	e->undone = (unsigned)undone;
	e->undoes = (unsigned)undoes;
	return true;
}

static int read_words(struct record_text *t, struct history_entry *e)
{
	const char *user = record_text_word(t), *command = record_text_word(t), *path;

	if (!user || !command)
		return -EBADMSG;
	e->user = strdup(user);
	e->command = strdup(command);
	if (!e->user || !e->command)
		return -ENOMEM;
	while (t->word) {
		path = record_text_word(t);
		if (!path)
			return -EBADMSG;
		if (array_reserve(e->paths, e->n_shown) < 0 ||
		    !(e->paths[e->n_shown] = strdup(path)))
			return -ENOMEM;
		e->n_shown++;
	}
	return 0;
}

static int read_line(struct record_text *t, struct history *h)
{
	struct history one = { 0 };
	int err;

	if (array_reserve(h->entries, h->n) < 0 || array_reserve(one.entries, one.n) < 0)
		return -ENOMEM;
	one.entries[0] = (struct history_entry){ 0 };
	one.n = 1;
	err = read_numbers(t, one.entries) ? read_words(t, one.entries) : -EBADMSG;
	if (err >= 0) {
		h->entries[h->n++] = one.entries[0];
		one.n = 0;
	}
	history_done(&one);
	return err;
}

int history_parse(char *text, struct history *ret)
{
	_cleanup_history_ struct history h = { 0 };
	struct record_text t = { .line = text };

	while (record_text_line(&t)) {
		int err = read_line(&t, &h);

		if (err < 0 && err != -EBADMSG)
			return err;
		h.damaged |= err < 0;
	}
	h.damaged |= *t.line != '\0'; /* what was cut off */
	*ret = TAKE_STRUCT(h);
	return 0;
}

int history_read(int base_fd, struct history *ret)
{
	_cleanup_free_ char *text = NULL;
	int err = record_text_read(base_fd, NAME_LOG, &text);

	if (err == -ENOENT || err == -EBADMSG) {
		*ret = (struct history){ .damaged = err == -EBADMSG };
		return 0;
	}
	return err < 0 ? err : history_parse(text, ret);
}

int history_latest(int root_fd, unsigned *ret)
{
	_cleanup_history_ struct history h = { 0 };
	_cleanup_close_ int fd = open_dir_at(root_fd, WINDOW_ROOT "/" WINDOW_ROOT_DIR);
	int err = fd >= 0 ? history_read(fd, &h) : fd == -ENOENT ? 0 : fd;

	if (err < 0)
		return err;
	*ret = h.n > 0 ? h.entries[h.n - 1].number : 0;
	return 0;
}

/* SPDX-License-Identifier: MIT */
/* The file "list": the mount point, then one line for each path. */
#include <string.h>

#include "basic/io.h"
#include "basic/macro.h"
#include "transaction/copies.h"
#include "transaction/record-text.h"
#include "transaction/record.h"

#define NAME_LIST "list"
/* The first line. A later form that this program cannot read has another one. */
#define LIST_HEAD "rofs-copies 1"

void copies_list_done(struct copies_list *l)
{
	for (size_t i = 0; i < l->n; i++)
		free(l->entries[i].path);
	free(l->entries);
	free(l->where);
}

int copies_list_write(int dir_fd, const struct copies_list *l)
{
	_cleanup_strbuf_ struct strbuf b = { 0 };

	strbuf_add(&b, LIST_HEAD "\n");
	record_text_add(&b, l->where);
	for (size_t i = 0; i < l->n; i++) {
		strbuf_add(&b, l->entries[i].gone ? "\ngone " : "\nnew ");
		record_text_add(&b, l->entries[i].path);
	}
	strbuf_add(&b, "\nend\n");
	return b.failed ? -ENOMEM : write_file(dir_fd, NAME_LIST, 0600, b.text);
}

/* Returns 1 at the end, 0 after an entry, or -errno. */
static int read_entry(struct record_text *t, struct copies_list *l)
{
	const char *word, *path;
	bool gone;

	if (!record_text_line(t) || !(word = record_text_word(t)))
		return -EBADMSG;
	if (strcmp(word, "end") == 0)
		return t->word || *t->line ? -EBADMSG : 1;
	gone = strcmp(word, "gone") == 0;
	path = record_text_word(t);
	if ((!gone && strcmp(word, "new") != 0) || !path || t->word || !*path ||
	    !record_is_beneath(path))
		return -EBADMSG;
	if (array_reserve(l->entries, l->n) < 0)
		return -ENOMEM;
	l->entries[l->n] = (struct copies_entry){ .path = strdup(path), .gone = gone };
	return l->entries[l->n++].path ? 0 : -ENOMEM;
}

static int parse(char *text, struct copies_list *ret)
{
	_cleanup_copies_list_ struct copies_list l = { 0 };
	struct record_text t = { .line = text };
	const char *where;
	int r = 0;

	if (!record_text_line(&t) || strcmp(t.word, LIST_HEAD) != 0 || !record_text_line(&t))
		return -EBADMSG;
	where = record_text_word(&t);
	if (!where || *where != '/' || t.word)
		return -EBADMSG;
	l.where = strdup(where);
	if (!l.where)
		return -ENOMEM;
	while (r == 0)
		r = read_entry(&t, &l);
	if (r < 0)
		return r;
	*ret = TAKE_STRUCT(l);
	return 0;
}

int copies_list_read(int dir_fd, struct copies_list *ret)
{
	_cleanup_free_ char *text = NULL;
	int err = record_text_read(dir_fd, NAME_LIST, &text);

	return err < 0 ? err : parse(text, ret);
}

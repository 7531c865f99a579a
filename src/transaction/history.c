/* SPDX-License-Identifier: MIT */
#include "transaction/history.h"

#include <string.h>

#include "basic/macro.h"

/* Of one transaction, so that a large one does not displace all others. */
#define PATHS_MAX      64u
#define PATH_BYTES_MAX ((size_t)4096)
#define WORD_BYTES_MAX ((size_t)1024)

static void entry_done(struct history_entry *e)
{
	for (size_t i = 0; i < e->n_shown; i++)
		free(e->paths[i]);
	free(e->paths);
	free(e->user);
	free(e->command);
}

void history_done(struct history *h)
{
	for (size_t i = 0; i < h->n; i++)
		entry_done(&h->entries[i]);
	free(h->entries);
	*h = (struct history){ 0 };
}

static struct history_entry *find(const struct history *h, unsigned number)
{
	for (size_t i = 0; i < h->n; i++)
		if (h->entries[i].number == number)
			return &h->entries[i];
	return NULL;
}

const struct history_entry *history_find(const struct history *h, unsigned number)
{
	return find(h, number);
}

const struct history_entry *history_last_done(const struct history *h)
{
	for (size_t i = h->n; i > 0; i--)
		if (h->entries[i - 1].kind != TRANSACTION_UNDO && !h->entries[i - 1].undone)
			return &h->entries[i - 1];
	return NULL;
}

static int add_paths(struct history_entry *e, const struct record *r)
{
	_cleanup_record_paths_ struct record_paths all = { 0 };
	size_t bytes = 0;
	int err = record_paths_find(r, &all);

	if (err < 0)
		return err;
	e->n_paths = all.n;
	for (size_t i = 0; i < all.n && e->n_shown < PATHS_MAX; i++) {
		bytes += strlen(all.list[i].path);
		if (bytes > PATH_BYTES_MAX)
			break;
		if (array_reserve(e->paths, e->n_shown) < 0)
			return -ENOMEM;
		e->paths[e->n_shown++] = TAKE_PTR(all.list[i].path);
	}
	return 0;
}

int history_add(struct history *h, const struct record *r, const char *user)
{
	struct history_entry *e, *undone;

	if (array_reserve(h->entries, h->n) < 0)
		return -ENOMEM;
	e = &h->entries[h->n++];
	*e = (struct history_entry){
		.number = r->number,
		.kind = r->kind,
		.time = r->time > 0 ? r->time : 0,
		.uid = r->uid,
		.bytes = r->bytes,
		.undoes = r->undoes,
		.user = strndup(user ? user : "", WORD_BYTES_MAX),
		.command = strndup(r->command ? r->command : "", WORD_BYTES_MAX),
	};
	if (!e->user || !e->command)
		return -ENOMEM;
	undone = r->undoes ? find(h, r->undoes) : NULL;
	if (undone)
		undone->undone = r->number;
	return add_paths(e, r);
}

/* SPDX-License-Identifier: MIT */
#include "transaction/record.h"

#include <string.h>
#include <sys/stat.h>

#include "basic/path.h"
#include "basic/text.h"
#include "transaction/window.h"

static const char *const kinds[] = {
	[TRANSACTION_COMMIT] = "commit",
	[TRANSACTION_CHROOT] = "chroot",
	[TRANSACTION_UNDO] = "undo",
};
_Static_assert(ELEMENTSOF(kinds) == _TRANSACTION_KIND_MAX, "a word for each kind");

const char *transaction_kind_to_string(enum transaction_kind k)
{
	return k >= 0 && k < _TRANSACTION_KIND_MAX ? kinds[k] : NULL;
}

enum transaction_kind transaction_kind_from_string(const char *s)
{
	for (int k = 0; k < _TRANSACTION_KIND_MAX; k++)
		if (strcmp(kinds[k], s) == 0)
			return (enum transaction_kind)k;
	return _TRANSACTION_KIND_INVALID;
}

void record_done(struct record *r)
{
	for (size_t i = 0; i < r->n_entries; i++) {
		free(r->entries[i].slot);
		free(r->entries[i].path);
	}
	for (size_t i = 0; i < r->n_where; i++)
		free(r->where[i]);
	free(r->entries);
	free(r->where);
	free(r->command);
	*r = (struct record){ 0 };
}

int record_add_where(struct record *r, const char *where)
{
	char *copy;

	if (array_reserve(r->where, r->n_where) < 0)
		return -ENOMEM;
	copy = strdup(where);
	if (!copy)
		return -ENOMEM;
	r->where[r->n_where++] = copy;
	return 0;
}

int record_add(struct record *r, enum record_operation operation, uint32_t fs, const char *slot,
	       const char *path, struct record_entry **ret)
{
	_cleanup_free_ char *slot_copy = strdup(slot), *path_copy = strdup(path);

	if (!slot_copy || !path_copy || array_reserve(r->entries, r->n_entries) < 0)
		return -ENOMEM;
	*ret = &r->entries[r->n_entries++];
	**ret = (struct record_entry){ .operation = operation,
				       .fs = fs,
				       .mtime = { .tv_nsec = UTIME_OMIT },
				       .slot = TAKE_PTR(slot_copy),
				       .path = TAKE_PTR(path_copy) };
	return 0;
}

int record_user_path(const struct record *r, const struct record_entry *e, char **ret)
{
	const char *where = r->where[e->fs];
	size_t n = strlen(WINDOW_ROOT);

	if (strncmp(where, WINDOW_ROOT, n) == 0 && (where[n] == '/' || !where[n]))
		where += n;
	/* The root directory of a file system, but not of the whole tree, has no slash at its end. */
	if (!*e->path && *where)
		return text_format(ret, "%s", where);
	return text_format(ret, "%s/%s", where, e->path);
}

bool record_is_beneath(const char *path)
{
	size_t n = strlen(path);

	if (*path == '/' || (n > 0 && path[n - 1] == '/') || path_has_dotdot(path))
		return false;
	for (const char *at = path; *at; at++)
		if (at[0] == '/' && (at[1] == '/' || (at[1] == '.' && (at[2] == '/' || !at[2]))))
			return false;
	return strcmp(path, ".") != 0 && strncmp(path, "./", 2) != 0;
}

bool record_is_change(const struct record_entry *e)
{
	return e->operation != RECORD_TIMES && e->operation != RECORD_LOG;
}

uint64_t record_old_inode(const struct record_entry *e)
{
	switch (e->operation) {
	case RECORD_NEW:
	case RECORD_LOG:
		return e->old_inode;
	case RECORD_GONE:
		return e->inode;
	case RECORD_ATTRIBUTES:
	case RECORD_TIMES:
	case _RECORD_OPERATION_MAX:
	case _RECORD_OPERATION_INVALID:
		break;
	}
	return 0;
}

void record_paths_done(struct record_paths *p)
{
	for (size_t i = 0; i < p->n; i++)
		free(p->list[i].path);
	free(p->list);
	*p = (struct record_paths){ 0 };
}

static int compare_paths(const void *left, const void *right)
{
	const struct record_path *a = left, *b = right;

	return path_compare(a->path, b->path);
}

static int add_paths(const struct record *r, struct record_paths *p)
{
	for (size_t i = 0; i < r->n_entries; i++) {
		const struct record_entry *e = &r->entries[i];

		if (!record_is_change(e))
			continue;
		if (array_reserve(p->list, p->n) < 0 ||
		    record_user_path(r, e, &p->list[p->n].path) < 0)
			return -ENOMEM;
		p->list[p->n++].entry = e;
	}
	return 0;
}

int record_paths_find(const struct record *r, struct record_paths *ret)
{
	_cleanup_record_paths_ struct record_paths p = { 0 };
	int err = add_paths(r, &p);

	if (err < 0)
		return err;
	if (p.n > 1)
		qsort(p.list, p.n, sizeof(*p.list), compare_paths);
	*ret = TAKE_STRUCT(p);
	return 0;
}

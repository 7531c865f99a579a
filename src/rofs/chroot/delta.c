/* SPDX-License-Identifier: MIT */
#include "rofs/chroot/delta.h"

#include <string.h>

#include "basic/macro.h"
#include "layer/upper.h"

/* The paths of upper_walk() begin with it; it needs a name for the top. */
#define TOP "."

struct reading {
	struct delta *ret;
	bool is_root;
	char *whole; /* the directory that was taken last with all that is below it */
	char **where;
};

void delta_done(struct delta *c)
{
	for (size_t i = 0; i < c->n; i++)
		free(c->entries[i].path);
	for (size_t i = 0; i < c->n_left_out; i++)
		free(c->left_out[i]);
	free(c->entries);
	free(c->left_out);
	*c = (struct delta){ 0 };
}

static int add(struct delta *c, enum delta_kind kind, const char *path)
{
	char *copy;

	if (array_reserve(c->entries, c->n) < 0)
		return -ENOMEM;
	copy = strdup(path);
	if (!copy)
		return -ENOMEM;
	c->entries[c->n++] = (struct delta_entry){ kind, copy };
	return 0;
}

static int leave_out(struct delta *c, const char *path)
{
	char *copy;

	if (array_reserve(c->left_out, c->n_left_out) < 0)
		return -ENOMEM;
	copy = strdup(path);
	if (!copy)
		return -ENOMEM;
	c->left_out[c->n_left_out++] = copy;
	return 0;
}

/*
 * The ID of this machine is that of the running system, which a package may have copied; a link of dbus to
 * it is a plain file.
 */
static bool is_machine_id(const char *path, const struct change *change)
{
	return strcmp(path, "etc/machine-id") == 0 ||
	       (strcmp(path, "var/lib/dbus/machine-id") == 0 && S_ISREG(change->type));
}

/* Something is mounted on these in the chroot, so that only the directory itself can have changed. */
static bool is_covered(const char *path)
{
	static const char *const covered[] = { "proc", "sys", "dev", "run", "tmp", "rofs" };

	for (size_t i = 0; i < ELEMENTSOF(covered); i++) {
		size_t n = strlen(covered[i]);

		if (strncmp(path, covered[i], n) == 0 && (path[n] == '/' || path[n] == '\0'))
			return true;
	}
	return false;
}

static bool is_below(const char *path, const char *dir)
{
	size_t n = strlen(dir);

	return strncmp(path, dir, n) == 0 && path[n] == '/';
}

/* With several names it is switched even so: one of the others may be new. */
static bool is_same(const struct upper_entry *e)
{
	return e->change.kind == CHANGE_COPIED && e->upper->st_nlink == 1 && !delta_locks_differ(e);
}

/* Programs compare the time of a directory with that of a cache they made of it, as fontconfig does. */
static bool has_other_time(const struct upper_entry *e)
{
	const struct timespec *a = &e->upper->st_mtim, *b = &e->lower->st_mtim;

	return a->tv_sec != b->tv_sec || a->tv_nsec != b->tv_nsec;
}

static bool is_merged(const struct upper_entry *e)
{
	return e->lower && S_ISDIR(e->lower->st_mode) && !e->change.opaque;
}

static int take_merged(struct reading *r, const struct upper_entry *e, const char *path)
{
	if (e->change.kind == CHANGE_NONE && !has_other_time(e) && !delta_locks_differ(e))
		return 0;
	return add(r->ret, DELTA_ATTRIBUTES, path);
}

static int take_directory(struct reading *r, const struct upper_entry *e, const char *path)
{
	if (is_merged(e))
		return take_merged(r, e, path);
	free(r->whole);
	r->whole = strdup(path);
	if (!r->whole)
		return -ENOMEM;
	r->ret->changed += e->lower != NULL;
	return add(r->ret, DELTA_NEW, path);
}

static int take_file(struct reading *r, const struct upper_entry *e, const char *path)
{
	if (S_ISSOCK(e->change.type) || is_same(e))
		return 0;
	if (e->lower)
		r->ret->changed++;
	else
		r->ret->added++;
	return add(r->ret, DELTA_NEW, path);
}

static int take(struct reading *r, const struct upper_entry *e, const char *path)
{
	if (e->change.kind == CHANGE_DELETED) {
		r->ret->removed++;
		return add(r->ret, DELTA_GONE, path);
	}
	return S_ISDIR(e->upper->st_mode) ? take_directory(r, e, path) : take_file(r, e, path);
}

static int entry(void *data, const struct upper_entry *e)
{
	struct reading *r = data;
	const char *path = e->path + strlen(TOP);

	path += *path == '/';
	if (e->change.kind == CHANGE_UNKNOWN) {
		if (!*r->where)
			*r->where = strdup(path);
		return e->change.error ? -e->change.error : -EIO;
	}
	if (r->whole && is_below(path, r->whole))
		return 0;
	if (r->is_root && is_covered(path))
		return 0;
	if (r->is_root && is_machine_id(path, &e->change))
		return leave_out(r->ret, path);
	return take(r, e, path);
}

int delta_read(int upper_fd, int lower_fd, bool is_root, struct delta *ret, char **ret_where)
{
	const struct upper_layer layer = { TOP, upper_fd, lower_fd };
	struct reading r = { .ret = ret, .is_root = is_root, .where = ret_where };
	const struct upper_visitor v = { .entry = entry, .data = &r, .unchanged = true };
	int err = upper_walk(&layer, &v);

	free(r.whole);
	return err;
}

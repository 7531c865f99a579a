/* SPDX-License-Identifier: MIT */
/* Which files a unit is made of: the second half of unit-file.h. */
#include <stdint.h>
#include <string.h>

#include "basic/io.h"
#include "basic/text.h"
#include "system/unit-file.h"

#define UNIT_BYTES_MAX \
	((size_t)1024 * 1024) /* LONG_LINE_MAX of systemd; real ones have a few KiB */

static int note_unread(struct unit_file *u, const char *path, int err)
{
	if (err == -ENOMEM || u->unread_file)
		return err == -ENOMEM ? err : 0;
	u->unread = err;
	u->unread_file = strdup(path);
	return u->unread_file ? 0 : -ENOMEM;
}

/* Returns: 1 if it counts, if only by masking others; 0 if it leads nowhere; or -ENOMEM. */
static int read_one(const struct rootfs *r, const char *path, struct unit_file *u, bool *ret_masked)
{
	char *text = NULL;
	size_t len = 0;
	int err;

	*ret_masked = rootfs_is_masked(r, path);
	if (*ret_masked)
		return 1;
	/* It goes into comments and SourcePath= of units. */
	err = text_has_control(path) || !text_is_utf8(path, strlen(path)) ? -EILSEQ : 0;
	if (err == 0)
		err = rootfs_read(r, path, UNIT_BYTES_MAX, &text, &len);
	if (err == -ENOENT)
		return 0;
	if (err < 0) {
		err = note_unread(u, path, err);
		return err < 0 ? err : 1;
	}
	*ret_masked = len == 0;
	if (len > 0)
		err = unit_file_add(u, path, text, len);
	else
		free(text);
	return err < 0 ? err : 1;
}

/* The names by which drop-ins are found: systemd's own name first. */
struct names {
	char *list[3]; /* the unit, its template, what its alias stands for; NULL: none */
};

static void names_done(struct names *n)
{
	for (size_t i = 0; i < ELEMENTSOF(n->list); i++)
		free(n->list[i]);
}

static const char *type_of(const char *name)
{
	const char *dot = strrchr(name, '.');

	return dot ? dot : "";
}

/* "getty@.service" of "getty@tty1.service"; *@ret is NULL for what is no instance. */
static int template_of(const char *name, char **ret)
{
	const char *at = strchr(name, '@'), *type = type_of(name);

	*ret = NULL;
	if (!at || at + 1 >= type)
		return 0;
	return text_format(ret, "%.*s@%s", (int)(at - name), name, type);
}

/* A link to a unit of another name in one of the directories is an alias. */
static int alias_of(const struct unit_dirs *d, const char *path, const char *name, char **ret)
{
	_cleanup_free_ char *resolved = NULL;
	const char *base;
	int err = rootfs_resolve_up_to(d->root, path, d->root->late, &resolved);

	*ret = NULL;
	if (err == -ENOMEM)
		return err;
	if (err < 0)
		return 0;
	base = strrchr(resolved, '/') + 1;
	if (strcmp(base, name) == 0 || strcmp(type_of(base), type_of(name)) != 0)
		return 0;
	for (size_t i = 0; i < d->n; i++) {
		if (!unit_dirs_has(d, i, base))
			continue;
		*ret = strdup(base);
		return *ret ? 0 : -ENOMEM;
	}
	return 0;
}

/* Looks for the unit file in all directories. Returns: 1, 0 or -ENOMEM. */
static int find_fragment(const struct unit_dirs *d, const char *name, struct names *n,
			 struct unit_file *u)
{
	int found = 0;

	for (size_t i = 0; i < d->n && found == 0; i++) {
		_cleanup_free_ char *path = NULL;

		if (!unit_dirs_has(d, i, name))
			continue;
		if (text_format(&path, "%s/%s", d->list[i].path, name) < 0)
			return -ENOMEM;
		found = read_one(d->root, path, u, &u->is_masked);
		if (found > 0)
			u->fragment_dir = d->list[i].path;
		if (found > 0 && alias_of(d, path, name, &n->list[2]) < 0)
			return -ENOMEM;
	}
	u->has_fragment = u->n_files > 0;
	return found;
}

struct dropin {
	char *name; /* owned */
	char *path; /* owned */
	size_t order;
};

struct dropins {
	struct dropin *list;
	size_t n;
	const char *dir; /* the one that is being read */
	size_t order;	 /* its place */
};

static void dropins_done(struct dropins *x)
{
	for (size_t i = 0; i < x->n; i++) {
		free(x->list[i].name);
		free(x->list[i].path);
	}
	free(x->list);
}

static int add_dropin(void *data, const char *name)
{
	struct dropins *x = data;
	struct dropin *new;
	size_t n = strlen(name);

	if (name[0] == '.' || n <= 5 || strcmp(name + n - 5, ".conf") != 0)
		return 0;
	if (array_reserve(x->list, x->n) < 0)
		return -ENOMEM;
	new = &x->list[x->n++];
	*new = (struct dropin){ .name = strdup(name), .order = x->order };
	return new->name ? text_format(&new->path, "%s/%s", x->dir, name) : -ENOMEM;
}

/* The directory NAME.d of the @i-th one. */
static int list_dropins(const struct unit_dirs *d, size_t i, const char *name, struct dropins *x)
{
	_cleanup_free_ char *dir = NULL;
	int err;

	if (!unit_dirs_has(d, i, name))
		return 0;
	err = text_format(&dir, "%s/%s", d->list[i].path, name);
	if (err < 0)
		return err;
	x->dir = dir;
	x->order++;
	err = rootfs_note(d->root, each_name(rootfs_open_dir(d->root, dir), add_dropin, x));
	return err == -ENOMEM ? err : 0;
}

/* foo-bar.mount.d, then foo-.mount.d, as unit_file_process_dir() in systemd's dropin.c. */
static int list_prefixes(const struct unit_dirs *d, size_t i, const char *name, struct dropins *x)
{
	const char *type = type_of(name);
	size_t n = (size_t)(type - name);
	_cleanup_free_ char *dir = NULL;
	int err = text_format(&dir, "%s.d", name);

	while (err >= 0) {
		err = list_dropins(d, i, dir, x);
		if (err < 0)
			break;
		/* The dash that the prefix ends in is not the last character of the one before. */
		while (n > 0 && name[--n] != '-')
			;
		if (n == 0)
			break;
		free(TAKE_PTR(dir));
		err = text_format(&dir, "%.*s-%s.d", (int)n, name, type);
	}
	return err;
}

static int list_all(const struct unit_dirs *d, const struct names *n, struct dropins *x)
{
	const char *type = type_of(n->list[0]);
	_cleanup_free_ char *type_dir = NULL;
	int err = 0;

	for (size_t k = 0; k < ELEMENTSOF(n->list); k++)
		for (size_t i = 0; n->list[k] && i < d->n && err >= 0; i++)
			err = list_prefixes(d, i, n->list[k], x);
	if (err >= 0)
		err = text_format(&type_dir, "%s.d", type + (*type == '.'));
	for (size_t i = 0; i < d->n && err >= 0; i++)
		err = list_dropins(d, i, type_dir, x);
	return err;
}

static int compare(const void *a, const void *b)
{
	const struct dropin *x = a, *y = b;
	int order = strcmp(x->name, y->name);

	return order ? order : (x->order < y->order ? -1 : x->order > y->order);
}

static int read_dropins(const struct unit_dirs *d, const struct names *n, struct unit_file *u)
{
	_cleanup_(dropins_done) struct dropins x = { 0 };
	int err = list_all(d, n, &x);

	if (err < 0)
		return err;
	if (x.n > 0)
		qsort(x.list, x.n, sizeof(*x.list), compare);
	for (size_t i = 0; i < x.n; i++) {
		bool masked;

		if (i > 0 && strcmp(x.list[i - 1].name, x.list[i].name) == 0)
			continue;
		err = read_one(d->root, x.list[i].path, u, &masked);
		if (err < 0)
			return err;
	}
	return 0;
}

int unit_file_read(const struct unit_dirs *d, const char *name, struct unit_file *ret)
{
	_cleanup_(names_done) struct names n = { 0 };
	int found;

	n.list[0] = strdup(name);
	if (!n.list[0] || template_of(name, &n.list[1]) < 0)
		return -ENOMEM;
	found = find_fragment(d, name, &n, ret);
	if (found == 0 && n.list[1])
		found = find_fragment(d, n.list[1], &n, ret);
	if (found < 0 || ret->is_masked)
		return found < 0 ? found : 0;
	return read_dropins(d, &n, ret);
}

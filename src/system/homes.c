/* SPDX-License-Identifier: MIT */
#include "system/homes.h"

#include <string.h>

#include "basic/io.h"
#include "basic/path.h"
#include "basic/text.h"

#define PASSWD_MAX  ((size_t)4 * 1024 * 1024) /* bytes */
#define UID_FIRST   1000u		      /* of people: login.defs(5) */
#define UID_NOBODY  65534u
#define FIELDS	    7u /* of a line, passwd(5) */
#define FIELD_USER  0u
#define FIELD_UID   2u
#define FIELD_HOME  5u
#define FIELD_SHELL 6u

struct reading {
	const struct rootfs *r;
	struct homes *homes;
	struct path_set dirs; /* of @homes */
};

static void home_done(struct home *h)
{
	free(h->user);
	free(h->uid);
	free(h->dir);
}

/* A program that lets nobody in. */
static bool is_no_shell(const char *path)
{
	const char *name = strrchr(path, '/');

	return name && (strcmp(name, "/nologin") == 0 || strcmp(name, "/false") == 0);
}

static int add(struct reading *x, const char *user, const char *uid, const char *dir,
	       const char *shell)
{
	struct home home = { strdup(user), strdup(uid), strdup(dir), is_no_shell(shell) };
	struct homes *h = x->homes;

	if (!home.user || !home.uid || !home.dir || array_reserve(h->items, h->n) < 0) {
		home_done(&home);
		return -ENOMEM;
	}
	h->items[h->n++] = home;
	return path_set_add(&x->dirs, dir);
}

static bool is_home(const struct rootfs *r, const char *dir)
{
	_cleanup_close_ int fd = -1;

	if (dir[0] != '/' || !dir[1] || path_has_dotdot(dir) || path_is_api(dir))
		return false;
	fd = rootfs_open_dir(r, dir);
	return fd >= 0 || fd == -EACCES;
}

/* A line of passwd(5). */
static int add_line(struct reading *x, char *line)
{
	char *fields[FIELDS] = { NULL };
	char *dir;

	for (size_t i = 0; i < FIELDS; i++)
		fields[i] = strsep(&line, ":");
	dir = fields[FIELD_HOME];
	if (!dir || !fields[FIELDS - 1])
		return 0;
	path_clean(dir);
	if (!is_home(x->r, dir) || path_set_has(&x->dirs, dir))
		return 0;
	return add(x, fields[FIELD_USER], fields[FIELD_UID], dir, fields[FIELD_SHELL]);
}

static int read_passwd(struct reading *x)
{
	_cleanup_free_ char *text = NULL;
	char *next;
	size_t len;
	int err = rootfs_read(x->r, "/etc/passwd", PASSWD_MAX, &text, &len);

	if (err < 0)
		return err == -ENOMEM ? err : 0;
	next = text;
	for (char *line; (line = strsep(&next, "\n"));) {
		err = add_line(x, line);
		if (err < 0)
			return err;
	}
	return 0;
}

/* Of users whom /etc/passwd does not know. */
static int add_name(void *data, const char *name)
{
	struct reading *x = data;
	_cleanup_free_ char *dir = NULL;
	int err = text_format(&dir, "/home/%s", name);

	if (err < 0)
		return err;
	if (strcmp(name, "lost+found") == 0 || !is_home(x->r, dir) || path_set_has(&x->dirs, dir))
		return 0;
	return add(x, name, "", dir, "");
}

static int compare(const void *a, const void *b)
{
	const struct home *x = a, *y = b;

	return path_compare(x->dir, y->dir);
}

int homes_read(const struct rootfs *r, struct homes *ret)
{
	struct homes homes = { 0 };
	struct reading x = { .r = r, .homes = &homes };
	int err = read_passwd(&x);

	if (err >= 0)
		err = each_name(rootfs_open_dir(r, "/home"), add_name, &x);
	path_set_done(&x.dirs);
	if (err == -ENOMEM) {
		homes_done(&homes);
		return err;
	}
	if (homes.n > 0)
		qsort(homes.items, homes.n, sizeof(*homes.items), compare);
	*ret = homes;
	return 0;
}

void homes_done(struct homes *h)
{
	for (size_t i = 0; i < h->n; i++)
		home_done(&h->items[i]);
	free(h->items);
	*h = (struct homes){ 0 };
}

bool home_is_login(const struct home *h)
{
	unsigned long uid = strtoul(h->uid, NULL, 10);

	return !*h->uid || uid == 0 || (uid >= UID_FIRST && uid != UID_NOBODY);
}

const struct home *homes_find(const struct homes *h, const char *user)
{
	for (size_t i = 0; i < h->n; i++)
		if (strcmp(h->items[i].user, user) == 0)
			return &h->items[i];
	return NULL;
}

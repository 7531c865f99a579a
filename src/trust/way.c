/* SPDX-License-Identifier: MIT */
#include "trust/way.h"

#include <fcntl.h>
#include <stdarg.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statfs.h>

#include "basic/beneath.h"
#include "basic/file-system.h"
#include "basic/io.h"
#include "basic/mount-point.h"
#include "basic/text.h"
#include "layer/attributes.h"
#include "trust/account.h"
#include "trust/link.h"

#define MAKE_NOTHING ((mode_t)-1)

int way_to_persist(int root_fd, const struct plan *plan, const struct plan_persist *p,
		   struct way *ret)
{
	size_t above = (size_t)(strrchr(p->directory, '/') - p->directory);

	*ret = (struct way){ .root_fd = root_fd,
			     .where = plan->partitions[p->partition].where,
			     .user = p->conf->user,
			     .path = strndup(p->directory, above) };
	if (!ret->path)
		return -ENOMEM;
	return text_format(&ret->subject, "[Persist %s]", p->conf->section.name);
}

int way_to_layers(int root_fd, const struct plan *plan, const struct plan_overlay *o,
		  struct way *ret)
{
	const char *where = plan->partitions[o->partition].where;

	*ret = (struct way){ .root_fd = root_fd,
			     .where = where,
			     .path = strdup(o->layers + strlen(where)) };
	if (!ret->path)
		return -ENOMEM;
	return text_format(&ret->subject, "[Overlay %s]", o->conf->section.name);
}

void way_done(struct way *w)
{
	free(w->path);
	free(w->subject);
	free(w->refusal);
	*w = (struct way){ 0 };
}

int way_refuse(struct way *w, int err, const char *format, ...)
{
	_cleanup_free_ char *sentence = NULL;
	va_list ap;
	int n;

	free(w->refusal);
	w->refusal = NULL;
	va_start(ap, format);
	n = vasprintf(&sentence, format, ap);
	va_end(ap);
	if (n < 0)
		return sentence = NULL, -ENOMEM;
	return text_format(&w->refusal, "%s: %s", w->subject, sentence) < 0 ? -ENOMEM : err;
}

/* On these, mount options decide for all files: chown(2) fails, and chmod(2) does nothing. */
bool way_has_owners(int fd)
{
	struct statfs fs;

	if (fstatfs(fd, &fs) < 0)
		return true;
	return !file_system_by_magic((unsigned long)fs.f_type)->no_owners;
}

/* Returns: 1, 0, or -errno if there is no such user as declared. */
static int is_owner(struct way *w, uid_t uid)
{
	_cleanup_free_ char *why = NULL;
	uid_t user;
	int err;

	if (uid == 0 || !w->user)
		return uid == 0;
	err = account_find(w->root_fd, ACCOUNT_USER, w->user, &user, &why);
	if (err < 0)
		return why ? way_refuse(w, err, "%s", why) : err;
	return uid == user;
}

static int refuse(struct way *w, const char *name, const struct stat *st)
{
	char owner[16] = "root";

	if (st->st_uid != 0)
		snprintf(owner, sizeof(owner), "%u", (unsigned)st->st_uid);
	return way_refuse(w, -EPERM,
			  "%s has owner %s and mode %04o; expected owner root%s%s, "
			  "and no write permission for group and others",
			  name, owner, (unsigned)st->st_mode & 07777, w->user ? " or " : "",
			  w->user ? w->user : "");
}

int way_check(struct way *w, int fd, const char *name)
{
	struct stat st;
	int owner;

	if (fstat(fd, &st) < 0)
		return -errno;
	/* Where there are no owners, Options= of the partition decides; nor are there links. */
	if (!way_has_owners(fd))
		return 0;
	owner = is_owner(w, st.st_uid);
	if (owner < 0)
		return owner;
	return owner && !(st.st_mode & 022) ? 0 : refuse(w, name, &st);
}

/* Whatever the directory above would have it inherit, ACLs included. */
static int make_component(struct way *w, int dir_fd, const char *name, mode_t mode,
			  const char *shown)
{
	_cleanup_close_ int fd = -1;
	char text[FAILURE_TEXT_MAX];
	struct failure f = { .action = FAILURE_CREATE };
	int err;

	if (mkdirat(dir_fd, name, mode) < 0)
		return -errno;
	fd = open_dir_at(dir_fd, name);
	if (fd < 0)
		return fd;
	err = way_has_owners(fd) ? attributes_plain(fd, mode, &f) : 0;
	if (err < 0)
		return way_refuse(w, err, "cannot %s %s: %s", failure_text(&f, text), shown,
				  failure_reason(&f, err));
	return TAKE_FD(fd);
}

/* @shown: its path, for messages. */
static int open_component(struct way *w, int dir_fd, const char *name, mode_t mode,
			  const char *shown)
{
	_cleanup_close_ int fd = open_dir_at(dir_fd, name);
	int err;

	if (fd == -ENOENT && mode != MAKE_NOTHING)
		return make_component(w, dir_fd, name, mode, shown);
	if (fd < 0)
		return fd;
	if (mount_point_at(dir_fd, name))
		return way_refuse(w, -EXDEV,
				  "%s is a mount point; expected a directory of the partition",
				  shown);
	err = way_check(w, fd, shown);
	return err < 0 ? err : TAKE_FD(fd);
}

static int open_root(struct way *w)
{
	_cleanup_close_ int fd = open_beneath(w->root_fd, w->where, O_RDONLY | O_DIRECTORY);
	int err = fd < 0 ? fd : way_check(w, fd, w->where);

	return err < 0 ? err : TAKE_FD(fd);
}

/* @whole: the path of the last component; it ends at the component where the walk has ended. */
static int walk(struct way *w, char *whole, mode_t mode)
{
	mode_t above = mode == MAKE_NOTHING ? mode : 0755;
	char *name = whole + strlen(w->where), *end;
	int fd = open_root(w);

	for (; fd >= 0 && *(name += strspn(name, "/")); name = end) {
		bool last;
		int below;

		end = strchrnul(name, '/');
		last = !*end;
		*end = '\0';
		below = open_component(w, fd, name, last ? mode : above, whole);
		close(fd);
		fd = below;
		if (fd >= 0 && !last)
			*end = '/';
	}
	return fd;
}

int way_open(struct way *w, mode_t mode)
{
	_cleanup_free_ char *whole = NULL, *why = NULL;
	int fd;

	if (text_format(&whole, "%s%s", w->where, w->path) < 0)
		return -ENOMEM;
	fd = walk(w, whole, mode);
	if (fd >= 0 || w->refusal)
		return fd;
	link_explain(w->root_fd, whole, fd, &why);
	if (why)
		return way_refuse(w, fd, "%s", why);
	return fd == -ENOTDIR ? way_refuse(w, fd, "%s is not a directory", whole) : fd;
}

int way_look(struct way *w)
{
	return way_open(w, MAKE_NOTHING);
}

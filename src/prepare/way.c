/* SPDX-License-Identifier: MIT */
#include "prepare/way.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "basic/beneath.h"
#include "basic/io.h"
#include "basic/mount-point.h"
#include "basic/text.h"
#include "layer/attributes.h"
#include "prepare/account.h"
#include "prepare/link.h"
#include "prepare/owner.h"
#include "prepare/told.h"

/* Returns: 1, 0, or TOLD if there is no such user as declared. */
static int is_owner(const struct way *w, uid_t uid)
{
	_cleanup_free_ char *why = NULL;
	uid_t user;
	int err;

	if (uid == 0 || !w->user)
		return uid == 0;
	err = account_find(w->root_fd, ACCOUNT_USER, w->user, &user, &why);
	if (err < 0)
		return log_error(TOLD, "%s: %s", w->subject, why ? why : strerror(-err));
	return uid == user;
}

static int refuse(const struct way *w, const char *name, const struct stat *st)
{
	char owner[16] = "root";

	if (st->st_uid != 0)
		snprintf(owner, sizeof(owner), "%u", (unsigned)st->st_uid);
	return log_error(TOLD,
			 "%s: %s has owner %s and mode %04o; expected owner root%s%s, "
			 "and no write permission for group and others",
			 w->subject, name, owner, (unsigned)st->st_mode & 07777,
			 w->user ? " or " : "", w->user ? w->user : "");
}

int way_check(const struct way *w, int fd, const char *name)
{
	struct stat st;
	int owner;

	if (fstat(fd, &st) < 0)
		return -errno;
	/* Where there are no owners, Options= of the partition decides; nor are there links. */
	if (!owner_is_stored(fd))
		return 0;
	owner = is_owner(w, st.st_uid);
	if (owner < 0)
		return owner;
	return owner && !(st.st_mode & 022) ? 0 : refuse(w, name, &st);
}

/* Whatever the directory above would have it inherit, ACLs included. */
static int make_component(int dir_fd, const char *name, mode_t mode)
{
	_cleanup_close_ int fd = -1;
	int err;

	if (mkdirat(dir_fd, name, mode) < 0)
		return -errno;
	fd = open_dir_at(dir_fd, name);
	if (fd < 0)
		return fd;
	err = owner_is_stored(fd) ? attributes_plain(fd, mode, NULL) : 0;
	return err < 0 ? err : TAKE_FD(fd);
}

/* @shown: its path, for messages. */
static int open_component(const struct way *w, int dir_fd, const char *name, mode_t mode,
			  const char *shown)
{
	_cleanup_close_ int fd = open_dir_at(dir_fd, name);
	int err;

	if (fd == -ENOENT)
		return make_component(dir_fd, name, mode);
	if (fd < 0)
		return fd;
	if (mount_point_at(dir_fd, name))
		return log_error(TOLD,
				 "%s: %s is a mount point; expected a directory of the partition",
				 w->subject, shown);
	err = way_check(w, fd, shown);
	return err < 0 ? err : TAKE_FD(fd);
}

static int open_root(const struct way *w)
{
	_cleanup_close_ int fd = open_beneath(w->root_fd, w->where, O_RDONLY | O_DIRECTORY);
	int err = fd < 0 ? fd : way_check(w, fd, w->where);

	return err < 0 ? err : TAKE_FD(fd);
}

/* @whole: the path of the last component; it ends at the component where the walk has ended. */
static int walk(const struct way *w, char *whole, mode_t mode)
{
	char *name = whole + strlen(w->where), *end;
	int fd = open_root(w);

	for (; fd >= 0 && *(name += strspn(name, "/")); name = end) {
		bool last;
		int below;

		end = strchrnul(name, '/');
		last = !*end;
		*end = '\0';
		below = open_component(w, fd, name, last ? mode : 0755, whole);
		close(fd);
		fd = below;
		if (fd >= 0 && !last)
			*end = '/';
	}
	return fd;
}

int way_open(const struct way *w, const char *path, mode_t mode)
{
	_cleanup_free_ char *whole = NULL;
	int fd;

	if (text_format(&whole, "%s%s", w->where, path) < 0)
		return -ENOMEM;
	fd = link_explain(w->subject, w->root_fd, whole, walk(w, whole, mode));
	if (fd == -ENOTDIR)
		return log_error(TOLD, "%s: %s is not a directory", w->subject, whole);
	return fd;
}

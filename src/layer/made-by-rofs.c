/* SPDX-License-Identifier: MIT */
#include "layer/made-by-rofs.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "basic/mount-point.h"

int machine_id_read(int dir_fd, const char *name, char ret[static MACHINE_ID_LETTERS + 1])
{
	_cleanup_close_ int fd = openat(dir_fd, name, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	char text[MACHINE_ID_LETTERS + 1];
	ssize_t n;

	if (fd < 0)
		return -errno;
	n = read(fd, text, MACHINE_ID_LETTERS);
	if (n < 0)
		return -errno;

	text[n] = '\0';
	if (n != MACHINE_ID_LETTERS || strspn(text, "0123456789abcdef") != MACHINE_ID_LETTERS ||
	    strspn(text, "0") == MACHINE_ID_LETTERS)
		return -EINVAL;
	memcpy(ret, text, sizeof(text));
	return 0;
}

static bool is_our_updated(const struct upper_entry *e)
{
	_cleanup_close_ int fd = openat(e->upper_dir, e->name,
					O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	char text[sizeof(MADE_BY_ROFS_UPDATED_HEAD) - 1];

	return fd >= 0 && read(fd, text, sizeof(text)) == (ssize_t)sizeof(text) &&
	       memcmp(text, MADE_BY_ROFS_UPDATED_HEAD, sizeof(text)) == 0;
}

bool made_by_transactions(int lower_dir, const char *name)
{
	struct stat st;

	return strcmp(name, ".rofs") == 0 && lower_dir >= 0 &&
	       fstatat(lower_dir, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(st.st_mode) &&
	       st.st_uid == 0 && (st.st_mode & 07777) == 0700 &&
	       mount_point_look(lower_dir, ".") > 0;
}

bool made_by_rofs(const struct upper_entry *e)
{
	char id[MACHINE_ID_LETTERS + 1];

	if (e->change.kind == CHANGE_DELETED)
		return made_by_transactions(e->lower_dir, e->name);
	if (!S_ISREG(e->upper->st_mode))
		return false;
	if (strcmp(e->path, "/etc/.updated") == 0 || strcmp(e->path, "/var/.updated") == 0)
		return is_our_updated(e);
	return strcmp(e->path, "/etc/machine-id") == 0 &&
	       (e->lower_dir < 0 || machine_id_read(e->lower_dir, e->name, id) < 0);
}

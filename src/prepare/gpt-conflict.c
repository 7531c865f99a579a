/* SPDX-License-Identifier: MIT */
#include "prepare/gpt-conflict.h"

#include <fcntl.h>
#include <string.h>

#include "basic/beneath.h"
#include "basic/text.h"
#include "system/log.h"

/* systemd runs all generators before the first unit, so it is complete when rofs-prepare runs. */
#define LATE_DIR "run/systemd/generator.late"

/* The value of What= in a mount unit. Returns: 1 and the value; 0: it has none; or -errno. */
static int read_what(FILE *unit, char **ret)
{
	_cleanup_free_ char *line = NULL;
	size_t size = 0;
	ssize_t n;

	while ((errno = 0, n = getline(&line, &size, unit)) > 0) {
		if (strncmp(line, "What=", 5) != 0)
			continue;
		line[n - (line[n - 1] == '\n')] = '\0';
		*ret = strdup(line + 5);
		return *ret ? 1 : -ENOMEM;
	}
	return -errno;
}

static int find_what(int root_fd, const struct plan_overlay *o, char **ret)
{
	_cleanup_free_ char *path = NULL;
	_cleanup_close_ int fd = -1;
	_cleanup_fclose_ FILE *unit = NULL;
	int err = text_format(&path, LATE_DIR "/%s", o->bind_unit);

	if (err < 0)
		return err;
	fd = open_beneath(root_fd, path, O_RDONLY | O_NOCTTY | O_NONBLOCK);
	if (fd < 0)
		return fd == -ENOENT ? 0 : fd;
	unit = fdopen(fd, "r");
	if (!unit)
		return -errno;
	(void)TAKE_FD(fd); /* closed with the stream now */
	return read_what(unit, ret);
}

int gpt_conflict_check(int root_fd, const struct plan_overlay *o)
{
	_cleanup_free_ char *what = NULL;
	int err = find_what(root_fd, o, &what);

	if (err < 0)
		return log_error(err, "%s: cannot read /" LATE_DIR "/%s: %s", o->path, o->bind_unit,
				 strerror(-err));
	/* A tmpfs of systemd.volatile= has no content that could be hidden. */
	if (!what || what[0] != '/')
		return 0;
	return log_error(-ENOTUNIQ,
			 "%s: the overlay hides %s, which systemd would mount here; "
			 "add it to /etc/fstab, so that it becomes the lower of the overlay",
			 o->path, what);
}

/* SPDX-License-Identifier: MIT */
#include "prepare/mount-point-mode.h"

#include <string.h>
#include <unistd.h>

#include "basic/io.h"
#include "basic/macro.h"

/*
 * The boundary between services with DynamicUser= and everybody else. systemd makes it with this mode,
 * but only warns of another one (247 to 262: setup_exec_directory() in execute.c and later
 * exec-invoke.c, with mkdir_safe_label() and MKDIR_WARN_MODE).
 */
static const char *const private_dirs[] = {
	"/var/lib/private",
	"/var/cache/private",
	"/var/log/private",
};

mode_t mount_point_mode(const char *path, size_t n)
{
	for (size_t i = 0; i < ELEMENTSOF(private_dirs); i++)
		if (strlen(private_dirs[i]) == n && strncmp(path, private_dirs[i], n) == 0)
			return 0700;
	return 0755;
}

int mount_point_parent(int dir_fd, const char *path, size_t n, const char **ret_name)
{
	const char *last = strrchr(path, '/');
	int fd = open_dir_at(dir_fd, ".");

	for (const char *s = path + n; s < last && fd >= 0;) {
		size_t len = strcspn(s + 1, "/");
		_cleanup_free_ char *name = strndup(s + 1, len);
		int above = fd;

		s += 1 + len;
		fd = name ? make_dir_at(above, name, mount_point_mode(path, (size_t)(s - path))) :
			    -ENOMEM;
		close(above);
	}
	*ret_name = last + 1;
	return fd;
}

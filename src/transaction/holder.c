/* SPDX-License-Identifier: MIT */
#include "transaction/holder.h"

#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "basic/io.h"
#include "basic/text.h"

struct searching {
	const struct target *target;
	int proc_fd, files_fd;
	const char *pid;
	char *found;
};

static void read_line(int dir_fd, const char *path, char *line, size_t size)
{
	_cleanup_close_ int fd = openat(dir_fd, path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? 0 : read(fd, line, size - 1);

	line[n < 0 ? 0 : n] = '\0';
	line[strcspn(line, "\n")] = '\0';
}

/* From fdinfo: "pos: 0", "flags: 0100001". */
static bool can_write(const struct searching *s, const char *name)
{
	_cleanup_close_ int fd = -1;
	char path[64], text[256], *flags;
	ssize_t n;

	snprintf(path, sizeof(path), "%.20s/fdinfo/%.20s", s->pid, name);
	fd = openat(s->proc_fd, path, O_RDONLY | O_CLOEXEC);
	n = fd < 0 ? 0 : read(fd, text, sizeof(text) - 1);
	text[n < 0 ? 0 : n] = '\0';
	flags = strstr(text, "flags:");
	return flags && (strtol(flags + strlen("flags:"), NULL, 8) & O_ACCMODE) != O_RDONLY;
}

static int describe(struct searching *s, const char *file, const char *how)
{
	_cleanup_free_ char *name = NULL, *shown = NULL;
	char path[32], line[64];
	int err;

	snprintf(path, sizeof(path), "%.20s/comm", s->pid);
	read_line(s->proc_fd, path, line, sizeof(line));
	err = text_escape(line, &name);
	if (err >= 0)
		err = text_escape(file, &shown);
	if (err >= 0)
		err = text_format(&s->found, "%s (PID %s) %s %s", name, s->pid, how, shown);
	return err < 0 ? err : -EEXIST;
}

static int look_at_file(void *data, const char *name)
{
	struct searching *s = data;
	char target[PATH_MAX];
	struct stat st;
	ssize_t n;

	if (fstatat(s->files_fd, name, &st, 0) < 0 || st.st_dev != s->target->dev)
		return 0;
	if (st.st_nlink > 0 && !(S_ISREG(st.st_mode) && can_write(s, name)))
		return 0;
	n = readlinkat(s->files_fd, name, target, sizeof(target) - 1);
	target[n < 0 ? 0 : n] = '\0';
	return describe(s, target, st.st_nlink > 0 ? "can write to" : "still uses");
}

static int look_at_process(void *data, const char *name)
{
	struct searching *s = data;
	char path[32];

	if (name[strspn(name, "0123456789")])
		return 0;
	s->pid = name;
	snprintf(path, sizeof(path), "%.20s/fd", name);
	s->files_fd = open_dir_at(s->proc_fd, path);
	return s->files_fd < 0 ? 0 : each_name(s->files_fd, look_at_file, s);
}

/* A process may end while it is looked at. */
int holder_find(const struct target *t, char **ret)
{
	struct searching s = { .target = t };
	int err;

	*ret = NULL;
	s.proc_fd = open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (s.proc_fd < 0)
		return 0;
	err = each_name(s.proc_fd, look_at_process, &s);
	*ret = s.found;
	return err == -ENOMEM ? err : 0;
}

/* SPDX-License-Identifier: MIT */
#include "transaction/left.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "basic/beneath.h"
#include "basic/io.h"
#include "basic/strbuf.h"
#include "transaction/lock.h"

#define FILE_NAME "transaction"
#define NEW_NAME  "transaction.new"

/* "by 1233 1234", and for each target "ro 8:1 ro,errors=remount-ro /rofs/ro" */
static int format(pid_t guard, const struct target *targets, size_t n, char **ret)
{
	struct strbuf b = { 0 };

	strbuf_addf(&b, "by %ld %ld\n", (long)getpid(), (long)guard);
	for (size_t i = 0; i < n; i++) {
		const struct target *t = &targets[i];

		if (!t->found.rw)
			strbuf_addf(&b, "ro %s %s %s\n", t->found.device, t->found.options,
				    t->where);
	}
	return strbuf_take(&b, ret);
}

int left_write(int root_fd, pid_t guard, const struct target *targets, size_t n)
{
	_cleanup_close_ int dir_fd = make_path(root_fd, LOCK_DIR, 0755);
	_cleanup_free_ char *text = NULL;
	int err = dir_fd < 0 ? dir_fd : format(guard, targets, n, &text);

	if (err >= 0)
		err = write_file(dir_fd, NEW_NAME, 0644, text);
	if (err >= 0 && renameat(dir_fd, NEW_NAME, dir_fd, FILE_NAME) < 0)
		err = -errno;
	return err;
}

int left_remove(int root_fd)
{
	if (unlinkat(root_fd, LOCK_DIR "/" FILE_NAME, 0) < 0 && errno != ENOENT)
		return -errno;
	return 0;
}

bool left_exists(int root_fd)
{
	return faccessat(root_fd, LOCK_DIR "/" FILE_NAME, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

static int open_file(int root_fd, FILE **ret)
{
	_cleanup_close_ int fd = open_beneath(root_fd, LOCK_DIR "/" FILE_NAME, O_RDONLY);

	if (fd < 0)
		return fd;
	*ret = fdopen(fd, "re");
	if (!*ret)
		return -errno;
	TAKE_FD(fd);
	return 0;
}

static bool exists(long pid)
{
	return pid > 1 && (kill((pid_t)pid, 0) == 0 || errno == EPERM);
}

int left_is_guarded(int root_fd)
{
	_cleanup_fclose_ FILE *f = NULL;
	char line[64], *rest;
	long worker, guard;
	int err = open_file(root_fd, &f);

	if (err < 0)
		return err == -ENOENT ? 0 : err;
	if (!fgets(line, sizeof(line), f) || strncmp(line, "by ", strlen("by ")) != 0)
		return 0;
	worker = strtol(line + strlen("by "), &rest, 10);
	guard = strtol(rest, NULL, 10);
	return exists(worker) || exists(guard);
}

static int parse_line(const char *line, struct target *ret)
{
	int where = 0;

	if (sscanf(line, "ro %23s %1023s %n", ret->found.device, ret->found.options, &where) != 2)
		return 0;
	ret->where = strdup(line + where);
	return ret->where ? 1 : -ENOMEM;
}

/* Returns: 1 if it is the same file system, and writable. */
static int find_mounted(int root_fd, struct target *t)
{
	struct superblock now;
	struct stat st;

	t->fd = open_beneath(root_fd, t->where, O_PATH | O_DIRECTORY);
	if (t->fd < 0 || fstat(t->fd, &st) < 0 || superblock_look(t->fd, &now) < 0)
		return 0;
	if (!now.rw || strcmp(now.device, t->found.device) != 0)
		return 0;
	memcpy(t->found.type, now.type, sizeof(now.type));
	t->dev = st.st_dev;
	t->ino = st.st_ino;
	return 1;
}

static int open_one(int root_fd, char *line, struct target *ret)
{
	_cleanup_target_ struct target t = { .fd = -1 };
	int err;

	line[strcspn(line, "\n")] = '\0';
	err = parse_line(line, &t);
	if (err > 0)
		err = find_mounted(root_fd, &t);
	if (err > 0)
		*ret = TAKE_STRUCT(t);
	return err;
}

void left_done(struct target *targets, size_t n)
{
	for (size_t i = 0; i < n; i++)
		target_done(&targets[i]);
	free(targets);
}

static int open_each(int root_fd, FILE *f, struct target **targets, size_t *n)
{
	_cleanup_free_ char *line = NULL;
	size_t size = 0;

	while (getline(&line, &size, f) >= 0) {
		int err = array_reserve(*targets, *n);

		if (err >= 0)
			err = open_one(root_fd, line, &(*targets)[*n]);
		if (err < 0)
			return err;
		*n += (size_t)err;
	}
	return 0;
}

int left_open(int root_fd, struct target **ret, size_t *ret_n)
{
	_cleanup_fclose_ FILE *f = NULL;
	struct target *targets = NULL;
	size_t n = 0;
	int err = open_file(root_fd, &f);

	if (err >= 0)
		err = open_each(root_fd, f, &targets, &n);
	if (err < 0 && err != -ENOENT) {
		left_done(targets, n);
		return err;
	}
	*ret = targets;
	*ret_n = n;
	return 0;
}

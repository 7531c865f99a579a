/* SPDX-License-Identifier: MIT */
#include "transaction/other-namespaces.h"

#include <fcntl.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "basic/io.h"
#include "basic/text.h"
#include "transaction/private-mount.h"

struct searching {
	const struct target *target;
	ino_t *seen; /* namespaces */
	size_t n;
	int proc_fd;
	char failed[24]; /* a process */
};

/* Returns: 1 if it is a new one, 0 or -ENOMEM. */
static int add(struct searching *s, ino_t namespace)
{
	int err;

	for (size_t i = 0; i < s->n; i++)
		if (s->seen[i] == namespace)
			return 0;
	err = array_reserve(s->seen, s->n);
	if (err < 0)
		return err;
	s->seen[s->n++] = namespace;
	return 1;
}

static int open_at(int proc_fd, const char *process, const char *name)
{
	char path[64];
	int fd;

	snprintf(path, sizeof(path), "%.20s/%s", process, name);
	fd = openat(proc_fd, path, O_RDONLY | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

static int stop(void *data _unused_, int id _unused_, const char *where _unused_)
{
	return 1;
}

static bool is_mount(int proc_fd, int fd, int id)
{
	_cleanup_close_ int info_fd = -1;
	char name[32];

	snprintf(name, sizeof(name), "fdinfo/%d", fd);
	info_fd = open_at(proc_fd, "self", name);
	return info_fd >= 0 && superblock_mount_id(info_fd) == id;
}

/* What another mount covers cannot be reached by its path, by others neither. */
static int make_ro(void *data, int id, const char *where)
{
	const int *proc_fd = data;
	_cleanup_close_ int fd = open(where, O_PATH | O_NOFOLLOW | O_CLOEXEC);

	return fd >= 0 && is_mount(*proc_fd, fd, id) ? mount_make_ro(fd, where) : 0;
}

/* In a child. /proc of the other namespace, if it has one, may not know this process. */
static int enter_and_make_ro(const struct searching *s, int namespace_fd)
{
	int proc_fd = s->proc_fd;

	if (setns(namespace_fd, CLONE_NEWNS) < 0)
		return -errno;
	return superblock_each_writable(open_at(proc_fd, "self", "mountinfo"), &s->target->found,
					make_ro, &proc_fd);
}

static bool change(const struct searching *s, int namespace_fd)
{
	pid_t pid = fork();
	int status;

	if (pid == 0)
		_exit(enter_and_make_ro(s, namespace_fd) < 0 ? EXIT_FAILURE : EXIT_SUCCESS);
	while (pid > 0 && waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return false;
	return pid > 0 && WIFEXITED(status) && WEXITSTATUS(status) == EXIT_SUCCESS;
}

/* A process may end while it is looked at. */
static int look_at_process(void *data, const char *name)
{
	struct searching *s = data;
	_cleanup_close_ int fd = -1;
	struct stat st;
	int is_new;

	if (name[strspn(name, "0123456789")])
		return 0;
	fd = open_at(s->proc_fd, name, "ns/mnt");
	if (fd < 0 || fstat(fd, &st) < 0)
		return 0;
	is_new = add(s, st.st_ino);
	if (is_new <= 0)
		return is_new;
	if (superblock_each_writable(open_at(s->proc_fd, name, "mountinfo"), &s->target->found,
				     stop, NULL) <= 0)
		return 0;
	if (change(s, fd))
		return 0;
	snprintf(s->failed, sizeof(s->failed), "%s", name);
	return -EPERM;
}

static int add_own(struct searching *s)
{
	struct stat st;

	return stat("/proc/self/ns/mnt", &st) < 0 ? -errno : add(s, st.st_ino);
}

int other_namespaces_make_ro(const struct target *t, char **ret_why)
{
	struct searching s = { .target = t };
	int err, failed;

	if (t->found.rw)
		return 0;
	s.proc_fd = open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (s.proc_fd < 0)
		return -errno;
	err = add_own(&s);
	/* The directory is closed with the descriptor; processes are looked up in it until then. */
	err = err < 0 ? (close(s.proc_fd), err) : each_name(s.proc_fd, look_at_process, &s);
	free(s.seen);
	if (err != -EPERM || !*s.failed)
		return err < 0 ? err : 0;
	failed = text_format(
		ret_why,
		"PID %s could write to %s through a mount of its own; end that process first",
		s.failed, t->where);
	return failed < 0 ? failed : -EPERM;
}

/* SPDX-License-Identifier: MIT */
#include "transaction/window.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "basic/beneath.h"
#include "basic/io.h"
#include "basic/text.h"
#include "system/root-devices.h"
#include "transaction/clean.h"
#include "transaction/guard.h"
#include "transaction/holder.h"
#include "transaction/left.h"
#include "transaction/lock.h"
#include "transaction/other-namespaces.h"
#include "transaction/private-mount.h"
#include "transaction/restore.h"
#include "transaction/target.h"

/* 8, 16 ... 512 and 1024 ms: together two seconds. */
#define TRIES	       8
#define PAUSE_NSEC_MIN 8000000L

/* The same file system as the target of the same number, on the mount that can be written. */
struct opened {
	int fd;
	char *path;
};

struct window {
	int root_fd, lock_fd;
	struct guard guard;
	struct private_mounts mounts;
	struct target *targets;
	struct opened *opened;
	size_t n, n_opened;
	size_t n_rw; /* that were made writable, or could be */
};

static const char *dir_of(const char *where)
{
	bool is_root = strcmp(where, WINDOW_ROOT) == 0 || strcmp(where, "/") == 0;

	return is_root ? WINDOW_ROOT_DIR : WINDOW_OTHER_DIR;
}

static int check_caller(char **ret_why)
{
	const char *why = "only root can do this; use sudo";
	int err;

	if (geteuid() == 0) {
		if (access("/proc/self/mountinfo", R_OK) == 0)
			return 0;
		if (errno != ENOENT)
			return -errno;
		why = "/proc is not mounted; mount it first";
	}
	err = text_format(ret_why, "%s", why);
	return err < 0 ? err : -EPERM;
}

/* While a window is open, it is that of a transaction that is not over yet. */
static int check_interrupted(int root_fd, char **ret_why)
{
	_cleanup_close_ int base_fd = open_dir_at(root_fd, WINDOW_ROOT "/" WINDOW_ROOT_DIR);

	if (base_fd < 0 || window_is_open(root_fd) > 0)
		return 0;
	return clean_check(base_fd, ret_why);
}

int window_check(int root_fd, const char *const *where, size_t n, char **ret_why)
{
	int err = check_caller(ret_why);

	for (size_t i = 0; i < n && err >= 0; i++) {
		_cleanup_target_ struct target t = { 0 };

		err = target_open(root_fd, where[i], dir_of(where[i]), &t, ret_why);
	}
	return err < 0 ? err : check_interrupted(root_fd, ret_why);
}

static void close_opened(struct window *w)
{
	for (size_t i = 0; i < w->n_opened; i++) {
		close(w->opened[i].fd);
		free(w->opened[i].path);
	}
	w->n_opened = 0;
}

static void window_free(struct window *w)
{
	if (!w)
		return;
	close_opened(w);
	free(w->opened);
	left_done(w->targets, w->n);
	closep(&w->lock_fd);
	closep(&w->root_fd);
	free(w);
}

static void window_freep(struct window **w)
{
	window_free(*w);
}

static struct window *window_new(int root_fd, size_t n)
{
	_cleanup_(window_freep) struct window *w = calloc(1, sizeof(*w));

	if (!w)
		return NULL;
	w->lock_fd = -1;
	w->root_fd = fcntl(root_fd, F_DUPFD_CLOEXEC, 0);
	w->targets = calloc(n, sizeof(*w->targets));
	w->opened = calloc(n, sizeof(*w->opened));
	return w->root_fd >= 0 && w->targets && w->opened ? TAKE_PTR(w) : NULL;
}

static int find_targets(struct window *w, const char *const *where, size_t n, char **ret_why)
{
	for (; w->n < n; w->n++) {
		int err = target_open(w->root_fd, where[w->n], dir_of(where[w->n]),
				      &w->targets[w->n], ret_why);

		if (err < 0)
			return err;
	}
	return 0;
}

static int open_mounts(struct window *w)
{
	for (; w->n_opened < w->n; w->n_opened++) {
		struct opened *o = &w->opened[w->n_opened];

		o->fd = private_mounts_add(w->root_fd, &w->targets[w->n_opened], w->n_opened,
					   &o->path);
		if (o->fd < 0)
			return o->fd;
	}
	return 0;
}

static int make_devices_rw(const struct window *w, char **ret_why)
{
	int err = root_devices_set(w->root_fd, false);

	if (err >= 0)
		return 0;
	err = text_format(ret_why, "the device of / cannot be made writable: %s", strerror(-err));
	return err < 0 ? err : -EPERM;
}

static int make_rw(const struct target *t, char **ret_why)
{
	_cleanup_free_ char *said = NULL;
	int err = t->found.rw ? 0 : superblock_make_rw(t->fd, &t->found, &said), failed;

	if (err >= 0)
		return 0;
	failed = text_format(ret_why, "%s cannot be made writable: %s; the kernel log may say more",
			     t->where, said ? said : strerror(-err));
	return failed < 0 ? failed : -EPERM;
}

/* It holds older copies of files whose permissions may have been tightened since. */
static int close_dir(const struct window *w, size_t i)
{
	_cleanup_close_ int fd = open_dir_at(w->opened[i].fd, dir_of(w->targets[i].where));
	struct stat st;

	if (fd < 0)
		return fd == -ENOENT ? 0 : fd;
	if (fstat(fd, &st) < 0)
		return -errno;
	if (!(st.st_mode & 077))
		return 0;
	return fchmod(fd, 0700) < 0 ? -errno : 0;
}

/* The guard and the file in /run come first: from here on, the process may be killed at any moment. */
static int begin(struct window *w, char **ret_why)
{
	int err = guard_start(w->root_fd, w->lock_fd, w->targets, w->n, &w->guard);

	if (err >= 0)
		err = left_write(w->root_fd, w->guard.pid, w->targets, w->n);
	if (err >= 0)
		err = private_mounts_begin(&w->mounts, ret_why);
	if (err >= 0)
		err = open_mounts(w);
	for (size_t i = 0; i < w->n && err >= 0; i++)
		err = other_namespaces_make_ro(&w->targets[i], ret_why);
	if (err >= 0)
		err = make_devices_rw(w, ret_why);
	while (w->n_rw < w->n && err >= 0)
		err = make_rw(&w->targets[w->n_rw++], ret_why);
	for (size_t i = 0; i < w->n && err >= 0; i++)
		err = close_dir(w, i);
	return err;
}

static int explain_busy(const struct target *targets, size_t n, const char *what, char **ret_why)
{
	_cleanup_free_ char *holder = NULL;

	for (size_t i = 0; i < n && !holder; i++)
		if (!targets[i].found.rw)
			holder_find(&targets[i], &holder);
	return text_format(
		ret_why, "%s: %s", what,
		holder ? holder : "something uses a file that was deleted or is open for writing");
}

/* Of a window that was killed. Otherwise what it has left would be taken for what is to be restored. */
static int restore_left(int root_fd, char **ret_why)
{
	struct target *targets;
	size_t n;
	int err = left_open(root_fd, &targets, &n), failed;

	if (err < 0)
		return err;
	err = restore_once(root_fd, targets, n);
	if (err == -EBUSY && ret_why) {
		failed = explain_busy(
			targets, n, "a transaction that was killed has left a file system writable",
			ret_why);
		err = failed < 0 ? failed : -EPERM;
	}
	left_done(targets, n);
	if (err >= 0)
		err = left_remove(root_fd);
	return err < 0 ? err : n > 0;
}

static int take_lock(struct window *w, char **ret_why)
{
	int err;

	w->lock_fd = lock_take(w->root_fd, ret_why);
	if (w->lock_fd < 0)
		return w->lock_fd;
	err = restore_left(w->root_fd, ret_why);
	return err < 0 ? err : 0;
}

int window_open(int root_fd, const char *const *where, size_t n, struct window **ret,
		char **ret_why)
{
	_cleanup_(window_freep) struct window *w = NULL;
	_cleanup_free_ char *busy = NULL;
	int err = check_caller(ret_why);

	if (err < 0)
		return err;
	w = window_new(root_fd, n);
	if (!w)
		return -ENOMEM;
	err = take_lock(w, ret_why);
	if (err >= 0)
		err = find_targets(w, where, n, ret_why);
	if (err < 0)
		return err;
	err = begin(w, ret_why);
	if (err < 0)
		window_close(TAKE_PTR(w), &busy);
	else
		*ret = TAKE_PTR(w);
	return err;
}

int window_fd(const struct window *w, size_t i)
{
	return w->opened[i].fd;
}

const char *window_path(const struct window *w, size_t i)
{
	return w->opened[i].path;
}

size_t window_count(const struct window *w)
{
	return w->n;
}

const char *window_where(const struct window *w, size_t i)
{
	return w->targets[i].where;
}

const char *window_dir(const struct window *w, size_t i)
{
	return dir_of(w->targets[i].where);
}

static int sync_all(const struct window *w)
{
	int err = 0;

	for (size_t i = 0; i < w->n_opened; i++)
		if (syncfs(w->opened[i].fd) < 0)
			err = -errno;
	return err;
}

static int restore(const struct window *w)
{
	struct timespec pause = { .tv_nsec = PAUSE_NSEC_MIN };
	int err = restore_once(w->root_fd, w->targets, w->n_rw);

	for (int i = 0; i < TRIES && err == -EBUSY; i++) {
		nanosleep(&pause, NULL);
		pause.tv_nsec *= 2;
		pause.tv_sec = pause.tv_nsec / 1000000000;
		pause.tv_nsec %= 1000000000;
		err = restore_once(w->root_fd, w->targets, w->n_rw);
	}
	return err;
}

static int explain_left(const struct window *w, int err, char **ret_why)
{
	if (err == -EBUSY)
		return explain_busy(w->targets, w->n, "still writable, until what uses it ends",
				    ret_why);
	return text_format(ret_why, "the file system may still be writable: %s", strerror(-err));
}

static int explain_sync(int err, char **ret_why)
{
	int r = text_format(ret_why, "not all may be on the medium: %s", strerror(-err));

	return r < 0 ? r : 1;
}

int window_close(struct window *w, char **ret_why)
{
	int err = sync_all(w), failed;

	*ret_why = NULL;
	close_opened(w);
	private_mounts_end(&w->mounts);
	failed = restore(w);
	if (failed >= 0)
		failed = left_remove(w->root_fd);
	if (failed >= 0)
		guard_dismiss(&w->guard);
	else
		guard_leave(&w->guard);
	if (failed < 0 && explain_left(w, failed, ret_why) < 0)
		failed = -ENOMEM;
	if (failed >= 0 && err < 0)
		failed = explain_sync(err, ret_why);
	window_free(w);
	return failed;
}

int window_superblock_is_rw(int root_fd, const char *path)
{
	_cleanup_close_ int fd = open_beneath(root_fd, path, O_PATH | O_DIRECTORY);
	struct superblock s;
	int err = fd < 0 ? fd : superblock_look(fd, &s);

	return err < 0 ? err : s.rw;
}

int window_is_open(int root_fd)
{
	int taken = lock_is_taken(root_fd);

	return taken == -EACCES ? left_is_guarded(root_fd) : taken;
}

int window_left_rw(int root_fd)
{
	struct target *targets;
	size_t n;
	int err = window_is_open(root_fd);

	if (err != 0)
		return err < 0 ? err : 0;
	err = left_open(root_fd, &targets, &n);
	if (err < 0)
		return err;
	left_done(targets, n);
	if (n > 0)
		return 1;
	/* It may have been killed between the two. */
	return left_exists(root_fd) ? root_devices_any_writable(root_fd) : 0;
}

int window_restore_left(int root_fd)
{
	_cleanup_free_ char *why = NULL;
	_cleanup_close_ int lock_fd = lock_take(root_fd, &why);

	if (lock_fd < 0)
		return lock_fd == -EPERM ? 0 : lock_fd;
	return restore_left(root_fd, NULL);
}

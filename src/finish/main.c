/* SPDX-License-Identifier: MIT */
/* rofs-finish: completes a transaction that a power cut has interrupted; rofs-finish(8). */
#include <fcntl.h>
#include <getopt.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <time.h>

#include "basic/beneath.h"
#include "basic/file-system.h"
#include "basic/io.h"
#include "basic/macro.h"
#include "basic/mount-point.h"
#include "basic/path.h"
#include "basic/text.h"
#include "system/event.h"
#include "system/log.h"
#include "system/program.h"
#include "transaction/copies.h"
#include "transaction/finish.h"
#include "transaction/interrupt.h"
#include "transaction/names.h"
#include "transaction/window.h"

/* For the lock of transactions. */
#define WAIT_MSEC_MAX 300000u
#define PAUSE_MSEC    200u

static const char usage[] =
	"Usage: rofs-finish [MOUNTPOINT | --restore]\n"
	"\n"
	"Complete a commit, chroot or undo of rofs that a power cut has interrupted. The units of rofs-generator run\n"
	"it at boot, before anything is mounted from the root file system.\n"
	"\n"
	"  MOUNTPOINT   complete it on this file system, instead of on the root file system\n"
	"\n"
	"  --restore    make file systems read-only that a killed command has left writable; rofs-restore.service\n"
	"               runs it with this option\n"
	"  --help       show this help\n"
	"  --version    show the version\n"
	"\n"
	"Exit status: 0 completed, 1 failed or nothing to complete, 2 usage; with --restore: 0 done. See rofs-finish(8).\n";

/* Where the root file system is: /rofs/ro is mounted later in the boot. */
static const char *find_root(int root_fd)
{
	return mount_point_at(root_fd, WINDOW_ROOT) ? WINDOW_ROOT : "/";
}

static bool has_commit(int root_fd, const char *root)
{
	char path[64];
	struct stat st;

	snprintf(path, sizeof(path), ".%s/" WINDOW_ROOT_DIR "/" NAME_COMMIT, root);
	return fstatat(root_fd, path, &st, AT_SYMLINK_NOFOLLOW) == 0;
}

/*
 * What a run that died before the mark has left on another file system is no reason to make that writable, in each
 * boot until the next transaction removes it.
 */
static bool has_any(int root_fd, const char *root)
{
	_cleanup_name_list_ struct name_list pending = { 0 };
	_cleanup_close_ int fd = -1;
	char path[64];
	bool found;

	/* For a moment at boot, the RAM pool covers it, and /rofs/ro is not mounted yet: only a window sees it. */
	if (strcmp(root, "/") == 0 && mount_point_at(root_fd, "/" WINDOW_ROOT_DIR))
		return true;
	snprintf(path, sizeof(path), ".%s/" WINDOW_ROOT_DIR, root);
	fd = openat(root_fd, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return errno != ENOENT;
	found = name_list_read(fd, NAME_PENDING, &pending) < 0 || pending.n > 0;
	return found || copies_exist(fd) || has_commit(root_fd, root);
}

static void report(enum event_kind kind, const char *what, const char *why)
{
	_cleanup_free_ char *text = NULL;

	if (text_format(&text, "%s%s", what, why) >= 0)
		event_log(kind, NULL, 0, text);
}

static int failed(int err, const char *what, const char *why)
{
	_cleanup_free_ char *text = NULL;

	if (text_format(&text, "%s: ", what) >= 0)
		report(EVENT_NOT_FINISHED, text, why ? why : strerror(-err));
	return EXIT_FAILURE;
}

static void close_window(struct window *w)
{
	_cleanup_free_ char *why = NULL;
	int r = window_close(w, &why);

	if (r < 0)
		report(EVENT_LEFT_WRITABLE, "", why ? why : strerror(-r));
	if (r > 0)
		log_warning("%s", why ? why : strerror(ENOMEM));
}

/* At boot, the same may be done for another file system right now. Then this one comes after it. */
static int open_window(int root_fd, const char *const *where, size_t n, struct window **ret,
		       char **ret_why)
{
	static const struct timespec pause = { .tv_nsec = PAUSE_MSEC * 1000000L };

	for (unsigned waited = 0;; waited += PAUSE_MSEC) {
		int r = window_open(root_fd, where, n, ret, ret_why);

		if (r >= 0 || window_is_open(root_fd) <= 0 || waited >= WAIT_MSEC_MAX)
			return r;
		free(TAKE_PTR(*ret_why));
		nanosleep(&pause, NULL);
	}
}

/* Returns: as finish_interrupted(); a failure is logged. */
static int finish(int root_fd, const char *const *where, size_t n)
{
	_cleanup_free_ char *why_not_open = NULL, *why = NULL;
	struct window *w;
	int r = open_window(root_fd, where, n, &w, &why_not_open);

	if (r < 0) {
		failed(r, "the file system cannot be made writable", why_not_open);
		return r;
	}
	r = finish_interrupted(w, &why);
	if (r < 0)
		failed(r, "the transaction is not complete", why);
	close_window(w);
	return r;
}

static int finish_root(int root_fd, const char *root)
{
	int r;

	if (!has_commit(root_fd, root))
		return log_error(EXIT_FAILURE, "there is no transaction to complete");
	r = finish(root_fd, &root, 1);
	if (r < 0)
		return EXIT_FAILURE;
	report(EVENT_FINISHED, "completed the transaction that was interrupted",
	       r > 0 ? "; the system reboots, since it has read old files" : "");
	return EXIT_SUCCESS;
}

/* One such as vfat, that is: transaction/copies.h. */
static bool has_copies(int fd)
{
	struct statfs st;

	return fstatfs(fd, &st) == 0 && file_system_by_magic((unsigned long)st.f_type)->no_owners;
}

/* Only the root, which holds the copies, has to be made writable. */
static int finish_copies(int root_fd, const char *root, const char *other, int fs_fd)
{
	_cleanup_free_ char *why_not_open = NULL;
	struct window *w;
	int r;

	if (!has_any(root_fd, root)) {
		r = copies_forget(fs_fd);
		if (r < 0)
			failed(r, "what is left of a transaction cannot be removed", NULL);
		return r;
	}
	r = open_window(root_fd, &root, 1, &w, &why_not_open);
	if (r < 0) {
		failed(r, "the file system cannot be made writable", why_not_open);
		return r;
	}
	r = copies_finish(w, fs_fd, other);
	if (r < 0)
		failed(r, "the transaction is not complete", NULL);
	close_window(w);
	return r;
}

static int finish_at(int root_fd, const char *root, const char *other)
{
	const char *const where[] = { root, other };
	_cleanup_close_ int fs_fd = open_beneath(root_fd, other, O_RDONLY | O_DIRECTORY);

	if (fs_fd >= 0 && has_copies(fs_fd))
		return finish_copies(root_fd, root, other, fs_fd);
	return has_any(root_fd, root) ? finish(root_fd, where, ELEMENTSOF(where)) : 0;
}

static int finish_other(int root_fd, const char *root, const char *other)
{
	int r = finish_at(root_fd, root, other);

	if (r < 0)
		return EXIT_FAILURE;
	if (r > 0)
		report(EVENT_FINISHED, "completed the transaction that was interrupted, on ",
		       other);
	return EXIT_SUCCESS;
}

/* If it is in use, the next run of rofs-watch tries it again. */
static int restore(int root_fd)
{
	int r = window_restore_left(root_fd);

	if (r < 0)
		return failed(r, "cannot make read-only what was left writable", NULL);
	if (r > 0)
		log_info("made read-only what a command that was killed had left writable");
	return EXIT_SUCCESS;
}

static int run(int argc, char **argv)
{
	bool restoring = false;
	const struct program_option options[] = { { .name = "restore", .given = &restoring } };
	const struct program_call call = { .name = "rofs-finish",
					   .usage = usage,
					   .options = options,
					   .n_options = ELEMENTSOF(options),
					   .most = 1 };
	int status = program_parse(argc, argv, &call);
	_cleanup_close_ int root_fd = -1;
	const char *root;

	if (status >= 0)
		return status;
	if (optind < argc && *argv[optind] != '/')
		return log_error(EXIT_USAGE, "%s is not an absolute path", argv[optind]);
	root_fd = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (root_fd < 0)
		return failed(-errno, "/", NULL);
	/* A signal in the middle would leave to the next boot what can be done now. */
	interrupt_block();
	if (restoring)
		return restore(root_fd);
	root = find_root(root_fd);
	if (optind == argc)
		return finish_root(root_fd, root);
	path_clean(argv[optind]);
	return finish_other(root_fd, root, argv[optind]);
}

int main(int argc, char **argv)
{
	return program_main(argc, argv, run);
}

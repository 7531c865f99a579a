/* SPDX-License-Identifier: MIT */
/* rofs maintenance: have the next boot be an ordinary one, in which / can be written. */
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>

#include "basic/beneath.h"
#include "basic/io.h"
#include "rofs/rofs.h"
#include "rofs/ui/end-window.h"
#include "rofs/ui/off.h"
#include "system/boot-marks.h"
#include "system/load.h"
#include "system/log.h"
#include "system/program.h"
#include "transaction/interrupt.h"
#include "transaction/window.h"

#define MARK WINDOW_ROOT_DIR "/" BOOT_MARK_MAINTENANCE

static const char usage[] =
	"Usage: rofs maintenance [--cancel]\n"
	"\n"
	"Make the next boot, and only that, an ordinary one: fstab applies, nothing is in RAM, / is writable.\n"
	"\n"
	"  --cancel    make the next boot a protected one after all\n"
	"  --help      show this help\n"
	"\n"
	"Exit status: 0 done, 1 failure, 2 usage, 3 refused: not root, or the root file system cannot be written,\n"
	"4 rofs is off in this boot.\n";

/* A transaction of nothing but one name: it is there, or it is not, after a power cut too. */
struct change {
	bool cancel;
	const char *next; /* what is true afterwards, as a line for people */
};

static const struct change set = {
	.next = "the next boot, and only that, is an ordinary boot in which / is writable; "
		"rofs maintenance --cancel undoes this"
};
static const struct change cancel = { .cancel = true,
				      .next = "the next boot is a protected one, as this one is" };

/* Returns -1 to go on, else the exit status. */
static int check(const struct loaded *l)
{
	if (l->boot.mode == BOOT_MAINTENANCE)
		return log_error(ROFS_OFF,
				 "this is a maintenance boot; the next one is protected again");
	return off_check(l);
}

/* For the generator, a link or a directory is not a mark, but it is in the way of one. Returns: 1, 0 or -errno. */
static int is_marked(int root_fd)
{
	_cleanup_close_ int fd = open_beneath(root_fd, WINDOW_ROOT, O_PATH | O_DIRECTORY);
	struct stat st;

	if (fd < 0)
		return fd;
	if (fstatat(fd, MARK, &st, AT_SYMLINK_NOFOLLOW) == 0)
		return 1;
	return errno == ENOENT ? 0 : -errno;
}

static int make_mark(int fs_fd)
{
	_cleanup_close_ int dir_fd = make_dir_at(fs_fd, WINDOW_ROOT_DIR, 0700), fd = -1;

	if (dir_fd < 0)
		return dir_fd;
	fd = openat(dir_fd, BOOT_MARK_MAINTENANCE,
		    O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return -errno;
	return fchown(fd, 0, 0) < 0 ? -errno : 0;
}

static int remove_mark(int fs_fd)
{
	if (unlinkat(fs_fd, MARK, 0) < 0 && errno != ENOENT)
		return -errno;
	return 0;
}

static int change_mark(const struct change *c, int fs_fd)
{
	return c->cancel ? remove_mark(fs_fd) : make_mark(fs_fd);
}

static int failed(int err, const char *why)
{
	if (err == -EPERM && why)
		return log_error(ROFS_REFUSED, "%s", why);
	return log_error(ROFS_WRONG, "/" MARK ": %s", strerror(-err));
}

static int write_mark(const struct change *c, int root_fd)
{
	static const char *const where[] = { WINDOW_ROOT };
	_cleanup_free_ char *why = NULL;
	struct window *w;
	int err = window_open(root_fd, where, 1, &w, &why), closed;

	if (err < 0)
		return failed(err, why);
	err = change_mark(c, window_fd(w, 0));
	closed = end_window(w, "");
	if (err < 0)
		return failed(err, NULL);
	/* While it is in use, the guard goes on trying. */
	return closed == 0 || closed == -EBUSY ? ROFS_DONE : ROFS_WRONG;
}

static int change(const struct change *c, int root_fd)
{
	int marked = is_marked(root_fd), status;

	if (marked < 0)
		return failed(marked, NULL);
	if (marked == !c->cancel) {
		program_print("nothing to do: %s", c->next);
		return ROFS_DONE;
	}
	interrupt_block();
	status = write_mark(c, root_fd);
	if (status == ROFS_DONE)
		program_print("%s", c->next);
	interrupt_raise();
	return status;
}

int verb_maintenance(int argc, char **argv)
{
	bool is_cancel = false;
	const struct program_option options[] = { { .name = "cancel", .given = &is_cancel } };
	const struct program_call call = { .usage = usage,
					   .options = options,
					   .n_options = ELEMENTSOF(options) };
	_cleanup_loaded_ struct loaded l = LOADED_INIT;
	int err, status = program_parse(argc, argv, &call);

	if (status >= 0)
		return status;
	if (geteuid() != 0)
		return log_error(ROFS_REFUSED,
				 "only root can write to flash; run rofs maintenance as root");
	err = load_conf(program_root(), &l);
	if (err < 0)
		return log_error(ROFS_WRONG, "%s: %s", program_root(), strerror(-err));
	status = check(&l);
	return status >= 0 ? status : change(is_cancel ? &cancel : &set, l.root.root_fd);
}

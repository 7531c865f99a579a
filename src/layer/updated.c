/* SPDX-License-Identifier: MIT */
#include "layer/updated.h"

#include <fcntl.h>
#include <inttypes.h>
#include <sys/stat.h>

#include "basic/io.h"
#include "layer/made-by-rofs.h"

static bool is_older(const struct timespec *a, const struct timespec *b)
{
	return a->tv_sec != b->tv_sec ? a->tv_sec < b->tv_sec : a->tv_nsec < b->tv_nsec;
}

int updated_make(int root_fd, int lower_fd, int upper_fd)
{
	struct timespec times[2];
	struct stat usr, lower;
	char text[256];
	int err;

	if (fstatat(root_fd, "usr", &usr, 0) < 0)
		return errno == ENOENT ? 0 : -errno;
	if (fstatat(lower_fd, ".updated", &lower, AT_SYMLINK_NOFOLLOW) == 0 &&
	    !is_older(&lower.st_mtim, &usr.st_mtim))
		return 0;

	/* If the time has whole seconds, systemd reads the rest from the file (shared/condition.c). */
	snprintf(text, sizeof(text),
		 MADE_BY_ROFS_UPDATED_HEAD
		 " without it, services that wait for a changed /usr would run at each boot.\n"
		 "TIMESTAMP_NSEC=%" PRIu64 "\n",
		 (uint64_t)usr.st_mtim.tv_sec * 1000000000u + (uint64_t)usr.st_mtim.tv_nsec);
	/* On a foreign partition it may be a FIFO, which nobody reads. */
	if (unlinkat(upper_fd, ".updated", 0) < 0 && errno != ENOENT)
		return -errno;
	err = write_file(upper_fd, ".updated", 0644, text);
	if (err < 0)
		return err;

	times[0] = times[1] = usr.st_mtim;
	return utimensat(upper_fd, ".updated", times, AT_SYMLINK_NOFOLLOW) < 0 ? -errno : 0;
}

/* SPDX-License-Identifier: MIT */
#include "rofs/status/replayed.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "basic/macro.h"

/* A record is shorter: PRINTK_MESSAGE_MAX in kernel/printk/internal.h. */
#define RECORD_BYTES_MAX ((size_t)16 * 1024)

/* fs/ext4/super.c; fs/btrfs/disk-io.c, without and with the name of the state before it. */
static bool is_replay(const char *line, const char *name)
{
	char ext4[64], btrfs[64];

	snprintf(ext4, sizeof(ext4), "(%.40s): recovery complete", name);
	snprintf(btrfs, sizeof(btrfs), "(device %.40s", name);
	return strstr(line, ext4) || (strstr(line, btrfs) && strstr(line, "tree-log replay"));
}

/* One line of the log by each call; the end of what there is, without waiting. Returns false at the end. */
static bool read_record(int fd, char *record)
{
	ssize_t n;

	do
		n = read(fd, record, RECORD_BYTES_MAX - 1);
	while (n < 0 && (errno == EPIPE || errno == EINTR)); /* overwritten meanwhile */
	record[n < 0 ? 0 : n] = '\0';
	return n > 0;
}

bool replayed(int root_fd, const char *device)
{
	_cleanup_close_ int fd =
		openat(root_fd, "dev/kmsg", O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	const char *name = device ? strrchr(device, '/') : NULL;
	char record[RECORD_BYTES_MAX];
	bool found = false;

	if (fd < 0 || !name || !name[1])
		return false;
	while (!found && read_record(fd, record))
		found = is_replay(record, name + 1);
	return found;
}

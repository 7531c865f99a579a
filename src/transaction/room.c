/* SPDX-License-Identifier: MIT */
#include <string.h>
#include <sys/statvfs.h>

#include "basic/text.h"
#include "transaction/staging.h"

/* For what a file system needs to find blocks again, for names, the record and the history. */
#define RESERVE_BYTES ((uint64_t)1024 * 1024)
#define RESERVE_SHARE 64u /* of the content */
#define INODE_BYTES \
	512u /* xfs and btrfs make them as they are needed; xfs has 512 bytes by default */
#define RESERVE_INODES 64u

static int lacks_bytes(const char *where, uint64_t need, uint64_t available, char **ret_why)
{
	char a[TEXT_BYTES_MAX], b[TEXT_BYTES_MAX];
	int err = text_format(ret_why,
			      "the file system at %s has no room: %s are needed, %s are free",
			      where, text_bytes(a, need), text_bytes(b, available));

	return err < 0 ? err : -ENOSPC;
}

static int lacks_inodes(const char *where, uint64_t need, uint64_t available, char **ret_why)
{
	int err = text_format(
		ret_why, "the file system at %s has no room: %ju inodes are needed, %ju are free",
		where, (uintmax_t)need, (uintmax_t)available);

	return err < 0 ? err : -ENOSPC;
}

static uint64_t all_bytes(const struct copy_size *s)
{
	return s->bytes + s->bytes / RESERVE_SHARE + s->inodes * INODE_BYTES;
}

int room_check(int fd, const char *where, const struct copy_size *need,
	       const struct copy_size *spare, char **ret_why)
{
	uint64_t bytes = all_bytes(need) + RESERVE_BYTES;
	uint64_t inodes = need->inodes + RESERVE_INODES, available;
	struct statvfs v;

	*ret_why = NULL;
	if (fstatvfs(fd, &v) < 0)
		return -errno;
	available = (uint64_t)v.f_bavail * v.f_frsize + all_bytes(spare);
	if (available < bytes)
		return lacks_bytes(where, bytes, available, ret_why);
	/* Without a number of inodes, there is no limit but that of bytes. */
	if (v.f_files > 0 && v.f_favail + spare->inodes < inodes)
		return lacks_inodes(where, inodes, v.f_favail, ret_why);
	return 0;
}

int stage_room(struct stage *s, size_t fs, const struct copy_size *need, char **ret_why)
{
	static const struct copy_size nothing = { 0 };
	const struct record_entry top = { .fs = (uint32_t)fs, .path = (char *)"" };
	_cleanup_free_ char *where = NULL;

	if (fs >= s->n)
		return -EINVAL;
	if (record_user_path(&s->record, &top, &where) < 0)
		return -ENOMEM;
	return room_check(s->places[fs].dir_fd, where, need, &nothing, ret_why);
}

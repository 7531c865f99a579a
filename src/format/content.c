/* SPDX-License-Identifier: MIT */
#include "format/content.h"

#include <blkid/blkid.h>
#include <linux/fs.h>
#include <stdbool.h>
#include <string.h>
#include <sys/ioctl.h>

#include "basic/file-system.h"
#include "basic/macro.h"

#define LOOKED_AT_BYTES ((size_t)1024 * 1024) /* at either end of the device */

static void probe_free(blkid_probe *probe)
{
	blkid_free_probe(*probe); /* NULL is fine */
}

/* Of libblkid, which says -1, and the reason in errno at best. */
static int probe_error(void)
{
	return errno ? -errno : -EIO;
}

/* Superblocks and partition tables, as wipefs(8) sets it: a damaged one counts. */
static int open_probe(int fd, blkid_probe *ret)
{
	_cleanup_(probe_free) blkid_probe probe = blkid_new_probe();

	if (!probe)
		return -ENOMEM;
	if (blkid_probe_set_device(probe, fd, 0, 0) < 0 ||
	    blkid_probe_enable_superblocks(probe, 1) < 0 ||
	    blkid_probe_set_superblocks_flags(probe, BLKID_SUBLKS_TYPE | BLKID_SUBLKS_MAGIC |
							     BLKID_SUBLKS_BADCSUM) < 0 ||
	    blkid_probe_enable_partitions(probe, 1) < 0 ||
	    blkid_probe_set_partitions_flags(probe, BLKID_PARTS_MAGIC | BLKID_PARTS_FORCE_GPT) < 0)
		return -EIO;

	*ret = TAKE_PTR(probe);
	return 0;
}

/* What libblkid calls what it has found last. */
static const char *found_type(blkid_probe probe)
{
	const char *type;

	if (blkid_probe_lookup_value(probe, "TYPE", &type, NULL) == 0 ||
	    blkid_probe_lookup_value(probe, "PTTYPE", &type, NULL) == 0)
		return type;
	return "something";
}

/* CONTENT_BLANK: there is no signature. One device may have several. */
static int find_signature(int fd, const char *wanted, enum content *ret, char **ret_found)
{
	_cleanup_(probe_free) blkid_probe probe = NULL;
	_cleanup_free_ char *first = NULL;
	int err = open_probe(fd, &probe);

	if (err < 0)
		return err;
	while ((errno = 0, err = blkid_do_probe(probe)) == 0) {
		const char *type = found_type(probe);

		if (file_system_is_same(type, wanted))
			return *ret = CONTENT_WANTED, 0;
		if (!first && !(first = strdup(type)))
			return -ENOMEM;
	}
	if (err < 0)
		return probe_error();

	*ret = first ? CONTENT_OTHER : CONTENT_BLANK;
	*ret_found = TAKE_PTR(first);
	return 0;
}

/* Only zeros, or only ones? */
static bool is_blank(const unsigned char *bytes, size_t n)
{
	if (n == 0 || (bytes[0] != 0 && bytes[0] != 0xff))
		return false;
	return memcmp(bytes, bytes + 1, n - 1) == 0;
}

static int is_blank_at(int fd, off_t offset)
{
	_cleanup_free_ unsigned char *bytes = malloc(LOOKED_AT_BYTES);
	ssize_t n;

	if (!bytes)
		return -ENOMEM;
	n = pread(fd, bytes, LOOKED_AT_BYTES, offset);
	return n < 0 ? -errno : is_blank(bytes, (size_t)n);
}

static int is_blank_device(int fd)
{
	uint64_t size;
	int blank;

	if (ioctl(fd, BLKGETSIZE64, &size) < 0)
		return -errno;
	blank = is_blank_at(fd, 0);
	if (blank <= 0 || size <= LOOKED_AT_BYTES)
		return blank;
	return is_blank_at(fd, (off_t)(size - LOOKED_AT_BYTES));
}

int content_find(int fd, const char *type, enum content *ret, char **ret_found)
{
	enum content content = CONTENT_UNKNOWN;
	int err = find_signature(fd, type, &content, ret_found), blank = 0;

	if (err < 0)
		return err;
	if (content == CONTENT_BLANK) {
		blank = is_blank_device(fd);
		if (blank < 0)
			return blank;
		content = blank ? CONTENT_BLANK : CONTENT_UNKNOWN;
	}
	/* libblkid also finds nothing when it lacks memory for a moment. */
	if (content == CONTENT_UNKNOWN)
		err = find_signature(fd, type, &content, ret_found);
	if (err < 0)
		return err;
	if (content == CONTENT_BLANK && !blank)
		content = CONTENT_UNKNOWN;

	*ret = content;
	return 0;
}

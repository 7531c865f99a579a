/* SPDX-License-Identifier: MIT */
/* rofs-superblock: repairs an ext4 superblock that a power cut has torn; rofs-superblock(8). */
#include <blkid/blkid.h>
#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <string.h>

#include "basic/macro.h"
#include "superblock/ext4.h"
#include "system/log.h"
#include "system/program.h"

static const char usage[] =
	"Usage: rofs-superblock [--export] DEVICE\n"
	"\n"
	"Correct the checksum of a torn ext4 superblock that agrees with its backup copy.\n"
	"The units of rofs-generator run it before fsck; udev runs it with --export.\n"
	"\n"
	"  --export    write nothing; print the properties that udev uses to name the device\n"
	"  --help      show this help\n"
	"  --version   show the version\n"
	"\n"
	"Exit status: 0 the superblock is intact or was repaired, 1 it was not, 2 usage. See rofs-superblock(8).\n";

/* Returns: 1, 0 when it is not torn, or -errno. */
static int read_torn(int fd, unsigned char *superblock)
{
	ssize_t n = pread(fd, superblock, EXT4_SUPERBLOCK_BYTES, EXT4_SUPERBLOCK_OFFSET);

	if (n < 0)
		return -errno;
	return n == EXT4_SUPERBLOCK_BYTES && ext4_is_torn(superblock);
}

static int write_repaired(const char *device, unsigned char *superblock)
{
	_cleanup_close_ int fd = open(device, O_WRONLY | O_EXCL | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		return -errno;
	ext4_repair(superblock);
	n = pwrite(fd, superblock, EXT4_SUPERBLOCK_BYTES, EXT4_SUPERBLOCK_OFFSET);
	if (n < 0 || fsync(fd) < 0)
		return -errno;
	return n == EXT4_SUPERBLOCK_BYTES ? 0 : -EIO;
}

/*
 * Is it only torn? Then its backup, to which nobody has written, describes the same file system.
 * Returns: NULL, or why it must not be repaired.
 */
static const char *reason_against(int fd, const unsigned char *superblock, struct ext4_backup at)
{
	unsigned char backup[EXT4_SUPERBLOCK_BYTES];

	if (at.block == 0)
		return "there is no backup copy to compare it with";
	if (pread(fd, backup, sizeof(backup), (off_t)(at.block * at.block_size)) != sizeof(backup))
		return "its backup copy cannot be read";
	if (!ext4_matches(superblock, backup))
		return "it does not agree with its backup copy";
	return NULL;
}

/* @fd is closed before the device is opened to write. */
static int repair_torn(const char *device, int fd, unsigned char *superblock)
{
	struct ext4_backup backup = ext4_first_backup(superblock);
	const char *against = reason_against(fd, superblock, backup);
	int err;

	close(fd);
	if (against)
		return log_error(
			EXIT_FAILURE,
			"%s: the checksum of the ext4 superblock is wrong, and %s; run e2fsck manually",
			device, against);
	err = write_repaired(device, superblock);
	if (err < 0)
		return log_error(EXIT_FAILURE, "%s: %s", device, strerror(-err));
	printf("%s: the ext4 superblock was torn, probably by a power cut; it agrees with its backup copy in block "
	       "%" PRIu64 ", and its checksum has been corrected\n",
	       device, backup.block);
	return EXIT_SUCCESS;
}

static int repair(const char *device)
{
	unsigned char superblock[EXT4_SUPERBLOCK_BYTES];
	/* Exclusive: the superblock of a mounted file system changes while it is read. */
	_cleanup_close_ int fd = open(device, O_RDONLY | O_EXCL | O_CLOEXEC | O_NONBLOCK);
	int torn;

	if (fd < 0 && errno == EBUSY)
		return EXIT_SUCCESS;
	torn = fd < 0 ? -errno : read_torn(fd, superblock);
	if (torn < 0)
		return log_error(EXIT_FAILURE, "%s: %s", device, strerror(-torn));
	return torn ? repair_torn(device, TAKE_FD(fd), superblock) : EXIT_SUCCESS;
}

/* Each value twice, as udev's blkid builtin prints it: for people, and for the name of a link. */
static void print_value(blkid_probe probe, const char *value, const char *property)
{
	char safe[256], encoded[256];
	const char *text;

	if (blkid_probe_lookup_value(probe, value, &text, NULL) < 0)
		return;
	if (blkid_safe_string(text, safe, sizeof(safe)) == 0)
		printf("%s=%s\n", property, safe);
	if (blkid_encode_string(text, encoded, sizeof(encoded)) == 0)
		printf("%s_ENC=%s\n", property, encoded);
}

/* libblkid recognizes it only if told to ignore the checksum. */
static int probe_ext(blkid_probe probe, int fd)
{
	static char *types[] = { (char *)"ext4", (char *)"ext3", (char *)"ext2", NULL };

	if (blkid_probe_set_device(probe, fd, 0, 0) < 0)
		return -1;
	if (blkid_probe_set_superblocks_flags(probe, BLKID_SUBLKS_TYPE | BLKID_SUBLKS_LABEL |
							     BLKID_SUBLKS_UUID |
							     BLKID_SUBLKS_BADCSUM) < 0)
		return -1;
	if (blkid_probe_filter_superblocks_type(probe, BLKID_FLTR_ONLYIN, types) < 0)
		return -1;
	return blkid_do_safeprobe(probe) == 0 ? 0 : -1;
}

static int print_properties(blkid_probe probe, int fd)
{
	const char *type;

	if (probe_ext(probe, fd) < 0 || blkid_probe_lookup_value(probe, "TYPE", &type, NULL) < 0)
		return EXIT_FAILURE;
	printf("ID_FS_TYPE=%s\nID_FS_USAGE=filesystem\n", type);
	print_value(probe, "UUID", "ID_FS_UUID");
	print_value(probe, "LABEL", "ID_FS_LABEL");
	return EXIT_SUCCESS;
}

static int export(const char *device)
{
	unsigned char superblock[EXT4_SUPERBLOCK_BYTES];
	_cleanup_close_ int fd = open(device, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	int torn = fd < 0 ? -errno : read_torn(fd, superblock);
	blkid_probe probe;
	int status;

	if (torn < 0)
		return log_error(EXIT_FAILURE, "%s: %s", device, strerror(-torn));
	if (!torn)
		return EXIT_SUCCESS;
	probe = blkid_new_probe();
	if (!probe)
		return log_error(EXIT_FAILURE, "%s: %s", device, strerror(ENOMEM));
	status = print_properties(probe, fd);
	blkid_free_probe(probe);
	return status;
}

int main(int argc, char **argv)
{
	bool exports = false;
	const struct program_option options[] = { { "export", NULL, &exports } };
	const struct program_call call = { "rofs-superblock",	usage, options,
					   ELEMENTSOF(options), 1,     1 };
	int status = program_parse(argc, argv, &call);

	if (status >= 0)
		return status;
	return exports ? export(argv[optind]) : repair(argv[optind]);
}

/* SPDX-License-Identifier: MIT */
/* rofs-superblock: an ext4 superblock that a power cut has torn; rofs-superblock(8). */
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
	"If the ext4 superblock of DEVICE is torn and agrees with its copy, gives it a new checksum.\n"
	"The units of rofs-generator run it before fsck, udev with --export.\n"
	"\n"
	"  --export    write nothing, and print what udev needs to name the device\n"
	"  --help      this text\n"
	"  --version   the version\n"
	"\n"
	"Exit status: 0 the superblock is whole now or was, 1 it is not, 2 usage. See rofs-superblock(8).\n";

/* Returns: 1, 0 when it is not torn, or -errno. */
static int read_torn(int fd, unsigned char *superblock)
{
	ssize_t n = pread(fd, superblock, EXT4_SUPERBLOCK_BYTES, EXT4_SUPERBLOCK_OFFSET);

	if (n < 0)
		return -errno;
	return n == EXT4_SUPERBLOCK_BYTES && ext4_is_torn(superblock);
}

static int write_mended(const char *device, unsigned char *superblock)
{
	_cleanup_close_ int fd = open(device, O_WRONLY | O_EXCL | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		return -errno;
	ext4_mend(superblock);
	n = pwrite(fd, superblock, EXT4_SUPERBLOCK_BYTES, EXT4_SUPERBLOCK_OFFSET);
	if (n < 0 || fsync(fd) < 0)
		return -errno;
	return n == EXT4_SUPERBLOCK_BYTES ? 0 : -EIO;
}

/* Is it only torn? Then its copy, which nobody has written to, tells of the same file system. */
static const char *what_is_against(int fd, const unsigned char *superblock, struct ext4_copy at)
{
	unsigned char copy[EXT4_SUPERBLOCK_BYTES];

	if (at.block == 0)
		return "there is no copy to compare it with";
	if (pread(fd, copy, sizeof(copy), (off_t)(at.block * at.block_size)) != sizeof(copy))
		return "its copy cannot be read";
	if (!ext4_is_same(superblock, copy))
		return "it does not agree with its copy";
	return NULL;
}

static int mend(const char *device)
{
	unsigned char superblock[EXT4_SUPERBLOCK_BYTES];
	/* Exclusive: the superblock of what is mounted changes while it is read. */
	_cleanup_close_ int fd = open(device, O_RDONLY | O_EXCL | O_CLOEXEC | O_NONBLOCK);
	struct ext4_copy at;
	const char *against;
	int err;

	if (fd < 0 && errno == EBUSY)
		return EXIT_SUCCESS;
	err = fd < 0 ? -errno : read_torn(fd, superblock);
	if (err < 0)
		return log_error(EXIT_FAILURE, "%s: %s", device, strerror(-err));
	if (err == 0)
		return EXIT_SUCCESS;

	at = ext4_first_copy(superblock);
	against = what_is_against(fd, superblock, at);
	if (against)
		return log_error(
			EXIT_FAILURE,
			"%s: the checksum of the ext4 superblock is wrong, and %s; run e2fsck by hand",
			device, against);
	close(TAKE_FD(fd));
	err = write_mended(device, superblock);
	if (err < 0)
		return log_error(EXIT_FAILURE, "%s: %s", device, strerror(-err));
	printf("%s: the ext4 superblock was torn, as by a power cut; it agrees with its copy in block "
	       "%" PRIu64 ", and has a new checksum\n",
	       device, at.block);
	return EXIT_SUCCESS;
}

/* A value twice, as udev's blkid builtin has it: for people, and for the name of a link. */
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

/* libblkid knows it with its checksum left aside, and says so. */
static int print_properties(blkid_probe probe, int fd)
{
	static char *types[] = { (char *)"ext4", (char *)"ext3", (char *)"ext2", NULL };
	const char *type;

	if (blkid_probe_set_device(probe, fd, 0, 0) < 0 ||
	    blkid_probe_set_superblocks_flags(probe, BLKID_SUBLKS_TYPE | BLKID_SUBLKS_LABEL |
							     BLKID_SUBLKS_UUID |
							     BLKID_SUBLKS_BADCSUM) < 0 ||
	    blkid_probe_filter_superblocks_type(probe, BLKID_FLTR_ONLYIN, types) < 0 ||
	    blkid_do_safeprobe(probe) != 0 ||
	    blkid_probe_lookup_value(probe, "TYPE", &type, NULL) < 0)
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
	return exports ? export(argv[optind]) : mend(argv[optind]);
}

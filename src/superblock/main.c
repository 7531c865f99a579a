/* SPDX-License-Identifier: MIT */
/* rofs-superblock: repairs an ext4 superblock that a power cut has torn; rofs-superblock(8). */
#include <blkid/blkid.h>
#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <signal.h>
#include <string.h>

#include "basic/macro.h"
#include "basic/io.h"
#include "superblock/e2fsck.h"
#include "superblock/ext4.h"
#include "superblock/journal.h"
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

static int write_superblock(int fd, const unsigned char *superblock)
{
	ssize_t n = pwrite(fd, superblock, EXT4_SUPERBLOCK_BYTES, EXT4_SUPERBLOCK_OFFSET);

	if (n < 0 || fsync(fd) < 0)
		return -errno;
	return n == EXT4_SUPERBLOCK_BYTES ? 0 : -EIO;
}

/* To write to what @fd holds exclusively; udev looks at each device that was open for writing. */
static int open_to_write(int fd)
{
	int to_write = open(fd_name(fd).path, O_WRONLY | O_CLOEXEC);

	return to_write < 0 ? -errno : to_write;
}

static bool is_worse(const struct e2fsck_result *before, const struct e2fsck_result *after)
{
	return after->status > before->status || after->lines > before->lines;
}

/* Until this program ends: none may leave what e2fsck has not looked at. */
static void block_signals(void)
{
	sigset_t all;

	sigfillset(&all);
	sigprocmask(SIG_BLOCK, &all, NULL);
}

/*
 * @before: of e2fsck, which takes the backup copy for the superblock. @after: with the correct one.
 * Returns: 1, 0: it was put back, or -errno.
 */
static int write_unless_worse(int fd, const unsigned char *superblock,
			      const struct e2fsck_result *before, struct e2fsck_result *after)
{
	_cleanup_close_ int to_write = open_to_write(fd);
	unsigned char repaired[EXT4_SUPERBLOCK_BYTES];
	int err, undone;

	if (to_write < 0)
		return to_write;
	memcpy(repaired, superblock, sizeof(repaired));
	ext4_repair(repaired);
	block_signals();
	err = write_superblock(to_write, repaired);
	if (err >= 0)
		err = e2fsck_look(fd, after);
	if (err >= 0 && e2fsck_has_verdict(after) && !is_worse(before, after))
		return 1;
	undone = write_superblock(to_write, superblock);
	return undone < 0 ? undone : err;
}

/* Returns: NULL, or why a power cut cannot have left a superblock that agrees with its backup. */
static const char *reason_against_values(int fd, const unsigned char *superblock)
{
	int empty;

	if (!ext4_is_in_range(superblock))
		return "it has values that the kernel does not write";
	if (!ext4_must_have_empty_journal(superblock))
		return NULL;
	empty = journal_is_empty(fd, superblock);
	if (empty < 0)
		return "its journal cannot be read";
	return empty ? NULL : "it says that its journal is empty, which is not so";
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
	return reason_against_values(fd, superblock);
}

static int leave(const char *device, const char *why)
{
	return log_error(
		EXIT_FAILURE,
		"%s: the checksum of the ext4 superblock is wrong, and %s; run e2fsck manually",
		device, why);
}

static int leave_without_verdict(const char *device, const struct e2fsck_result *result,
				 const char *then)
{
	return log_error(
		EXIT_FAILURE,
		"%s: the checksum of the ext4 superblock is wrong, and e2fsck %s %d%s; run e2fsck manually",
		device, result->signal ? "was killed by signal" : "failed with exit status",
		result->signal ? result->signal : result->status, then);
}

static int repair_torn(const char *device, int fd, const unsigned char *superblock)
{
	struct ext4_backup backup = ext4_first_backup(superblock);
	const char *against = reason_against(fd, superblock, backup);
	struct e2fsck_result before, after;
	int done;

	if (against)
		return leave(device, against);
	done = e2fsck_look(fd, &before);
	if (done < 0)
		return log_error(EXIT_FAILURE,
				 "%s: the ext4 superblock is torn, but e2fsck cannot be run: %s",
				 device, strerror(-done));
	if (!e2fsck_has_verdict(&before) && !e2fsck_cannot_open(&before))
		return leave_without_verdict(device, &before, ", so nothing was written");
	done = write_unless_worse(fd, superblock, &before, &after);
	if (done < 0)
		return log_error(EXIT_FAILURE,
				 "%s: the ext4 superblock is torn, but cannot be repaired: %s",
				 device, strerror(-done));
	if (!done && !e2fsck_has_verdict(&after))
		return leave_without_verdict(device, &after,
					     " with a correct one, so it was put back");
	if (!done)
		return leave(device,
			     "e2fsck finds more errors with a correct one, so it was put back");
	/* Not on standard output: that it cannot be written must not fail what has succeeded. */
	log_info(
		"%s: the ext4 superblock was torn, probably by a power cut; it agrees with its backup copy in block "
		"%" PRIu64 ", and its checksum has been corrected",
		device, backup.block);
	return EXIT_SUCCESS;
}

static int repair(const char *device)
{
	unsigned char superblock[EXT4_SUPERBLOCK_BYTES];
	/* Exclusive: the superblock of a mounted file system changes while it is read. */
	_cleanup_close_ int fd = open(device, O_RDONLY | O_EXCL | O_CLOEXEC | O_NONBLOCK);
	int torn;

	if (fd < 0 && errno == EBUSY) {
		log_info("%s: mounted or in use by another program; its superblock was not checked",
			 device);
		return EXIT_SUCCESS;
	}
	torn = fd < 0 ? -errno : read_torn(fd, superblock);
	if (torn < 0)
		return log_error(EXIT_FAILURE, "%s: %s", device, strerror(-torn));
	return torn ? repair_torn(device, fd, superblock) : EXIT_SUCCESS;
}

/*
 * Each value twice, as udev's blkid builtin prints it: for people, and for the name of a link. libblkid
 * leaves escape sequences in the first, and C1 in both.
 */
static void print_value(blkid_probe probe, const char *value, const char *property)
{
	char safe[256], encoded[256];
	const char *text;

	if (blkid_probe_lookup_value(probe, value, &text, NULL) < 0)
		return;
	if (blkid_safe_string(text, safe, sizeof(safe)) == 0)
		program_print("%s=%s", property, safe);
	if (blkid_encode_string(text, encoded, sizeof(encoded)) == 0)
		program_print("%s_ENC=%s", property, encoded);
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

static int run(int argc, char **argv)
{
	bool exports = false;
	const struct program_option options[] = { { .name = "export", .given = &exports } };
	const struct program_call call = {
		.name = "rofs-superblock",
		.usage = usage,
		.options = options,
		.n_options = ELEMENTSOF(options),
		.least = 1,
		.most = 1,
	};
	int status = program_parse(argc, argv, &call);

	if (status >= 0)
		return status;
	return exports ? export(argv[optind]) : repair(argv[optind]);
}

int main(int argc, char **argv)
{
	return program_main(argc, argv, run);
}

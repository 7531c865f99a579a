/* SPDX-License-Identifier: MIT */
/* Format=yes: a file system where there is nothing, and never over anything. */
#include <fcntl.h>
#include <linux/fs.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "prepare/format.h"
#include "system/log.h"

#define LOOKED_AT_BYTES ((size_t)1024 * 1024) /* at either end of the partition */

/*
 * Runs a program and takes the first bytes of its output. Returns: how many bytes, -EIO when it has
 * failed, having logged it; or -errno.
 */
static ssize_t run(const char *const *argv, char *output, size_t size)
{
	_cleanup_close_ int reader = -1, writer = -1;
	int pipe_fds[2], status;
	ssize_t n;
	pid_t pid;

	if (pipe2(pipe_fds, O_CLOEXEC) < 0)
		return -errno;
	reader = pipe_fds[0];
	writer = pipe_fds[1];
	pid = fork();
	if (pid < 0)
		return -errno;
	if (pid == 0) {
		if (dup2(writer, STDOUT_FILENO) >= 0)
			execvp(argv[0], (char *const *)argv);
		log_error(-errno, "%s: %s", argv[0], strerror(errno));
		_exit(127);
	}

	close(TAKE_FD(writer));
	n = read(reader, output, size);
	while (read(reader, (char[512]){ 0 }, 512) > 0)
		; /* so that it does not wait for us */
	if (waitpid(pid, &status, 0) < 0)
		return -errno;
	if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
		return log_error(-EIO, "%s failed", argv[0]);
	return n < 0 ? -errno : n;
}

/*
 * What does wipefs(8) find, also if it is damaged? Unlike blkid(8) it wants no valid checksum.
 * Returns: 0: nothing; 1 and the types, a line each; or -errno.
 */
static int find_signatures(const char *device, char *ret, size_t size)
{
	const char *const argv[] = { "wipefs", "--no-act", "--noheadings", "--output", "TYPE",
				     device,   NULL };
	ssize_t n = run(argv, ret, size - 1);

	if (n <= 0)
		return (int)n;
	ret[n] = '\0';
	return 1;
}

/* Each of ext2 to ext4 can be mounted as a later one. */
static bool is_same_type(const char *one, const char *other)
{
	return strcmp(one, other) == 0 ||
	       (strncmp(one, "ext", 3) == 0 && strncmp(other, "ext", 3) == 0);
}

/* Is there what Format=yes would make? Else it would fail at the mount, and say less. */
static int check_signatures(const struct plan_partition *p, char *types)
{
	const struct conf_section *s = &p->conf->section;
	char *state, *type, *first = NULL;

	for (type = strtok_r(types, " \n", &state); type; type = strtok_r(NULL, " \n", &state)) {
		if (is_same_type(type, p->conf->type))
			return 0;
		first = first ? first : type;
	}
	return log_error(
		-EEXIST,
		"%s:%u: [Partition %s]: %s holds %s, and no %s file system is made over it",
		s->pos.file, s->pos.line, s->name, p->device_path, first ? first : "something",
		p->conf->type);
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

static int make_file_system(const char *type, const char *device)
{
	static const struct {
		const char *type, *option;
	} options[] = {
		{ "ext2", "-q" },  { "ext3", "-q" }, { "ext4", "-q" }, { "xfs", "-q" },
		{ "btrfs", "-q" }, { "f2fs", "-q" }, { "vfat", "-I" }, /* also on a medium without partitions */
	};
	_cleanup_free_ char *program = NULL;
	const char *argv[4] = { 0 };
	size_t n = 1;
	char unused;

	if (asprintf(&program, "mkfs.%s", type) < 0)
		return program = NULL, -ENOMEM;
	argv[0] = program;
	for (size_t i = 0; i < ELEMENTSOF(options); i++)
		if (strcmp(options[i].type, type) == 0)
			argv[n++] = options[i].option;
	argv[n] = device;
	return (int)run(argv, &unused, 1);
}

static int format_device(const struct plan_partition *p, int fd)
{
	const struct conf_section *s = &p->conf->section;
	char types[256];
	int found = find_signatures(p->device_path, types, sizeof(types));

	if (found != 0)
		return found < 0 ? found : check_signatures(p, types);
	found = is_blank_device(fd);
	if (found < 0)
		return log_error(found, "%s: %s", p->device_path, strerror(-found));
	if (!found)
		return log_error(
			-EEXIST,
			"%s:%u: [Partition %s]: %s has no file system, but it is not blank either, "
			"so none is made on it; fill its first and last MiB with zeros if nothing "
			"on it is needed",
			s->pos.file, s->pos.line, s->name, p->device_path);

	found = make_file_system(p->conf->type, p->device_path);
	if (found < 0)
		return found;
	printf("%s was blank and has an %s file system now\n", p->device_path, p->conf->type);
	return 0;
}

int format_partition(const struct plan_partition *p)
{
	_cleanup_close_ int fd = open(p->device_path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

	if (fd < 0)
		return log_error(-errno, "%s: %s", p->device_path, strerror(errno));
	return format_device(p, fd);
}

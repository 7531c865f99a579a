/* SPDX-License-Identifier: MIT */
/* rofs-format: a file system on a partition that holds nothing, and never over anything; rofs-format(8). */
#include <fcntl.h>
#include <getopt.h>
#include <string.h>

#include "basic/macro.h"
#include "format/content.h"
#include "format/mkfs.h"
#include "system/load.h"
#include "system/log.h"
#include "system/program.h"

static const char usage[] =
	"Usage: rofs-format NAME\n"
	"\n"
	"Create the file system of [Partition NAME] in /etc/rofs.conf if it has Format=yes and its device is blank.\n"
	"The units of rofs-generator run it before the partition is mounted.\n"
	"\n"
	"  --help      show this help\n"
	"  --version   show the version\n"
	"\n"
	"ROFS_ROOT=DIR   read the configuration of the system below DIR instead of /\n"
	"\n"
	"Exit status: 0 the partition has a file system of its Type=, 1 it has not, 2 usage. See rofs-format(8).\n";

static int make_file_system(const struct plan_partition *p)
{
	const char *type = p->conf->type;
	int err = mkfs_run(type, p->device_path);

	if (err == -EIO)
		return log_error(EXIT_FAILURE, "mkfs.%s %s failed", type, p->device_path);
	if (err < 0)
		return log_error(EXIT_FAILURE, "mkfs.%s: %s", type, strerror(-err));
	/* Not on standard output: that it cannot be written must not fail what has succeeded. */
	log_info("%s was blank; created a file system of type %s", p->device_path, type);
	return EXIT_SUCCESS;
}

/* Exclusive, so that nobody writes to it meanwhile. What is in use is looked at, no more. */
static int open_device(const char *path, bool *ret_busy)
{
	int flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK, fd = open(path, flags | O_EXCL);

	*ret_busy = fd < 0 && errno == EBUSY;
	if (*ret_busy)
		fd = open(path, flags);
	return fd < 0 ? -errno : fd;
}

static int look(const struct plan_partition *p, enum content *ret, char **ret_found, bool *ret_busy)
{
	_cleanup_close_ int fd = open_device(p->device_path, ret_busy);

	return fd < 0 ? fd : content_find(fd, p->conf->type, ret, ret_found);
}

static int format(const struct plan_partition *p)
{
	const struct conf_section *s = &p->conf->section;
	_cleanup_free_ char *found = NULL;
	enum content content;
	bool busy;
	int err = look(p, &content, &found, &busy);

	if (err < 0)
		return log_error(EXIT_FAILURE, "%s: %s", p->device_path, strerror(-err));
	switch (content) {
	case CONTENT_WANTED:
		return EXIT_SUCCESS;
	case CONTENT_OTHER:
		return log_error(
			EXIT_FAILURE,
			"%s:%u: [Partition %s]: %s contains %s, which is not overwritten; expected %s or a blank device",
			s->pos.file, s->pos.line, s->name, p->device_path, found, p->conf->type);
	case CONTENT_BLANK:
		if (busy)
			return log_error(EXIT_FAILURE, "%s:%u: [Partition %s]: %s is in use",
					 s->pos.file, s->pos.line, s->name, p->device_path);
		return make_file_system(p); /* it opens the device exclusively itself */
	case CONTENT_UNKNOWN:
	case _CONTENT_MAX:
	case _CONTENT_INVALID:
		break;
	}
	return log_error(
		EXIT_FAILURE,
		"%s:%u: [Partition %s]: %s has no file system but is not blank, so it is not formatted; "
		"if nothing on it is needed, fill its first and last MiB with zeros",
		s->pos.file, s->pos.line, s->name, p->device_path);
}

static const struct plan_partition *find_partition(const struct plan *p, const char *name)
{
	for (size_t i = 0; i < p->n_partitions; i++) {
		const struct plan_partition *partition = &p->partitions[i];

		if (partition->conf && partition->format_unit &&
		    strcmp(partition->conf->section.name, name) == 0)
			return partition;
	}
	return NULL;
}

static int run(int argc, char **argv)
{
	/* The generator has reported the mistakes. */
	_cleanup_loaded_ struct loaded l = LOADED_INIT;
	int status = program_options(argc, argv, "rofs-format", usage, 1, 1), err;
	const struct plan_partition *p;

	if (status >= 0)
		return status;
	err = load_plan(program_root(), &l);
	if (err < 0)
		return log_error(EXIT_FAILURE, "cannot read the configuration: %s", strerror(-err));
	p = find_partition(&l.plan, argv[optind]);
	if (!p)
		return log_error(
			EXIT_FAILURE,
			"rofs.conf declares no [Partition %s] with Format=yes, or nothing uses it",
			argv[optind]);
	return format(p);
}

int main(int argc, char **argv)
{
	return program_main(argc, argv, run);
}

/* SPDX-License-Identifier: MIT */
#include "rofs/status/devices.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "basic/text.h"

#define WRITTEN_FIELD 7u /* of /sys/.../stat, counted from 1: Documentation/block/stat.rst */

void device_done(struct device *d)
{
	free(d->name);
	*d = (struct device){ 0 };
}

/* A file of a device's directory in sysfs; NULL: there is none. */
static FILE *open_file(const char *dir, unsigned major, unsigned minor, const char *file)
{
	_cleanup_free_ char *path = NULL;

	if (text_format(&path, "%s/sys/dev/block/%u:%u/%s", strcmp(dir, "/") == 0 ? "" : dir, major,
			minor, file) < 0)
		return NULL;
	return fopen(path, "re");
}

/* Its first line. */
static bool read_line(const char *dir, unsigned major, unsigned minor, const char *file, char *line,
		      size_t size)
{
	_cleanup_fclose_ FILE *f = open_file(dir, major, minor, file);

	return f && fgets(line, (int)size, f);
}

static void read_written(const char *dir, unsigned major, unsigned minor, struct device *ret)
{
	char line[512], *s = line, *end;

	if (!read_line(dir, major, minor, "stat", line, sizeof(line)))
		return;
	for (unsigned i = 1; i < WRITTEN_FIELD; i++, s = end) {
		strtoull(s, &end, 10);
		if (end == s)
			return;
	}
	ret->sectors_written = strtoull(s, &end, 10);
	ret->written_known = end != s;
}

/* "0x01 0x02". A partition's directory is in that of the whole medium. */
static void read_life(const char *dir, unsigned major, unsigned minor, struct device *ret)
{
	char line[64], *end;

	if (!read_line(dir, major, minor, "device/life_time", line, sizeof(line)) &&
	    !read_line(dir, major, minor, "../device/life_time", line, sizeof(line)))
		return;
	ret->life_a = (unsigned)strtoul(line, &end, 16);
	ret->life_b = (unsigned)strtoul(end, NULL, 16);
}

/* A btrfs has a device number of its own, which is not that of its block device. */
static bool find_number(const struct observed_mount *m, unsigned *major, unsigned *minor)
{
	struct stat st;

	*major = m->major;
	*minor = m->minor;
	if (*major != 0)
		return true;
	if (strncmp(m->source, "/dev/", 5) != 0 || stat(m->source, &st) < 0 || !S_ISBLK(st.st_mode))
		return false;
	*major = major(st.st_rdev);
	*minor = minor(st.st_rdev);
	return true;
}

/* Without an initramfs the kernel's table of mounts has /dev/root, which is no device node. */
static int find_name(const char *dir, const struct observed_mount *m, unsigned major,
		     unsigned minor, char **ret)
{
	_cleanup_fclose_ FILE *f = NULL;
	char line[256];

	*ret = NULL;
	if (strncmp(m->source, "/dev/", 5) == 0 && strcmp(m->source, "/dev/root") != 0) {
		*ret = strdup(m->source);
		return *ret ? 0 : -ENOMEM;
	}
	f = open_file(dir, major, minor, "uevent");
	while (f && fgets(line, sizeof(line), f)) {
		if (strncmp(line, "DEVNAME=", 8) != 0)
			continue;
		line[strcspn(line, "\n")] = '\0';
		return text_format(ret, "/dev/%s", line + 8);
	}
	return 0;
}

int device_read(const char *dir, const struct observed_mount *m, struct device *ret)
{
	unsigned major, minor;

	*ret = (struct device){ 0 };
	if (!m || !find_number(m, &major, &minor))
		return 0;
	read_written(dir, major, minor, ret);
	read_life(dir, major, minor, ret);
	return find_name(dir, m, major, minor, &ret->name);
}

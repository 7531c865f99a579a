/* SPDX-License-Identifier: MIT */
#include "system/observe-device.h"

#include <fcntl.h>
#include <libmount.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "basic/io.h"
#include "basic/text.h"
#include "plan/fstab.h"

#define LOOP_MAJOR 7u /* Documentation/admin-guide/devices.txt */

bool observe_number(const char *path, unsigned *ret_major, unsigned *ret_minor)
{
	struct stat st;

	if (stat(path, &st) < 0 || !S_ISBLK(st.st_mode))
		return false;
	*ret_major = major(st.st_rdev);
	*ret_minor = minor(st.st_rdev);
	return true;
}

/* It has a number of its own, which is not that of its block device. */
static bool has_own_number(const char *type)
{
	return strcmp(type, "btrfs") == 0 || strcmp(type, "bcachefs") == 0;
}

/* Only the source names the device then. That of any other type may be any word. */
void observe_devices_of_mounts(struct observed *s)
{
	for (size_t i = 0; i < s->n_mounts; i++) {
		struct observed_mount *m = &s->mounts[i];

		if (m->major == 0 && has_own_number(m->type))
			observe_number(m->source, &m->device_major, &m->device_minor);
	}
}

/* The name that the kernel has for a device: "sda1". */
static int name_device(unsigned major, unsigned minor, char **ret)
{
	char path[64], target[PATH_MAX];
	const char *slash;
	ssize_t n;

	snprintf(path, sizeof(path), "/sys/dev/block/%u:%u", major, minor);
	n = readlink(path, target, sizeof(target) - 1);
	if (n < 0)
		return -errno;
	target[n] = '\0';
	slash = strrchr(target, '/');
	return text_format(ret, "%s", slash ? slash + 1 : target);
}

struct btrfs_search {
	char *names[2];
	bool found;
};

static int look_for_both(void *data, const char *uuid)
{
	struct btrfs_search *b = data;
	size_t n = 0;

	for (size_t i = 0; i < ELEMENTSOF(b->names); i++) {
		_cleanup_free_ char *path = NULL;

		if (text_format(&path, "/sys/fs/btrfs/%s/devices/%s", uuid, b->names[i]) < 0)
			return -ENOMEM;
		n += access(path, F_OK) == 0;
	}
	b->found = b->found || n == ELEMENTSOF(b->names);
	return 0;
}

/* Are these two devices of the same btrfs? The table of mounts has only one of them. */
static bool is_same_btrfs(const struct observed_mount *m, const struct observed_device *d)
{
	_cleanup_free_ char *a = NULL, *b = NULL;
	struct btrfs_search search = { 0 };

	if (strcmp(m->type, "btrfs") != 0 || d->state != DEVICE_PRESENT ||
	    name_device(m->device_major, m->device_minor, &a) < 0 ||
	    name_device(d->major, d->minor, &b) < 0)
		return false;
	search.names[0] = a;
	search.names[1] = b;
	return each_name(open("/sys/fs/btrfs", O_RDONLY | O_DIRECTORY | O_CLOEXEC), look_for_both,
			 &search) >= 0 &&
	       search.found;
}

static void unref_cache(struct libmnt_cache **c)
{
	mnt_unref_cache(*c);
}

/* @spec: "LABEL=data" */
static bool carries(const struct observed_mount *m, const char *spec)
{
	struct observed_device named = { .state = DEVICE_PRESENT };
	_cleanup_(unref_cache) struct libmnt_cache *cache = mnt_new_cache();
	_cleanup_free_ char *tag = strdup(spec);
	char *equals = tag ? strchr(tag, '=') : NULL;

	if (!cache || !equals || *spec == '/')
		return false;
	/* The name is that of the time when it was mounted. */
	if (!observe_number(m->source, &named.major, &named.minor) ||
	    !observed_is_on_device(m, &named))
		return false;
	*equals = '\0';
	return mnt_cache_read_tags(cache, m->source) >= 0 &&
	       mnt_cache_device_has_tag(cache, m->source, tag, equals + 1);
}

/*
 * All names that udev has for a device, also those whose link leads to another one: everyone may read
 * them, a device only few.
 */
static bool is_called(const struct observed_mount *m, const char *path)
{
	char file[64], line[PATH_MAX];
	_cleanup_fclose_ FILE *f = NULL;

	snprintf(file, sizeof(file), "/run/udev/data/b%u:%u", m->device_major, m->device_minor);
	f = fopen(file, "re");
	while (f && fgets(line, sizeof(line), f)) {
		line[strcspn(line, "\n")] = '\0';
		if (strncmp(line, "S:", 2) == 0 && strncmp(path, "/dev/", 5) == 0 &&
		    strcmp(line + 2, path + 5) == 0)
			return true;
	}
	return false;
}

/* dm-verity makes a device of its own on the declared one. */
static bool has_verity(const char *options)
{
	return strstr(options, "verity.hashdevice=") != NULL;
}

/*
 * mount(8) makes a loop device on the declared one. Is it that which is mounted? Not known if the kernel
 * does not say what is behind it.
 */
static struct observed_device find_loop(const struct observed_mount *m, const char *path)
{
	struct observed_device declared, behind, mounted = { .state = DEVICE_PRESENT };
	char file[64], line[PATH_MAX];
	_cleanup_fclose_ FILE *f = NULL;

	if (!m || !observe_number(path, &declared.major, &declared.minor))
		return (struct observed_device){ 0 };
	snprintf(file, sizeof(file), "/sys/dev/block/%u:%u/loop/backing_file", m->device_major,
		 m->device_minor);
	f = fopen(file, "re");
	if (!f && m->device_major != LOOP_MAJOR)
		return (struct observed_device){ .state = DEVICE_ABSENT };
	if (!f || !fgets(line, sizeof(line), f))
		return (struct observed_device){ 0 };
	line[strcspn(line, "\n")] = '\0';
	if (!observe_number(line, &behind.major, &behind.minor))
		return (struct observed_device){ 0 };
	if (behind.major != declared.major || behind.minor != declared.minor)
		return (struct observed_device){ .state = DEVICE_ABSENT };
	mounted.major = m->device_major;
	mounted.minor = m->device_minor;
	return mounted;
}

static struct observed_device find_device(const struct observed *s, const char *path,
					  const char *spec, const char *options, const char *where)
{
	const struct observed_mount *m = observed_mounted_at(s, where);
	struct observed_device d = { .state = DEVICE_ABSENT };

	if (!path || has_verity(options))
		return (struct observed_device){ 0 };
	if (fstab_has_option(options, "loop"))
		return find_loop(m, path);
	if (observe_number(path, &d.major, &d.minor))
		d.state = DEVICE_PRESENT;
	if (!m || m->device_major == 0 || observed_is_on_device(m, &d))
		return d;
	if (is_same_btrfs(m, &d) || is_called(m, path) || carries(m, spec))
		return (struct observed_device){ DEVICE_PRESENT, m->device_major, m->device_minor };
	return d;
}

int observe_declared_devices(struct observed *s, const struct plan *p)
{
	s->partitions = calloc(p->n_partitions + 1, sizeof(*s->partitions));
	s->lowers = calloc(p->n_lowers + 1, sizeof(*s->lowers));
	if (!s->partitions || !s->lowers)
		return -ENOMEM;
	for (size_t i = 0; i < p->n_partitions; i++) {
		const struct plan_partition *q = &p->partitions[i];

		if (q->conf)
			s->partitions[i] = find_device(s, q->device_path, q->conf->device,
						       q->conf->options, q->where);
	}
	for (size_t i = 0; i < p->n_lowers; i++) {
		const struct plan_lower *l = &p->lowers[i];

		s->lowers[i] = find_device(s, l->device_path, l->entry->spec, l->options, l->where);
	}
	return 0;
}

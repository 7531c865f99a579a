/* SPDX-License-Identifier: MIT */
/* Block devices of this machine that hold a file system and that nothing uses. */
#include <libudev.h>
#include <string.h>
#include <sys/sysmacros.h>

#include "basic/text.h"
#include "plan/unit-name.h"
#include "rofs/suggest/gather.h"

#define MOUNTINFO_BYTES_MAX ((size_t)16 << 20)
#define SECTOR_BYTES	    512u

static void udev_done(struct udev **u)
{
	udev_unref(*u);
}

static void enumerate_done(struct udev_enumerate **e)
{
	udev_enumerate_unref(*e);
}

static void device_done(struct udev_device **d)
{
	udev_device_unref(*d);
}

/* struct searching - what is used already */
struct searching {
	const struct loaded *l;
	struct machine *m;
	char *mounts; /* the text of mountinfo */
	char *root;   /* root= of the kernel command line; NULL: it has none */
};

static const char *property(struct udev_device *d, const char *name)
{
	const char *value = udev_device_get_property_value(d, name);

	return value && *value ? value : NULL;
}

/* GPT types and MBR types of partitions for files of any kind: others are a system, or its boot loader. */
static bool is_for_files(struct udev_device *d)
{
	static const char *const types[] = {
		"0fc63daf-8483-4772-8e79-3d69d8477de4", /* Linux file system */
		"933ac7e1-2eb4-4f13-b844-0e14e2aef915", /* /home */
		"3b8f8425-20e0-4f3b-907f-1a25a76f98e8", /* /srv */
		"4d21b016-b534-45c2-a9fb-5c16e091fd2d", /* /var */
		"0x83",
	};
	const char *type = property(d, "ID_PART_ENTRY_TYPE");

	for (size_t i = 0; type && i < ELEMENTSOF(types); i++)
		if (strcmp(type, types[i]) == 0)
			return true;
	return !type;
}

/* By number, or, as btrfs has numbers of its own, by name. Also the root, and what rofs has mounted. */
static int is_mounted(const struct searching *s, struct udev_device *d, bool *ret)
{
	dev_t number = udev_device_get_devnum(d);
	_cleanup_free_ char *by_number = NULL, *by_name = NULL;
	int err = text_format(&by_number, " %u:%u ", major(number), minor(number));

	if (err >= 0)
		err = text_format(&by_name, " %s ", udev_device_get_devnode(d));
	if (err < 0)
		return err;
	*ret = strstr(s->mounts, by_number) || strstr(s->mounts, by_name);
	return 0;
}

static bool has_link(struct udev_device *d, const char *path)
{
	struct udev_list_entry *e;

	if (strcmp(udev_device_get_devnode(d), path) == 0)
		return true;
	udev_list_entry_foreach(e, udev_device_get_devlinks_list_entry(
					   d)) if (strcmp(udev_list_entry_get_name(e), path) ==
						   0) return true;
	return false;
}

/* btrfs on /dev/root has neither the number nor the name of its device. */
static int is_root(const struct searching *s, struct udev_device *d, bool *ret)
{
	_cleanup_free_ char *path = NULL;
	int err = s->root ? unit_name_device_path(s->root, &path) : 0;

	*ret = path && has_link(d, path);
	return err == -EINVAL ? 0 : err;
}

/* A line that does not mount it at boot counts too: somebody has a use for it. */
static int is_in_fstab(const struct searching *s, struct udev_device *d, bool *ret)
{
	const struct facts *f = &s->l->facts;

	*ret = false;
	for (size_t i = 0; i < f->n_fstab && !*ret; i++) {
		_cleanup_free_ char *path = NULL;
		int err = unit_name_device_path(f->fstab[i].spec, &path);

		if (err == -ENOMEM)
			return err;
		*ret = path && has_link(d, path);
	}
	return 0;
}

static uint64_t size_of(struct udev_device *d)
{
	const char *sectors = udev_device_get_sysattr_value(d, "size");

	return sectors ? strtoull(sectors, NULL, 10) * SECTOR_BYTES : 0;
}

/* The name that means it: a label if it is plain, else what no other device has. */
static int spec_of(struct udev_device *d, char **ret)
{
	static const struct {
		const char *tag, *property;
	} others[] = {
		{ "UUID", "ID_FS_UUID" },
		{ "PARTUUID", "ID_PART_ENTRY_UUID" },
	};
	const char *label = property(d, "ID_FS_LABEL"), *encoded = property(d, "ID_FS_LABEL_ENC");

	if (label && encoded && strcmp(label, encoded) == 0)
		return text_format(ret, "LABEL=%s", label);
	for (size_t i = 0; i < ELEMENTSOF(others); i++)
		if (property(d, others[i].property))
			return text_format(ret, "%s=%s", others[i].tag,
					   property(d, others[i].property));
	return text_format(ret, "%s", udev_device_get_devnode(d));
}

static int add_device(struct machine *m, struct udev_device *d)
{
	const char *label = property(d, "ID_FS_LABEL");
	struct machine_device x = { .bytes = size_of(d) };
	int err = array_reserve(m->devices, m->n_devices);

	if (err >= 0)
		err = spec_of(d, &x.spec);
	if (err >= 0)
		err = text_format(&x.node, "%s", udev_device_get_devnode(d));
	if (err >= 0)
		err = text_format(&x.type, "%s", property(d, "ID_FS_TYPE"));
	if (err >= 0 && label)
		err = text_format(&x.label, "%s", label);
	if (err < 0)
		return machine_device_done(&x), err;
	m->devices[m->n_devices++] = x;
	return 0;
}

static int consider(const struct searching *s, struct udev_device *d)
{
	const char *usage = property(d, "ID_FS_USAGE");
	bool used;
	int err;

	if (!udev_device_get_devnode(d) || !usage || strcmp(usage, "filesystem") != 0 ||
	    !property(d, "ID_FS_TYPE") || !is_for_files(d))
		return 0;
	err = is_mounted(s, d, &used);
	if (err >= 0 && !used)
		err = is_root(s, d, &used);
	if (err >= 0 && !used)
		err = is_in_fstab(s, d, &used);
	return err < 0 || used ? err : add_device(s->m, d);
}

static int search(const struct searching *s, struct udev *udev)
{
	_cleanup_(enumerate_done) struct udev_enumerate *all = udev_enumerate_new(udev);
	struct udev_list_entry *e;
	int err;

	if (!all || udev_enumerate_add_match_subsystem(all, "block") < 0)
		return -ENOMEM;
	err = udev_enumerate_scan_devices(all);
	if (err < 0)
		return err == -ENOMEM ? err : 0;
	udev_list_entry_foreach(e, udev_enumerate_get_list_entry(all))
	{
		_cleanup_(device_done) struct udev_device *d =
			udev_device_new_from_syspath(udev, udev_list_entry_get_name(e));

		/* One that is gone meanwhile does not count. */
		err = d ? consider(s, d) : (errno == ENOMEM ? -ENOMEM : 0);
		if (err < 0)
			return err;
	}
	return 0;
}

/* Those that rofs mounts below /rofs count as used: they are in a rofs.conf already. */
int gather_devices(const struct loaded *l, struct machine *m)
{
	_cleanup_(udev_done) struct udev *udev = udev_new();
	_cleanup_free_ char *mounts = NULL, *root = NULL;
	struct searching s = { .l = l, .m = m };
	size_t n;
	int err;

	if (!udev)
		return -ENOMEM;
	err = rootfs_read(&l->root, "/proc/self/mountinfo", MOUNTINFO_BYTES_MAX, &mounts, &n);
	if (err < 0)
		return err == -ENOMEM ? err : 0;
	if (l->cmdline && boot_value(l->cmdline, "root=", &root) < 0)
		return -ENOMEM;
	s.mounts = mounts;
	s.root = root;
	return search(&s, udev);
}

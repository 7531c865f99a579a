/* SPDX-License-Identifier: MIT */
/* The block devices of this machine: does each partition exist, what is on it, who else mounts it? */
#include <blkid/blkid.h>
#include <libudev.h>
#include <string.h>
#include <sys/stat.h>

#include "basic/file-system.h"
#include "basic/path.h"
#include "plan/fstab.h"
#include "plan/subvolume.h"
#include "plan/unit-name.h"
#include "rofs/check/check.h"

/* struct content - what is on a device, in the words of libblkid, which udev uses too; owned */
struct content {
	char *type;  /* "ext4", "crypto_LUKS"; NULL: nothing */
	char *usage; /* "filesystem", "crypto", "raid", ... */
};

static void content_done(struct content *x)
{
	free(x->type);
	free(x->usage);
}

static int content_set(const char *type, const char *usage, struct content *ret)
{
	struct content x = { strdup(type), usage ? strdup(usage) : NULL };

	if (!x.type || (usage && !x.usage)) {
		content_done(&x);
		return -ENOMEM;
	}
	*ret = x;
	return 0;
}

static void udev_done(struct udev **u)
{
	udev_unref(*u);
}

static void udev_device_done(struct udev_device **d)
{
	udev_device_unref(*d);
}

/* What udev has found there, which every user may read. -ENODATA: it has not looked. */
static int ask_udev(dev_t number, struct content *ret)
{
	_cleanup_(udev_done) struct udev *udev = udev_new();
	_cleanup_(udev_device_done) struct udev_device *device = NULL;
	const char *type;

	if (!udev)
		return -ENOMEM;
	device = udev_device_new_from_devnum(udev, 'b', number);
	if (!device || !udev_device_get_is_initialized(device))
		return -ENODATA;
	type = udev_device_get_property_value(device, "ID_FS_TYPE");
	if (!type)
		return *ret = (struct content){ 0 }, 0;
	return content_set(type, udev_device_get_property_value(device, "ID_FS_USAGE"), ret);
}

static void probe_done(blkid_probe *p)
{
	blkid_free_probe(*p);
}

/* What is there, for those who may read the device. -ENODATA: it is not certain. */
static int probe(const char *path, struct content *ret)
{
	_cleanup_(probe_done) blkid_probe p = blkid_new_probe_from_filename(path);
	const char *type, *usage = NULL;
	int found;

	if (!p || blkid_probe_set_superblocks_flags(p, BLKID_SUBLKS_TYPE | BLKID_SUBLKS_USAGE) < 0)
		return -ENODATA;
	found = blkid_do_safeprobe(p);
	if (found == 1)
		return *ret = (struct content){ 0 }, 0;
	if (found < 0 || blkid_probe_lookup_value(p, "TYPE", &type, NULL) < 0)
		return -ENODATA;
	blkid_probe_lookup_value(p, "USAGE", &usage, NULL);
	return content_set(type, usage, ret);
}

/* With Type=auto, only the device tells the type. */
static void check_upper(struct checking *c, const struct plan_partition *p, const char *type)
{
	const struct conf_section *s = &p->conf->section;

	if (plan_partition_holds_uppers(&c->l->plan, p) && !file_system_holds_uppers(type))
		check_add(c, PROBLEM_UPPER_REFUSED, s, conf_key_pos(s, "Device"),
			  "[Partition %s]: %s holds %s, which cannot hold the changes of an "
			  "overlay; expected ext4, xfs, btrfs or f2fs",
			  s->name, p->conf->device, type);
}

static void compare_content(struct checking *c, const struct plan_partition *p,
			    const struct content *x)
{
	const struct conf_partition *q = p->conf;
	const struct conf_section *s = &q->section;
	bool detected = strcmp(q->type, "auto") == 0;

	if (!x->type && !q->format)
		check_add(c, PROBLEM_FILE_SYSTEM_MISSING, s, conf_key_pos(s, "Device"),
			  "[Partition %s]: %s holds no file system; create one, for example with "
			  "mkfs.ext4, or set Type= and Format=yes",
			  s->name, q->device);
	if (!x->type)
		return;
	if (x->usage && strcmp(x->usage, "filesystem") != 0)
		check_add(c, PROBLEM_FILE_SYSTEM_WRONG, s, conf_key_pos(s, "Device"),
			  "[Partition %s]: %s holds %s, which is not a file system; expected the "
			  "device that holds one",
			  s->name, q->device, x->type);
	else if (detected)
		check_upper(c, p, x->type);
	else if (!file_system_is_same(q->type, x->type))
		check_add(c, PROBLEM_FILE_SYSTEM_WRONG, s, conf_key_pos(s, "Type"),
			  "[Partition %s]: %s holds %s, not %s; expected Type=auto or Type=%s",
			  s->name, q->device, x->type, q->type, x->type);
}

/* Returns: 0, -ENODATA or -ENOMEM. */
static int find_content(const char *path, const struct stat *st, struct content *ret)
{
	int err = ask_udev(st->st_rdev, ret), probed;

	if (err != -ENODATA && (err < 0 || ret->type))
		return err;
	/* Not everybody may read the device; then what udev has found, or has not, counts. */
	probed = probe(path, ret);
	return probed == -ENODATA ? err : probed;
}

static int check_file_system(struct checking *c, const struct plan_partition *q,
			     const struct stat *st)
{
	_cleanup_(content_done) struct content x = { 0 };
	int err = find_content(q->device_path, st, &x);

	if (err < 0)
		return err == -ENODATA ? 0 : err;
	compare_content(c, q, &x);
	return 0;
}

/* Is @path a block device, and which? */
static bool find_device(const char *path, struct stat *ret)
{
	return stat(path, ret) == 0 && S_ISBLK(ret->st_mode);
}

static void check_other_sections(struct checking *c, size_t i, const struct stat *st)
{
	const struct plan *p = &c->l->plan;
	const struct conf_partition *q = p->partitions[i].conf;

	for (size_t k = 0; k < i; k++) {
		const struct conf_partition *other = p->partitions[k].conf;
		struct stat found;

		if (!other || !find_device(p->partitions[k].device_path, &found) ||
		    found.st_rdev != st->st_rdev)
			continue;
		check_add(c, PROBLEM_DEVICE_SHARED, &q->section,
			  conf_key_pos(&q->section, "Device"),
			  "[Partition %s]: %s is the same device as %s of [Partition %s], and "
			  "would be mounted twice; expected one section for it",
			  q->section.name, q->device, other->device, other->section.name);
	}
}

/* Under the same name it is mounted once: the generator takes care of that. */
static int check_fstab_device(struct checking *c, const struct plan_partition *q,
			      const struct stat *st)
{
	const struct conf_section *s = &q->conf->section;
	const struct facts *facts = &c->l->facts;

	for (size_t i = 0; i < facts->n_fstab; i++) {
		const struct fstab_entry *e = &facts->fstab[i];
		_cleanup_free_ char *path = NULL;
		int err = unit_name_device_path(e->spec, &path);
		struct stat found;
		int shown;

		if (err == -ENOMEM)
			return err;
		if (!path || e->overridden || fstab_has_option(e->options, "noauto") ||
		    strcmp(e->dir, "/") == 0 || strcmp(path, q->device_path) == 0 ||
		    !find_device(path, &found) || found.st_rdev != st->st_rdev)
			continue;
		shown = subvolume_compare(e->options, q->conf->options);
		if (shown < 0)
			return shown;
		if (shown != SUBVOLUMES_SAME)
			continue;
		check_add(c, PROBLEM_DEVICE_SHARED, s, fstab_pos(e),
			  "%s is the device of [Partition %s], and %s mounts it on %s as well; "
			  "name it %s here too, or remove this line",
			  e->spec, s->name, fstab_origin(e), e->dir, q->conf->device);
	}
	return 0;
}

static void note_fstab_bound(struct checking *c)
{
	const struct plan *p = &c->l->plan;

	for (size_t i = 0; i < p->n_fstab_duplicates; i++) {
		const struct plan_fstab_duplicate *d = &p->fstab_duplicates[i];
		const struct conf_section *s = &p->partitions[d->partition].conf->section;

		check_add(
			c, PROBLEM_FSTAB_BOUND, s, conf_key_pos(s, "Device"),
			"[Partition %s]: %s mounts the same device on %s; rofs mounts it once, as "
			"declared here, and binds it there",
			s->name, fstab_origin(d->entry), d->entry->dir);
	}
}

static void report_missing(struct checking *c, const struct plan_partition *q)
{
	const struct conf_section *s = &q->conf->section;

	/* In a container, or without udev, there are no links. */
	if (path_is_below(q->device_path, "/dev/disk") && access("/dev/disk", F_OK) < 0)
		check_add(c, PROBLEM_DEVICE_UNKNOWN, s, conf_key_pos(s, "Device"),
			  "[Partition %s]: rofs cannot tell whether %s exists, because there is no "
			  "/dev/disk here; run rofs check on the machine itself",
			  s->name, q->conf->device);
	else
		check_add(c, PROBLEM_DEVICE_MISSING, s, conf_key_pos(s, "Device"),
			  "[Partition %s]: the device %s does not exist; lsblk -o "
			  "NAME,LABEL,UUID,PARTLABEL lists those that do",
			  s->name, q->conf->device);
}

static int check_device(struct checking *c, size_t i)
{
	const struct plan_partition *q = &c->l->plan.partitions[i];
	struct stat st;
	int err;

	if (!find_device(q->device_path, &st))
		return report_missing(c, q), 0;
	err = check_file_system(c, q, &st);
	if (err < 0)
		return err;
	check_other_sections(c, i, &st);
	return check_fstab_device(c, q, &st);
}

/* With type auto in fstab only the device says it. */
static int check_lower_device(struct checking *c, const struct plan_overlay *o)
{
	const struct plan_lower *l = &c->l->plan.lowers[o->lower_mount];
	_cleanup_(content_done) struct content x = { 0 };
	_cleanup_free_ char *path = NULL;
	struct stat st;
	int err = unit_name_device_path(l->entry->spec, &path);

	if (err < 0 || !find_device(path, &st))
		return err == -ENOMEM ? err : 0;
	err = find_content(path, &st, &x);
	if (err < 0)
		return err == -ENODATA ? 0 : err;
	if (x.type && file_system_by_name(x.type)->layer == LAYER_NEVER)
		check_add(c, PROBLEM_LOWER_REFUSED, &o->conf->section, fstab_pos(l->entry),
			  "%s is %s, which overlayfs refuses as the lower layer of [Overlay %s]; "
			  "expected ext4, xfs, btrfs, f2fs, squashfs or erofs",
			  l->entry->dir, x.type, o->conf->section.name);
	return 0;
}

static int check_lower_devices(struct checking *c)
{
	const struct plan *p = &c->l->plan;

	for (size_t i = 0; i < p->n_overlays; i++) {
		const struct plan_overlay *o = &p->overlays[i];
		int err = o->lower_is_root ? 0 : check_lower_device(c, o);

		if (err < 0)
			return err;
	}
	return 0;
}

int check_devices(struct checking *c)
{
	const struct plan *p = &c->l->plan;

	note_fstab_bound(c);
	for (size_t i = 0; c->running && i < p->n_partitions; i++) {
		int err = p->partitions[i].conf ? check_device(c, i) : 0;

		if (err < 0)
			return err;
	}
	return c->running ? check_lower_devices(c) : 0;
}

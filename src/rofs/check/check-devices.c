/* SPDX-License-Identifier: MIT */
/* The block devices of this machine: is each partition there, what is on it, who else mounts it? */
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "basic/path.h"
#include "plan/fstab.h"
#include "plan/unit-name.h"
#include "rofs/check/check.h"

/* What udev knows of a device: the value of "E:KEY=", the caller frees it. NULL: nothing. */
static char *ask_udev(const struct stat *st, const char *key)
{
	_cleanup_fclose_ FILE *f = NULL;
	_cleanup_free_ char *path = NULL;
	char line[1024];
	size_t n = strlen(key);

	if (asprintf(&path, "/run/udev/data/b%u:%u", major(st->st_rdev), minor(st->st_rdev)) < 0)
		return path = NULL;
	f = fopen(path, "re");
	while (f && fgets(line, sizeof(line), f)) {
		line[strcspn(line, "\n")] = '\0';
		if (strncmp(line, "E:", 2) == 0 && strncmp(line + 2, key, n) == 0 &&
		    line[2 + n] == '=')
			return strdup(line + 3 + n);
	}
	return NULL;
}

static void check_file_system(struct checking *c, const struct plan_partition *q,
			      const struct stat *st)
{
	_cleanup_free_ char *type = ask_udev(st, "ID_FS_TYPE"), *known = ask_udev(st, "DEVNAME");
	const struct conf_section *s = &q->conf->section;

	if (!type && !known)
		return; /* udev has not looked at it */
	if (!type) {
		if (!q->conf->format)
			check_add(
				c, PROBLEM_FILE_SYSTEM_MISSING, s, conf_key_pos(s, "Device"),
				"[Partition %s]: %s holds no file system; make one, with mkfs.ext4 -L "
				"NAME for example",
				s->name, q->conf->device);
		return;
	}
	if (strcmp(type, "crypto_LUKS") == 0 || strcmp(type, "swap") == 0 ||
	    strcmp(type, "LVM2_member") == 0)
		check_add(
			c, PROBLEM_FILE_SYSTEM_WRONG, s, conf_key_pos(s, "Device"),
			"[Partition %s]: %s holds %s, no file system; expected the device on which "
			"one lies",
			s->name, q->conf->device, type);
	else if (strcmp(q->conf->type, "auto") != 0 && strcmp(q->conf->type, type) != 0)
		check_add(
			c, PROBLEM_FILE_SYSTEM_WRONG, s, conf_key_pos(s, "Type"),
			"[Partition %s]: %s holds %s, not Type=%s; expected Type=auto or the right one",
			s->name, q->conf->device, type, q->conf->type);
}

/* Is @path a block device, and which? */
static bool find_device(const char *path, struct stat *ret)
{
	return stat(path, ret) == 0 && S_ISBLK(ret->st_mode);
}

/* What cannot be seen where names are only text, as in the generator. */
static void check_root_device(struct checking *c, const struct plan_partition *q,
			      const struct stat *st)
{
	const struct conf_section *s = &q->conf->section;
	struct stat root;

	if (stat("/", &root) < 0 || root.st_dev != st->st_rdev)
		return;
	check_add(c, PROBLEM_DEVICE_IS_ROOT, s, conf_key_pos(s, "Device"),
		  "[Partition %s]: %s holds the root file system, which must stay untouched; "
		  "expected a partition of its own",
		  s->name, q->conf->device);
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
			  "is mounted twice; expected one section for it",
			  q->section.name, q->device, other->device, other->section.name);
	}
}

/* By the same name it is mounted once; the generator takes care of that. */
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

		if (err == -ENOMEM)
			return err;
		if (!path || fstab_has_option(e->options, "noauto") || strcmp(e->dir, "/") == 0 ||
		    strcmp(path, q->device_path) == 0 || !find_device(path, &found) ||
		    found.st_rdev != st->st_rdev)
			continue;
		check_add(c, PROBLEM_DEVICE_SHARED, s, check_fstab_pos(c, e->dir),
			  "%s is the device of [Partition %s], and is mounted on %s as well; "
			  "expected the same name in both files, %s, or no such line here",
			  e->spec, s->name, e->dir, q->conf->device);
	}
	return 0;
}

static int check_device(struct checking *c, size_t i)
{
	const struct plan_partition *q = &c->l->plan.partitions[i];
	const struct conf_section *s = &q->conf->section;
	struct stat st;

	if (find_device(q->device_path, &st)) {
		check_file_system(c, q, &st);
		check_root_device(c, q, &st);
		check_other_sections(c, i, &st);
		return check_fstab_device(c, q, &st);
	}
	/* In a container, or without udev, no links are made. */
	if (path_is_below(q->device_path, "/dev/disk") && access("/dev/disk", F_OK) < 0) {
		check_add(
			c, PROBLEM_DEVICE_UNKNOWN, s, conf_key_pos(s, "Device"),
			"[Partition %s]: whether %s is there cannot be seen here, as udev names no "
			"devices; check it on the machine itself",
			s->name, q->conf->device);
		return 0;
	}
	check_add(
		c, PROBLEM_DEVICE_MISSING, s, conf_key_pos(s, "Device"),
		"[Partition %s]: there is no device %s now; lsblk -o NAME,LABEL,UUID,PARTLABEL shows "
		"what there is",
		s->name, q->conf->device);
	return 0;
}

int check_devices(struct checking *c)
{
	const struct plan *p = &c->l->plan;

	for (size_t i = 0; c->running && i < p->n_partitions; i++) {
		int err = p->partitions[i].conf ? check_device(c, i) : 0;

		if (err < 0)
			return err;
	}
	return 0;
}

/* SPDX-License-Identifier: MIT */
/* The file systems, the memory and the kernel of the system being checked. */
#include <fcntl.h>
#include <inttypes.h>
#include <linux/fs.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <sys/vfs.h>

#include "basic/file-system.h"
#include "basic/path.h"
#include "basic/text.h"
#include "plan/fstab.h"
#include "rofs/check/check.h"
#include "unit/unit.h"

#define FILE_MAX_BYTES ((size_t)16 * 1024 * 1024)
#define CASEFOLD_FLAG  0x40000000 /* FS_CASEFOLD_FL, newer than some headers */

static void check_lower_directory(struct checking *c, const struct plan_overlay *o)
{
	_cleanup_close_ int fd = rootfs_open_dir(&c->l->root, o->path);
	struct statfs st;
	const struct file_system *type;
	int flags = 0;

	if (fd < 0 || fstatfs(fd, &st) < 0)
		return; /* the plan has reported that there is none */
	type = file_system_by_magic((unsigned long)st.f_type);
	if (type->layer == LAYER_NEVER)
		check_add(c, PROBLEM_LOWER_REFUSED, &o->conf->section, o->conf->section.pos,
			  "[Overlay %s]: it is on a %s file system, which overlayfs refuses as a "
			  "lower layer; expected ext4, xfs, btrfs, f2fs, squashfs or erofs",
			  o->conf->section.name, type->name);
	if (ioctl(fd, FS_IOC_GETFLAGS, &flags) == 0 && (flags & CASEFOLD_FLAG))
		check_add(
			c, PROBLEM_LOWER_REFUSED, &o->conf->section, o->conf->section.pos,
			"[Overlay %s]: the directory is case-insensitive, which overlayfs refuses; "
			"chattr -F makes an empty directory case-sensitive",
			o->conf->section.name);
}

/* Is it what the plan has said of this line of fstab and this section? */
static bool is_about(const struct diag_entry *e, struct pos pos, const char *section)
{
	return e->level == DIAG_ERROR && !e->about.kind && e->pos.line == pos.line && e->pos.file &&
	       strcmp(e->pos.file, pos.file) == 0 && strstr(e->text, section);
}

/* The plan has left it out, and knows no kinds of problems. */
static int classify_refused(struct checking *c, const struct conf_section *s,
			    const struct fstab_entry *e)
{
	struct diag *d = &c->l->diag;
	_cleanup_free_ char *section = NULL;
	int err = text_format(&section, "[Overlay %s]", s->name);

	for (size_t i = 0; err >= 0 && i < d->n_entries; i++)
		if (is_about(&d->entries[i], fstab_pos(e), section)) {
			d->entries[i].about.kind = PROBLEM_LOWER_REFUSED;
			d->entries[i].about.path = s->name;
		}
	return err;
}

static int check_refused(struct checking *c)
{
	const struct facts *f = &c->l->facts;
	_cleanup_fstab_index_ struct fstab_index x = { 0 };
	int err = fstab_index_build(f, &x);

	for (size_t i = 0; err >= 0 && i < f->n_overlays; i++) {
		const struct fstab_entry *e = fstab_at_or_above(&x, f->overlays[i].resolved);

		if (e && fstab_is_no_layer(&x, e))
			err = classify_refused(c, &c->l->conf.overlays[i]->section, e);
	}
	return err;
}

int check_lowers(struct checking *c)
{
	const struct plan *p = &c->l->plan;

	for (size_t i = 0; i < p->n_overlays; i++)
		if (p->overlays[i].lower_is_root)
			check_lower_directory(c, &p->overlays[i]);
	return check_refused(c);
}

int check_partitions(struct checking *c)
{
	const struct plan *p = &c->l->plan;

	for (size_t i = 0; i < p->n_partitions; i++) {
		const struct plan_partition *q = &p->partitions[i];

		if (!q->conf)
			continue;
		if (plan_partition_holds_uppers(p, q) && !file_system_holds_uppers(q->conf->type))
			check_add(
				c, PROBLEM_UPPER_REFUSED, &q->conf->section,
				conf_key_pos(&q->conf->section, "Type"),
				"[Partition %s]: %s cannot hold the changes of an overlay; expected "
				"ext4, xfs, btrfs or f2fs",
				q->conf->section.name, q->conf->type);
	}
	return 0;
}

static bool file_has(const struct checking *c, const char *path, const char *word)
{
	_cleanup_free_ char *text = NULL;
	size_t n;

	return rootfs_read(&c->l->root, path, FILE_MAX_BYTES, &text, &n) == 0 &&
	       strstr(text, word) != NULL;
}

/* Is the module overlay installed, or built in? Returns: 1, 0 or -ENOMEM. */
static int has_overlay_module(const struct checking *c, const char *release)
{
	static const char *const lists[] = { "dep", "builtin" };

	for (size_t i = 0; i < ELEMENTSOF(lists); i++) {
		_cleanup_free_ char *path = NULL;
		int err = text_format(&path, "/lib/modules/%s/modules.%s", release, lists[i]);

		if (err < 0)
			return err;
		if (file_has(c, path, "/overlay.ko"))
			return 1;
	}
	return 0;
}

/*
 * Has this boot mounted overlays, or tried to, and so asked the kernel for the module?
 * Returns: 1, 0 or -ENOMEM.
 */
static int was_requested(const struct checking *c)
{
	const struct plan *p = &c->l->plan;

	for (size_t i = 0; i < p->n_overlays; i++) {
		_cleanup_free_ char *path = NULL;
		struct stat st;
		int err = text_format(&path, UNIT_EARLY_DIR "/%s", p->overlays[i].merged_unit);

		if (err < 0)
			return err;
		if (rootfs_stat(&c->l->root, path, &st) == 0)
			return 1;
	}
	return 0;
}

static int check_module(struct checking *c, const char *release)
{
	const struct pos nowhere = { 0 };
	int installed = has_overlay_module(c, release),
	    requested = installed > 0 ? was_requested(c) : 0;

	if (installed == 0)
		check_add(c, PROBLEM_OVERLAYFS_MISSING, NULL, nowhere,
			  "this kernel (%s) has no overlayfs, and its overlay module is not "
			  "installed, so no overlay can be mounted; install the module, or another "
			  "kernel",
			  release);
	if (requested > 0)
		check_add(
			c, PROBLEM_OVERLAYFS_MISSING, NULL, nowhere,
			"the overlay module of this kernel (%s) is installed but not loaded, so no "
			"overlay can be mounted; modprobe -v overlay shows why",
			release);
	return installed < 0 ? installed : requested;
}

int check_kernel(struct checking *c)
{
	struct utsname name;
	int err;

	if (!c->running || c->l->plan.n_overlays == 0 || uname(&name) < 0 ||
	    file_has(c, "/proc/filesystems", "\toverlay\n"))
		return 0;
	err = check_module(c, name.release);
	return err < 0 ? err : 0;
}

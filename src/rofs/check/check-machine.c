/* SPDX-License-Identifier: MIT */
/* File systems, memory, kernel and boot, as rofs check looks at them. */
#include <fcntl.h>
#include <inttypes.h>
#include <linux/fs.h>
#include <linux/magic.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <sys/vfs.h>

#include "basic/path.h"
#include "basic/text.h"
#include "plan/fstab.h"
#include "rofs/check/check.h"
#include "unit/unit.h"

#define FILE_MAX_BYTES ((size_t)16 * 1024 * 1024)
#define EXFAT_MAGIC    0x2011BAB0
#define NTFS_MAGIC     0x5346544e
#define NTFS3_MAGIC    0x7366746e
#define CASEFOLD_FLAG  0x40000000 /* FS_CASEFOLD_FL, newer than some headers */

/* Overlayfs refuses them as a layer: names that differ in case are one, or attributes are missing. */
static bool is_refused_type(const char *type)
{
	static const char *const types[] = { "vfat",  "msdos",	 "exfat", "ntfs",
					     "ntfs3", "ntfs-3g", "hfs",	  "hfsplus" };

	for (size_t i = 0; i < ELEMENTSOF(types); i++)
		if (strcmp(type, types[i]) == 0)
			return true;
	return false;
}

static const char *refused_magic(long magic)
{
	switch (magic) {
	case MSDOS_SUPER_MAGIC:
		return "vfat";
	case EXFAT_MAGIC:
		return "exfat";
	case NTFS_MAGIC:
	case NTFS3_MAGIC:
		return "ntfs";
	case AUTOFS_SUPER_MAGIC:
		return "autofs";
	default:
		return NULL;
	}
}

static const struct plan_lower *lower_of(const struct plan *p, const struct plan_overlay *o)
{
	for (size_t i = 0; i < p->n_lowers; i++)
		if (path_is_at_or_below(o->lower, p->lowers[i].where))
			return &p->lowers[i];
	return NULL;
}

static void check_lower_directory(struct checking *c, const struct plan_overlay *o)
{
	_cleanup_close_ int fd = rootfs_open_dir(&c->l->root, o->path);
	struct statfs st;
	const char *type;
	int flags = 0;

	if (fd < 0 || fstatfs(fd, &st) < 0)
		return; /* what it means that there is none, the plan has said */
	type = refused_magic((long)st.f_type);
	if (type)
		check_add(c, PROBLEM_LOWER_REFUSED, &o->conf->section, o->conf->section.pos,
			  "[Overlay %s]: it lies on a file system (%s) that overlayfs refuses as a "
			  "lower layer; expected ext4, xfs, btrfs, f2fs, squashfs or erofs",
			  o->conf->section.name, type);
	if (ioctl(fd, FS_IOC_GETFLAGS, &flags) == 0 && (flags & CASEFOLD_FLAG))
		check_add(c, PROBLEM_LOWER_REFUSED, &o->conf->section, o->conf->section.pos,
			  "[Overlay %s]: the directory ignores case, which overlayfs refuses; "
			  "chattr -F on an empty directory ends that",
			  o->conf->section.name);
}

int check_lowers(struct checking *c)
{
	const struct plan *p = &c->l->plan;

	for (size_t i = 0; i < p->n_overlays; i++) {
		const struct plan_overlay *o = &p->overlays[i];
		const struct plan_lower *l = lower_of(p, o);

		if (!l) {
			check_lower_directory(c, o);
			continue;
		}
		if (is_refused_type(l->entry->type))
			check_add(
				c, PROBLEM_LOWER_REFUSED, &o->conf->section,
				check_fstab_pos(c, l->entry->dir),
				"%s is %s, which overlayfs refuses as the lower layer of [Overlay "
				"%s]; expected ext4, xfs, btrfs, f2fs, squashfs or erofs",
				l->entry->dir, l->entry->type, o->conf->section.name);
	}
	return 0;
}

static bool holds_uppers(const struct plan *p, const struct plan_partition *q)
{
	for (size_t i = 0; i < p->n_overlays; i++)
		if (p->overlays[i].on_partition && path_is_below(p->overlays[i].layers, q->where))
			return true;
	return false;
}

int check_partitions(struct checking *c)
{
	const struct plan *p = &c->l->plan;

	for (size_t i = 0; i < p->n_partitions; i++) {
		const struct plan_partition *q = &p->partitions[i];

		if (!q->conf)
			continue;
		if (holds_uppers(p, q) && is_refused_type(q->conf->type))
			check_add(
				c, PROBLEM_UPPER_REFUSED, &q->conf->section,
				conf_key_pos(&q->conf->section, "Type"),
				"[Partition %s]: %s cannot hold the changes of an overlay; expected "
				"ext4, xfs, btrfs or f2fs",
				q->conf->section.name, q->conf->type);
	}
	return 0;
}

static uint64_t memory_bytes(const struct checking *c)
{
	_cleanup_free_ char *text = NULL;
	const char *line;
	size_t n;

	if (rootfs_read(&c->l->root, "/proc/meminfo", FILE_MAX_BYTES, &text, &n) < 0)
		return 0;
	line = strstr(text, "MemTotal:");
	return line ? strtoull(line + strlen("MemTotal:"), NULL, 10) * 1024 : 0;
}

static uint64_t pool_bytes(const struct plan_pool *pool, uint64_t memory)
{
	if (pool->size.bytes)
		return pool->size.bytes;
	return memory / 100 * (pool->size.percent ? pool->size.percent : 50);
}

int check_memory(struct checking *c)
{
	const struct plan *p = &c->l->plan;
	uint64_t memory = memory_bytes(c), sum = 0;
	char size[TEXT_BYTES_MAX], ram[TEXT_BYTES_MAX];

	if (memory == 0)
		return 0; /* an image: nobody knows the machine */
	for (size_t i = 0; i < p->n_pools; i++) {
		const struct plan_pool *pool = &p->pools[i];
		uint64_t bytes = pool_bytes(pool, memory);

		sum += bytes;
		if (bytes > memory)
			check_add(
				c, PROBLEM_POOL_TOO_LARGE, NULL, pool->pos,
				"the RAM pool %s may grow to %s, and the machine has %s of memory; "
				"expected a smaller Size=",
				pool->dir, text_bytes(size, bytes), text_bytes(ram, memory));
	}
	if (sum > memory / 100 * 80 && p->n_pools > 0)
		check_add(c, PROBLEM_POOLS_TOO_LARGE, NULL, c->l->conf.memory.section.pos,
			  "the RAM pools together may grow to %s of %s of memory; when they do, "
			  "programs are killed for want of it: leave a fifth or more to them",
			  text_bytes(size, sum), text_bytes(ram, memory));
	return 0;
}

static bool has_word(const char *line, const char *word)
{
	size_t n = strlen(word);

	for (const char *s = line; (s = strstr(s, word)); s += n)
		if ((s == line || strchr(" \t", s[-1])) && (!s[n] || strchr(" \t\n", s[n])))
			return true;
	return false;
}

static void check_fstab_root(struct checking *c)
{
	const struct facts *f = &c->l->facts;
	const struct conf_root *root = &c->l->conf.root;
	bool keeps = root->read_only || root->section.invalid;

	for (size_t i = 0; i < f->n_fstab; i++) {
		const struct fstab_entry *e = &f->fstab[i];

		if (strcmp(e->dir, "/") != 0 || fstab_has_option(e->options, "ro"))
			continue;
		if (keeps)
			check_add(
				c, PROBLEM_FSTAB_ROOT_WRITABLE, NULL, check_fstab_pos(c, "/"),
				"fstab makes / writable (%s); rofs keeps it read-only, but a boot "
				"without rofs will write to it, as a repair should",
				e->options);
		else
			check_add(
				c, PROBLEM_ROOT_UNPROTECTED, NULL, check_fstab_pos(c, "/"),
				"fstab makes / writable (%s), and ReadOnly=no in [Root] leaves it "
				"so: what is not overlaid wears the flash; expected ro here",
				e->options);
	}
}

int check_boot(struct checking *c)
{
	const char *line = c->l->cmdline;
	const struct pos at = { .file = "/proc/cmdline" };

	if (c->l->conf.root.section.pos.file && !c->l->conf.root.read_only &&
	    !c->l->conf.root.section.invalid)
		check_add(c, PROBLEM_ROOT_UNPROTECTED, NULL,
			  conf_key_pos(&c->l->conf.root.section, "ReadOnly"),
			  "/ is not kept read-only: only what is overlaid is protected; expected "
			  "ReadOnly=yes");
	check_fstab_root(c);
	if (has_word(line, "rw"))
		check_add(
			c, PROBLEM_CMDLINE_WRITABLE, NULL, at,
			"rw on the kernel command line: / is writable until systemd remounts it, and "
			"its journal is replayed; expected ro in the boot loader");
	if (strstr(line, "systemd.volatile="))
		check_add(
			c, PROBLEM_CMDLINE_VOLATILE, NULL, at,
			"systemd.volatile= mounts a /var or a root of its own, in the way of rofs; "
			"expected one of the two");
	if (c->l->boot.mode != BOOT_NORMAL)
		check_add(c, PROBLEM_BOOT_OFF, NULL, at,
			  "rofs does nothing in this boot (%.*s); what is told here is about an "
			  "ordinary one",
			  c->l->boot.word_len, c->l->boot.word ? c->l->boot.word : "");
	return 0;
}

static bool file_has(const struct checking *c, const char *path, const char *word)
{
	_cleanup_free_ char *text = NULL;
	size_t n;

	return rootfs_read(&c->l->root, path, FILE_MAX_BYTES, &text, &n) == 0 &&
	       strstr(text, word) != NULL;
}

/* Returns 1 when a module overlay is installed or built in, 0 when not, -ENOMEM. */
static int has_overlay_module(const struct checking *c, const char *release)
{
	for (size_t i = 0; i < 2; i++) {
		_cleanup_free_ char *path = NULL;

		if (asprintf(&path, "/lib/modules/%s/modules.%s", release, i ? "builtin" : "dep") <
		    0)
			return path = NULL, -ENOMEM;
		if (file_has(c, path, "/overlay.ko"))
			return 1;
	}
	return 0;
}

/* Has this boot mounted overlays, or tried to? Then the kernel has been asked for the module. */
static bool was_asked_for(const struct checking *c)
{
	const struct plan *p = &c->l->plan;
	bool found = false;

	for (size_t i = 0; i < p->n_overlays && !found; i++) {
		_cleanup_free_ char *path = NULL;
		struct stat st;

		if (asprintf(&path, UNIT_EARLY_DIR "/%s", p->overlays[i].merged_unit) < 0)
			return path = NULL, false;
		found = rootfs_stat(&c->l->root, path, &st) == 0;
	}
	return found;
}

int check_kernel(struct checking *c)
{
	const struct pos nowhere = { 0 };
	struct utsname name;
	int err;

	if (!c->running || c->l->plan.n_overlays == 0 || uname(&name) < 0 ||
	    file_has(c, "/proc/filesystems", "\toverlay\n"))
		return 0;
	err = has_overlay_module(c, name.release);
	if (err < 0)
		return err;
	if (err == 0)
		check_add(c, PROBLEM_OVERLAYFS_MISSING, NULL, nowhere,
			  "this kernel (%s) has no overlayfs, and no module overlay for it is "
			  "installed; no overlay can be mounted",
			  name.release);
	else if (was_asked_for(c))
		check_add(c, PROBLEM_OVERLAYFS_MISSING, NULL, nowhere,
			  "the module overlay for this kernel (%s) is installed and was not "
			  "loaded; no overlay can be mounted; modprobe -v overlay says why",
			  name.release);
	return 0;
}

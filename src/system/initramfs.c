/* SPDX-License-Identifier: MIT */
#include "system/initramfs.h"

#include <string.h>

#include "basic/path.h"
#include "basic/strbuf.h"
#include "basic/text.h"
#include "plan/fstab.h"
#include "system/initramfs-maker.h"

/* What fsck in the initramfs writes to: /usr is mounted there too, and checked by its pass number. */
static const char *find_checked(const struct facts *facts, const char *root_type)
{
	const struct fstab_entry *usr = initramfs_find_usr(facts);
	bool root = initramfs_may_be_ext(root_type);

	if (!usr || usr->passno == 0)
		return root ? "/" : NULL;
	return root ? "/ and /usr" : "/usr";
}

static bool exists(const struct rootfs *r, const char *path)
{
	_cleanup_free_ char *resolved = NULL;
	struct stat st;

	return rootfs_resolve(r, path, &resolved) >= 0 && rootfs_stat(r, resolved, &st) == 0;
}

static bool is_in_use(const struct rootfs *r, const struct initramfs_maker *m)
{
	for (size_t i = 0; i < ELEMENTSOF(m->unless) && m->unless[i]; i++)
		if (exists(r, m->unless[i]))
			return false;
	return exists(r, m->program);
}

/* Its init makes this directory. A Raspberry Pi may have the program, and boot without an initramfs. */
static bool is_bypassed(const struct rootfs *r, const struct initramfs_maker *m)
{
	return m->leaves_trace && rootfs_has(r, "/run/systemd", "system") &&
	       !rootfs_has(r, "/run", "initramfs");
}

static const struct initramfs_maker *find_maker(const struct rootfs *r)
{
	for (size_t i = 0; i < initramfs_n_makers; i++)
		if (is_in_use(r, &initramfs_makers[i]))
			return &initramfs_makers[i];
	return NULL;
}

/* Of what is written to: the configuration, and where the images are. */
static bool is_written(const struct fstab_entry *e)
{
	return strcmp(e->dir, "/") == 0 || path_is_at_or_below(e->dir, "/boot") ||
	       strcmp(e->dir, "/efi") == 0;
}

/* What is not writable without rofs either: update-initramfs then does nothing, and exits with 0. */
static void add_mounts(struct strbuf *b, const struct facts *f)
{
	for (size_t i = 0; i < f->n_fstab; i++) {
		const struct fstab_entry *e = &f->fstab[i];
		bool mounted = !fstab_has_option(e->options, "noauto") || fstab_is_automount(e),
		     ro = fstab_has_option(e->options, "ro");

		if (!is_written(e) || (mounted && !ro))
			continue;
		strbuf_addf(b, "mount %s%s && ",
			    !ro	    ? "" :
			    mounted ? "-o remount,rw " :
				      "-o rw ",
			    e->dir);
	}
}

/* Commands that come first, each with && behind it. */
static int describe_preparation(const struct facts *facts, const struct initramfs_fsck *f,
				char **ret)
{
	_cleanup_strbuf_ struct strbuf b = { 0 };

	add_mounts(&b, facts);
	strbuf_add(&b, f->preparation ? f->preparation : "");
	return strbuf_take(&b, ret);
}

/* "run: echo fastboot=y >/etc/... && update-initramfs ...", or "set ... in /etc/... and run: ..." */
static int describe_cure(const struct rootfs *r, const struct initramfs_maker *m,
			 const struct initramfs_fsck *f, const char *preparation, char **ret)
{
	const char *quote = strchr(f->change, '"') ? "'" : "";
	_cleanup_strbuf_ struct strbuf b = { 0 };

	if (!f->edit)
		strbuf_addf(&b, "run: %secho %s%s%s %s%s && %s", preparation, quote, f->change,
			    quote, exists(r, f->file) ? ">>" : ">", f->file, m->rebuild);
	else if (*preparation)
		strbuf_addf(&b, "run: %.*s; then %s in %s and run: %s",
			    (int)(strlen(preparation) - strlen(" && ")), preparation, f->change,
			    f->file, m->rebuild);
	else
		strbuf_addf(&b, "%s in %s and run: %s", f->change, f->file, m->rebuild);
	if (f->remark)
		strbuf_addf(&b, " %s", f->remark);
	return strbuf_take(&b, ret);
}

static int describe(const struct initramfs_reading *x, const struct initramfs_maker *m,
		    const struct initramfs_fsck *f, const char *root_type, struct initramfs *ret)
{
	_cleanup_free_ char *preparation = NULL;
	int err = describe_preparation(x->facts, f, &preparation);

	if (err >= 0)
		err = text_format(&ret->rebuild, "%s%s", preparation, m->rebuild);
	if (err < 0 || !f->is_contained)
		return err;
	ret->checks = find_checked(x->facts, root_type);
	return describe_cure(x->root, m, f, preparation, &ret->cure);
}

int initramfs_read(const struct rootfs *r, const struct facts *facts, const char *root_type,
		   struct initramfs *ret)
{
	const struct initramfs_reading x = { r, facts };
	const struct initramfs_maker *m = find_maker(r);
	struct initramfs_fsck fsck = { 0 };
	int err;

	*ret = (struct initramfs){ 0 };
	if (!m || is_bypassed(r, m))
		return 0;
	ret->name = m->name;
	ret->ignores_cmdline = m->ignores_cmdline;
	ret->leaves_trace = m->leaves_trace;
	err = m->look(&x, &fsck);
	if (err >= 0)
		err = describe(&x, m, &fsck, root_type, ret);
	free(fsck.file);
	return err < 0 ? err : 0;
}

void initramfs_done(struct initramfs *x)
{
	free(x->cure);
	free(x->rebuild);
	*x = (struct initramfs){ 0 };
}

int initramfs_has_checked(const struct rootfs *r)
{
	_cleanup_close_ int fd = rootfs_open_dir(r, "/run/initramfs");

	return fd == -EACCES ? fd : rootfs_has(r, "/run/initramfs", "fsck-root");
}

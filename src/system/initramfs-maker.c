/* SPDX-License-Identifier: MIT */
/* The programs that make an initramfs, and how each decides whether fsck is in it. */
#include "system/initramfs-maker.h"

#include <string.h>

#include "basic/file-system.h"
#include "software/setting.h"
#include "system/initramfs.h"

#define FILE_BYTES_MAX ((size_t)1024 * 1024)

bool initramfs_may_be_ext(const char *type)
{
	return !type || !*type || strcmp(type, "auto") == 0 || file_system_is_ext(type);
}

const struct fstab_entry *initramfs_find_usr(const struct facts *f)
{
	for (size_t i = 0; i < f->n_fstab; i++)
		if (strcmp(f->fstab[i].dir, "/usr") == 0 && initramfs_may_be_ext(f->fstab[i].type))
			return &f->fstab[i];
	return NULL;
}

/* struct off_switch - a variable that keeps fsck out of an initramfs */
struct off_switch {
	const char *name, *value;
	const char *line, *file; /* to add, and where */
	const char *edit; /* what to do in another file that sets it, as that may be read later */
};

/* fsck is in it unless the variable has that value. */
static int unless_off(const struct initramfs_files *files, const struct off_switch *off,
		      struct initramfs_fsck *ret)
{
	_cleanup_shell_variable_ struct shell_variable v = { .name = off->name };
	const char *file;
	int err = initramfs_files_variable(files, &v, NULL, &file);

	if (err < 0 || (v.value && strcmp(v.value, off->value) == 0))
		return err;
	ret->edit = file != NULL;
	ret->change = file ? off->edit : off->line;
	ret->file = strdup(file ? file : off->file);
	ret->is_contained = true;
	return ret->file ? 0 : -ENOMEM;
}

/* Since 0.142, the pass number in fstab no longer keeps fsck out; Debian 11 has 0.140. */
static bool knows_pass(const struct rootfs *r)
{
	_cleanup_free_ char *text = NULL;
	size_t n;

	return rootfs_read(r, "/usr/share/initramfs-tools/hooks/fsck", FILE_BYTES_MAX, &text, &n) <
		       0 ||
	       strstr(text, "\"$MNT_PASS\" != 0") != NULL;
}

/*
 * Its hook adds fsck for / and /usr if fstab has them, or for the types in FSTYPE=. Once it is there,
 * / is checked whatever fstab says.
 */
static int tools_contain(const struct initramfs_reading *x, const struct initramfs_files *files,
			 bool *ret)
{
	_cleanup_shell_variable_ struct shell_variable types = { .name = "FSTYPE" };
	const char *file;
	bool by_pass = knows_pass(x->root);
	int err = initramfs_files_variable(files, &types, NULL, &file);

	if (err < 0)
		return err;
	*ret = shell_variable_has(&types, "ext4") || shell_variable_has(&types, "ext3") ||
	       shell_variable_has(&types, "ext2");
	if (types.value && *types.value && !shell_variable_has(&types, "auto"))
		return 0;
	for (size_t i = 0; i < x->facts->n_fstab && !*ret; i++) {
		const struct fstab_entry *e = &x->facts->fstab[i];

		*ret = (strcmp(e->dir, "/") == 0 || e == initramfs_find_usr(x->facts)) &&
		       (!by_pass || e->passno != 0);
	}
	return 0;
}

/* With update_initramfs=no, update-initramfs -u does nothing, and exits with 0. */
static int look_at_update(const struct rootfs *r, struct initramfs_fsck *ret)
{
	_cleanup_initramfs_files_ struct initramfs_files files = { 0 };
	_cleanup_shell_variable_ struct shell_variable v = { .name = "update_initramfs" };
	const char *file;
	int err = initramfs_files_add(&files, r, "/etc/initramfs-tools/update-initramfs.conf");

	if (err >= 0)
		err = initramfs_files_variable(&files, &v, NULL, &file);
	if (err >= 0 && v.value && strcmp(v.value, "no") == 0)
		ret->preparation = "echo update_initramfs=yes "
				   ">>/etc/initramfs-tools/update-initramfs.conf && ";
	return err;
}

/* In the order of its init, which fastboot is for. */
static int look_at_tools(const struct initramfs_reading *x, struct initramfs_fsck *ret)
{
	static const struct initramfs_dirs dirs = {
		.list = { "/etc/initramfs-tools/conf.d", "/usr/share/initramfs-tools/conf.d" },
	};
	static const struct off_switch off = {
		"fastboot", "y", "fastboot=y", "/etc/initramfs-tools/conf.d/rofs", "set fastboot=y",
	};
	_cleanup_initramfs_files_ struct initramfs_files files = { 0 };
	bool contains = false;
	int err = look_at_update(x->root, ret);

	if (err >= 0)
		err = initramfs_files_add(&files, x->root, "/etc/initramfs-tools/initramfs.conf");

	if (err >= 0)
		err = initramfs_files_add_dirs(&files, x->root, &dirs);
	if (err >= 0)
		err = tools_contain(x, &files, &contains);
	if (err < 0 || !contains)
		return err;
	ret->remark = "(pass 0 in fstab is not enough since initramfs-tools 0.142)";
	return unless_off(&files, &off, ret);
}

/* fscks= names the programs to install, with or without a directory; empty: all. */
static bool installs_e2fsck(const struct shell_variable *programs)
{
	return !programs->value || programs->value[strspn(programs->value, " ")] == '\0' ||
	       strstr(programs->value, "fsck.ext") || strchr(programs->value, '*');
}

/* systemd in it checks the root of root=, whatever fstab says, if it finds the program. */
static int look_at_dracut(const struct initramfs_reading *x, struct initramfs_fsck *ret)
{
	static const struct initramfs_dirs dirs = {
		.list = { "/etc/dracut.conf.d", "/usr/lib/dracut/dracut.conf.d" },
		.suffix = ".conf",
		.by_version = true,
	};
	static const struct off_switch off = {
		"nofscks",
		"yes",
		"nofscks=\"yes\"",
		"/etc/dracut.conf.d/rofs.conf",
		"set nofscks=\"yes\"",
	};
	_cleanup_initramfs_files_ struct initramfs_files files = { 0 };
	_cleanup_shell_variable_ struct shell_variable programs = { .name = "fscks" },
						       omitted = { .name = "omit_dracutmodules" };
	const char *file;
	int err = initramfs_files_add(&files, x->root, "/etc/dracut.conf");

	if (err >= 0)
		err = initramfs_files_add_dirs(&files, x->root, &dirs);
	if (err >= 0)
		err = initramfs_files_variable(&files, &programs, NULL, &file);
	if (err >= 0)
		err = initramfs_files_variable(&files, &omitted, NULL, &file);
	if (err < 0 || !installs_e2fsck(&programs) || shell_variable_has(&omitted, "fs-lib"))
		return err;
	return unless_off(&files, &off, ret);
}

static int take_list(void *data, const char *value, _unused_ unsigned line)
{
	char **list = data;

	free(*list);
	*list = strdup(value);
	return *list ? 0 : -ENOMEM;
}

/* It runs fsck if that is among the files to install, which a comma separates. */
static int look_at_booster(const struct initramfs_reading *x, struct initramfs_fsck *ret)
{
	static const char path[] = "/etc/booster.yaml";
	static const struct setting extra = { .syntax = SETTING_LINES,
					      .file = path,
					      .key = "extra_files" };
	_cleanup_shell_variable_ struct shell_variable list = { 0 };
	const struct setting_visitor v = { .value = take_list, .data = &list.value };
	_cleanup_free_ char *text = NULL;
	size_t n;
	int err = rootfs_read(x->root, path, FILE_BYTES_MAX, &text, &n);

	if (err >= 0)
		err = setting_find(&extra, text, &v);
	if (err < 0)
		return err == -ENOMEM ? err : 0;
	if (!shell_variable_has(&list, "fsck") && !shell_variable_has(&list, "/usr/bin/fsck"))
		return 0;
	ret->is_contained = true;
	ret->change = "remove fsck from extra_files";
	ret->edit = true;
	ret->file = strdup(path);
	return ret->file ? 0 : -ENOMEM;
}

const struct initramfs_maker initramfs_makers[] = {
	/* The package of dracut brings an update-initramfs too. */
	{ "initramfs-tools",
	  "/usr/sbin/update-initramfs",
	  { "/etc/kernel/postinst.d/dracut", "/usr/share/kernel/postinst.d/dracut" },
	  look_at_tools,
	  .rebuild = "update-initramfs -u -k all",
	  .leaves_trace = true },
	{ "mkinitcpio",
	  "/usr/bin/mkinitcpio",
	  { NULL },
	  initramfs_mkinitcpio_look,
	  .rebuild = "mkinitcpio -P" },
	{ "dracut",
	  "/usr/bin/dracut",
	  { NULL },
	  look_at_dracut,
	  .rebuild = "dracut --regenerate-all --force" },
	{ "booster",
	  "/usr/bin/booster",
	  { NULL },
	  look_at_booster,
	  .rebuild = "/usr/lib/booster/regenerate_images",
	  .ignores_cmdline = true },
};
const size_t initramfs_n_makers = ELEMENTSOF(initramfs_makers);

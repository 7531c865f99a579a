/* SPDX-License-Identifier: MIT */
#include "transaction/superblock.h"

#include <fcntl.h>
#include <libmount.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "basic/macro.h"
#include "basic/text.h"

/* linux/mount.h since 5.2; it cannot be included beside sys/mount.h everywhere. */
#ifndef __NR_fsconfig
#define __NR_fsconfig 431
#endif
#ifndef __NR_fspick
#define __NR_fspick 433
#endif
#define PICK_CLOEXEC	   0x1u
#define PICK_NO_AUTOMOUNT  0x4u
#define PICK_EMPTY_PATH	   0x8u
#define CONFIG_SET_FLAG	   0u
#define CONFIG_SET_STRING  1u
#define CONFIG_RECONFIGURE 7u

static void mnt_unref_tablep(struct libmnt_table **t)
{
	mnt_unref_table(*t);
}

static void mnt_free_iterp(struct libmnt_iter **at)
{
	mnt_free_iter(*at);
}

static int pick(int fd)
{
	long fs = syscall(__NR_fspick, fd, "", PICK_CLOEXEC | PICK_NO_AUTOMOUNT | PICK_EMPTY_PATH);

	return fs < 0 ? -errno : (int)fs;
}

static int config(int fs, unsigned command, const char *key, const char *value)
{
	return syscall(__NR_fsconfig, fs, command, key, value, 0) < 0 ? -errno : 0;
}

/* Without the rest of an option that is cut off. */
static void copy_options(const char *options, struct superblock *ret)
{
	int n = snprintf(ret->options, sizeof(ret->options), "%s", options);
	char *last = strrchr(ret->options, ',');

	if ((size_t)n >= sizeof(ret->options) && last)
		*last = '\0';
}

static int look_at_mount(struct libmnt_fs *fs, struct superblock *ret)
{
	const char *type = mnt_fs_get_fstype(fs), *options = mnt_fs_get_fs_options(fs);
	dev_t device = mnt_fs_get_devno(fs);

	if (!type || !options)
		return -EBADMSG;
	snprintf(ret->device, sizeof(ret->device), "%u:%u", major(device), minor(device));
	snprintf(ret->type, sizeof(ret->type), "%s", type);
	copy_options(options, ret);
	ret->rw = superblock_has_option(ret, "rw");
	return 0;
}

/* Closes @fd. A negative one is returned. */
static int read_table(int fd, struct libmnt_table **ret)
{
	_cleanup_fclose_ FILE *f = fd < 0 ? NULL : fdopen(fd, "re");
	_cleanup_(mnt_unref_tablep) struct libmnt_table *table = NULL;

	if (!f)
		return fd < 0 ? fd : (close(fd), -ENOMEM);
	table = mnt_new_table();
	if (!table)
		return -ENOMEM;
	if (mnt_table_parse_stream(table, f, "/proc/self/mountinfo") != 0)
		return -EBADMSG;
	*ret = TAKE_PTR(table);
	return 0;
}

/* The next mount of @table; NULL after the last. */
static struct libmnt_fs *next_mount(struct libmnt_table *table, struct libmnt_iter *at)
{
	struct libmnt_fs *fs;

	return mnt_table_next_fs(table, at, &fs) == 0 ? fs : NULL;
}

static int open_mountinfo(void)
{
	int fd = open("/proc/self/mountinfo", O_RDONLY | O_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

int superblock_mount_id(int fdinfo_fd)
{
	static const char key[] = "mnt_id:";
	char text[256];
	const char *line;
	ssize_t n = read(fdinfo_fd, text, sizeof(text) - 1);

	if (n < 0)
		return -errno;
	text[n] = '\0';
	line = strstr(text, key);
	return line ? (int)strtol(line + strlen(key), NULL, 10) : -ENOENT;
}

static int mount_id(int fd)
{
	_cleanup_close_ int fdinfo_fd = -1;
	char path[64];

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
	fdinfo_fd = open(path, O_RDONLY | O_CLOEXEC);
	return fdinfo_fd < 0 ? -errno : superblock_mount_id(fdinfo_fd);
}

int superblock_look(int fd, struct superblock *ret)
{
	_cleanup_(mnt_unref_tablep) struct libmnt_table *table = NULL;
	_cleanup_(mnt_free_iterp) struct libmnt_iter *at = mnt_new_iter(MNT_ITER_FORWARD);
	int id = mount_id(fd), err = id < 0 ? id : read_table(open_mountinfo(), &table);
	struct libmnt_fs *fs;

	if (err < 0)
		return err;
	if (!at)
		return -ENOMEM;
	while ((fs = next_mount(table, at)) != NULL)
		if (mnt_fs_get_id(fs) == id)
			return look_at_mount(fs, ret);
	return -ENOENT;
}

static bool is_writable(struct libmnt_fs *fs, const struct superblock *s)
{
	const char *flags = mnt_fs_get_vfs_options(fs);
	struct superblock here;

	return look_at_mount(fs, &here) == 0 && strcmp(here.device, s->device) == 0 && flags &&
	       mnt_optstr_get_option(flags, "rw", NULL, NULL) == 0;
}

int superblock_each_writable(int mountinfo_fd, const struct superblock *s,
			     int (*each)(void *data, int id, const char *where), void *data)
{
	_cleanup_(mnt_unref_tablep) struct libmnt_table *table = NULL;
	_cleanup_(mnt_free_iterp) struct libmnt_iter *at = mnt_new_iter(MNT_ITER_FORWARD);
	int err = read_table(mountinfo_fd, &table);
	struct libmnt_fs *fs;

	if (err >= 0 && !at)
		err = -ENOMEM;
	while (err == 0 && (fs = next_mount(table, at)) != NULL)
		if (is_writable(fs, s))
			err = each(data, mnt_fs_get_id(fs), mnt_fs_get_target(fs));
	return err;
}

bool superblock_has_option(const struct superblock *s, const char *option)
{
	return mnt_optstr_get_option(s->options, option, NULL, NULL) == 0;
}

/* The kernel queues a line for each error: a letter, a blank, and the text. */
static void read_message(int fs, char **ret_why)
{
	char text[256];
	ssize_t n = read(fs, text, sizeof(text) - 1);

	if (n <= 2)
		return;
	text[n] = '\0';
	text[strcspn(text, "\n")] = '\0';
	if (text_printable(text + 2, ret_why) < 0)
		*ret_why = NULL;
}

static bool starts_lazy_init(const struct superblock *found)
{
	return strcmp(found->type, "ext4") == 0 && !superblock_has_option(found, "noinit_itable");
}

/* With another number than the default, ext4 shows it: "init_itable=20". */
static int restore_lazy_init(int fs, const struct superblock *found)
{
	const char *value = strstr(found->options, "init_itable=");
	char number[16];

	if (!value)
		return config(fs, CONFIG_SET_FLAG, "init_itable", NULL);
	snprintf(number, sizeof(number), "%s", value + strlen("init_itable="));
	number[strcspn(number, ",")] = '\0';
	return config(fs, CONFIG_SET_STRING, "init_itable", number);
}

static int configure_lazy_init(int fs, const struct superblock *found, bool rw)
{
	if (!starts_lazy_init(found))
		return 0;
	return rw ? config(fs, CONFIG_SET_FLAG, "noinit_itable", NULL) :
		    restore_lazy_init(fs, found);
}

/*
 * Then an fsync(2) of anybody commits the file system. A log tree would be replayed by the next mount
 * after a power cut, and if that fails, / cannot be mounted. Such faults have been found in many releases
 * of Linux, among them some that need no more than a rename and an fsync of the directory.
 */
static int configure_tree_log(int fs, const struct superblock *found, bool rw)
{
	if (strcmp(found->type, "btrfs") != 0 || superblock_has_option(found, "notreelog"))
		return 0;
	return config(fs, CONFIG_SET_FLAG, rw ? "notreelog" : "treelog", NULL);
}

/*
 * What a file system returns to its default unless a remount repeats it; NULL: each option. Of its
 * defaults, f2fs refuses some that differ from what was found: EINVAL. Seen from Linux 5.10 to 7.2.
 */
static const struct {
	const char *type, *option;
} forgotten[] = {
	{ "f2fs", NULL },
	{ "xfs", "inode32" },
	{ "btrfs", "noacl" },
};

static bool is_forgotten(const char *type, const char *option)
{
	for (size_t i = 0; i < ELEMENTSOF(forgotten); i++)
		if (strcmp(forgotten[i].type, type) == 0)
			return !forgotten[i].option || strcmp(forgotten[i].option, option) == 0;
	return false;
}

/* SELinux keeps its own, and a remount cannot change them. */
static bool is_of_security_module(const char *option)
{
	return strcmp(option, "seclabel") == 0 || text_ends_in(option, "context");
}

static int repeat_option(int fs, const struct superblock *found, const char *name,
			 const char *value)
{
	if (strcmp(name, "rw") == 0 || strcmp(name, "ro") == 0 || is_of_security_module(name) ||
	    !is_forgotten(found->type, name))
		return 0;
	return config(fs, value ? CONFIG_SET_STRING : CONFIG_SET_FLAG, name, value);
}

/* Nothing is allocated: it must be possible to make it read-only again without memory. */
static int repeat_options(int fs, const struct superblock *found)
{
	char options[sizeof(found->options)], *rest = options, *name, *value;
	size_t name_size, value_size;
	int err = 0;

	strcpy(options, found->options);
	while (err >= 0 &&
	       mnt_optstr_next_option(&rest, &name, &name_size, &value, &value_size) == 0) {
		name[name_size] = '\0';
		if (value)
			value[value_size] = '\0';
		err = repeat_option(fs, found, name, value);
	}
	return err;
}

static int reconfigure(int fd, const struct superblock *found, bool rw, bool repeat, char **ret_why)
{
	_cleanup_close_ int fs = pick(fd);
	int err = fs < 0 ? fs : config(fs, CONFIG_SET_FLAG, rw ? "rw" : "ro", NULL);

	if (err >= 0)
		err = configure_lazy_init(fs, found, rw);
	if (err >= 0)
		err = configure_tree_log(fs, found, rw);
	if (err >= 0 && repeat)
		err = repeat_options(fs, found);
	if (err >= 0)
		err = config(fs, CONFIG_RECONFIGURE, NULL, NULL);
	if (err < 0 && fs >= 0 && ret_why)
		read_message(fs, ret_why);
	return err;
}

/* An option that is shown but not accepted, such as one that was cut off, must not stop it. */
static int make(int fd, const struct superblock *found, bool rw, char **ret_why)
{
	_cleanup_free_ char *why = NULL;
	int err = reconfigure(fd, found, rw, true, &why);

	if (err != -EINVAL) {
		if (ret_why)
			*ret_why = TAKE_PTR(why);
		return err;
	}
	return reconfigure(fd, found, rw, false, ret_why);
}

int superblock_make_rw(int fd, const struct superblock *found, char **ret_why)
{
	return make(fd, found, true, ret_why);
}

int superblock_make_ro(int fd, const struct superblock *found)
{
	return make(fd, found, false, NULL);
}

/* SPDX-License-Identifier: MIT */
#include "basic/file-system.h"

#include <linux/magic.h>
#include <string.h>

#include "basic/macro.h"

/* Not in linux/magic.h, or not in that of older systems. */
#ifndef EXFAT_SUPER_MAGIC
#define EXFAT_SUPER_MAGIC 0x2011bab0
#endif
#define NTFS_MAGIC  0x5346544e
#define NTFS3_MAGIC 0x7366746e

static const struct file_system known[] = {
	{ "vfat", MSDOS_SUPER_MAGIC, LAYER_NEVER, true },
	{ "msdos", 0, LAYER_NEVER, true },
	{ "exfat", EXFAT_SUPER_MAGIC, LAYER_NEVER, true },
	{ "ntfs", NTFS_MAGIC, LAYER_NEVER, false },
	{ "ntfs3", NTFS3_MAGIC, LAYER_NEVER, false },
	{ "ntfs-3g", 0, LAYER_NEVER, false },
	{ "hfs", 0, LAYER_NEVER, false },
	{ "hfsplus", 0, LAYER_NEVER, false },
	{ "autofs", AUTOFS_SUPER_MAGIC, LAYER_NEVER, false },
	{ "ext4", EXT4_SUPER_MAGIC, LAYER_UNLESS_CASEFOLD, false },
	{ "f2fs", F2FS_SUPER_MAGIC, LAYER_UNLESS_CASEFOLD, false },
};
static const struct file_system other;

const struct file_system *file_system_by_name(const char *name)
{
	for (size_t i = 0; i < ELEMENTSOF(known); i++)
		if (strcmp(known[i].name, name) == 0)
			return &known[i];
	return &other;
}

const struct file_system *file_system_by_magic(unsigned long magic)
{
	for (size_t i = 0; i < ELEMENTSOF(known); i++)
		if (known[i].magic && known[i].magic == magic)
			return &known[i];
	return &other;
}

bool file_system_is_ext(const char *name)
{
	return strncmp(name, "ext", 3) == 0;
}

/* libblkid has one name for what several drivers mount. */
static const char *on_device(const char *name)
{
	if (strncmp(name, "ntfs", 4) == 0)
		return "ntfs";
	return strcmp(name, "msdos") == 0 ? "vfat" : name;
}

bool file_system_is_same(const char *one, const char *two)
{
	return (file_system_is_ext(one) && file_system_is_ext(two)) ||
	       strcmp(on_device(one), on_device(two)) == 0;
}

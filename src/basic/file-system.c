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
	{ .name = "vfat", .magic = MSDOS_SUPER_MAGIC, .layer = LAYER_NEVER, .no_owners = true },
	{ .name = "msdos", .layer = LAYER_NEVER, .no_owners = true },
	{ .name = "exfat", .magic = EXFAT_SUPER_MAGIC, .layer = LAYER_NEVER, .no_owners = true },
	{ .name = "ntfs", .magic = NTFS_MAGIC, .layer = LAYER_NEVER },
	{ .name = "ntfs3", .magic = NTFS3_MAGIC, .layer = LAYER_NEVER },
	{ .name = "hfs", .layer = LAYER_NEVER },
	{ .name = "hfsplus", .layer = LAYER_NEVER },
	{ .name = "hpfs", .magic = HPFS_SUPER_MAGIC, .layer = LAYER_NEVER },
	{ .name = "affs", .magic = AFFS_SUPER_MAGIC, .layer = LAYER_NEVER },
	{ .name = "adfs", .magic = ADFS_SUPER_MAGIC, .layer = LAYER_NEVER },
	{ .name = "apfs", .layer = LAYER_NEVER },
	{ .name = "autofs", .magic = AUTOFS_SUPER_MAGIC, .layer = LAYER_NEVER, .no_device = true },
	{ .name = "ext4", .magic = EXT4_SUPER_MAGIC, .layer = LAYER_UNLESS_CASEFOLD },
	{ .name = "f2fs", .magic = F2FS_SUPER_MAGIC, .layer = LAYER_UNLESS_CASEFOLD },

	{ .name = "cramfs", .read_only = true },
	{ .name = "erofs", .read_only = true },
	/* With the extension Joliet, unless it has those of Rock Ridge too. */
	{ .name = "iso9660",
	  .magic = ISOFS_SUPER_MAGIC,
	  .layer = LAYER_UNLESS_CASEFOLD,
	  .read_only = true },
	{ .name = "romfs", .read_only = true },
	{ .name = "squashfs", .read_only = true },

	{ .name = "9p", .no_device = true },
	{ .name = "aufs", .no_device = true },
	{ .name = "devtmpfs", .no_device = true },
	{ .name = "ecryptfs", .no_device = true },
	{ .name = "none", .no_device = true },
	{ .name = "overlay", .no_device = true },
	{ .name = "proc", .no_device = true },
	{ .name = "ramfs", .no_device = true },
	{ .name = "sysfs", .no_device = true },
	{ .name = "tmpfs", .no_device = true },
	{ .name = "vboxsf", .no_device = true },
	{ .name = "virtiofs", .no_device = true },

	/* Of the kernel. */
	{ .name = "afs", .needs = NEEDS_NETWORK, .is_remote = true },
	{ .name = "ceph", .needs = NEEDS_NETWORK, .is_remote = true },
	{ .name = "cifs", .needs = NEEDS_NETWORK, .is_remote = true },
	{ .name = "coda", .needs = NEEDS_NETWORK },
	{ .name = "gfs", .needs = NEEDS_NETWORK, .is_remote = true },
	{ .name = "gfs2", .needs = NEEDS_NETWORK, .is_remote = true },
	{ .name = "ncp", .needs = NEEDS_NETWORK, .is_remote = true },
	{ .name = "ncpfs", .needs = NEEDS_NETWORK, .is_remote = true },
	{ .name = "nfs", .needs = NEEDS_NETWORK, .is_remote = true },
	{ .name = "nfs4", .needs = NEEDS_NETWORK, .is_remote = true },
	{ .name = "ocfs2", .needs = NEEDS_NETWORK, .is_remote = true },
	{ .name = "orangefs", .needs = NEEDS_NETWORK },
	{ .name = "pvfs2", .needs = NEEDS_NETWORK, .is_remote = true },
	{ .name = "smb3", .needs = NEEDS_NETWORK, .is_remote = true },
	{ .name = "smbfs", .needs = NEEDS_NETWORK, .is_remote = true },
	/* With a module or a client of their own. */
	{ .name = "auristorfs", .needs = NEEDS_NETWORK },
	{ .name = "beegfs", .needs = NEEDS_NETWORK },
	{ .name = "fhgfs", .needs = NEEDS_NETWORK },
	{ .name = "gpfs", .needs = NEEDS_NETWORK },
	{ .name = "lustre", .needs = NEEDS_NETWORK, .is_remote = true },
	{ .name = "panfs", .needs = NEEDS_NETWORK },
	{ .name = "wekafs", .needs = NEEDS_NETWORK },
	/* Served by a daemon that talks to another machine. */
	{ .name = "blobfuse", .needs = NEEDS_NETWORK },
	{ .name = "blobfuse2", .needs = NEEDS_NETWORK },
	{ .name = "ceph-fuse", .needs = NEEDS_NETWORK },
	{ .name = "cosfs", .needs = NEEDS_NETWORK },
	{ .name = "curlftpfs", .needs = NEEDS_NETWORK },
	{ .name = "cvmfs", .needs = NEEDS_NETWORK },
	{ .name = "cvmfs2", .needs = NEEDS_NETWORK },
	{ .name = "davfs", .needs = NEEDS_NETWORK, .is_remote = true },
	{ .name = "davfs2", .needs = NEEDS_NETWORK },
	{ .name = "gcsfuse", .needs = NEEDS_NETWORK },
	{ .name = "glusterfs", .needs = NEEDS_NETWORK, .is_remote = true },
	{ .name = "goofys", .needs = NEEDS_NETWORK },
	{ .name = "hadoop-fuse-dfs", .needs = NEEDS_NETWORK },
	{ .name = "httpfs", .needs = NEEDS_NETWORK },
	{ .name = "httpfs2", .needs = NEEDS_NETWORK },
	{ .name = "juicefs", .needs = NEEDS_NETWORK },
	{ .name = "lizardfs", .needs = NEEDS_NETWORK },
	{ .name = "mfs", .needs = NEEDS_NETWORK },
	{ .name = "mfsmount", .needs = NEEDS_NETWORK },
	{ .name = "moosefs", .needs = NEEDS_NETWORK },
	{ .name = "mount-s3", .needs = NEEDS_NETWORK },
	{ .name = "obsfs", .needs = NEEDS_NETWORK },
	{ .name = "ossfs", .needs = NEEDS_NETWORK },
	{ .name = "quobyte", .needs = NEEDS_NETWORK },
	{ .name = "rclone", .needs = NEEDS_NETWORK },
	{ .name = "s3fs", .needs = NEEDS_NETWORK },
	{ .name = "s3ql", .needs = NEEDS_NETWORK },
	{ .name = "saunafs", .needs = NEEDS_NETWORK },
	{ .name = "seaweedfs", .needs = NEEDS_NETWORK },
	{ .name = "smbnetfs", .needs = NEEDS_NETWORK },
	{ .name = "sshfs", .needs = NEEDS_NETWORK, .is_remote = true },
	{ .name = "weed", .needs = NEEDS_NETWORK },
	/* Of this machine, by the names of their mount.TYPE programs; any other is fuse.TYPE. */
	{ .name = "bindfs", .needs = NEEDS_DAEMON, .no_device = true },
	{ .name = "encfs", .needs = NEEDS_DAEMON, .no_device = true },
	{ .name = "exfat-fuse", .layer = LAYER_NEVER, .no_owners = true, .needs = NEEDS_DAEMON },
	{ .name = "gocryptfs", .needs = NEEDS_DAEMON, .no_device = true },
	{ .name = "lowntfs-3g", .layer = LAYER_NEVER, .needs = NEEDS_DAEMON },
	{ .name = "mergerfs", .needs = NEEDS_DAEMON, .no_device = true },
	{ .name = "mhddfs", .needs = NEEDS_DAEMON, .no_device = true },
	{ .name = "ntfs-3g", .layer = LAYER_NEVER, .needs = NEEDS_DAEMON },
	{ .name = "unionfs", .needs = NEEDS_DAEMON, .no_device = true },
	{ .name = "unionfs-fuse", .needs = NEEDS_DAEMON, .no_device = true },
	{ .name = "vmhgfs", .needs = NEEDS_DAEMON, .no_device = true },
	/* zfs-import-*.service */
	{ .name = "zfs", .needs = NEEDS_SERVICES },
};
/* Not with FUSE itself: virtiofs, and 9p without the network, are there from the start. */
static const struct file_system fuse = { .needs = NEEDS_DAEMON };
static const struct file_system other;

static const struct file_system *find(const char *name, size_t n)
{
	for (size_t i = 0; i < ELEMENTSOF(known); i++)
		if (strlen(known[i].name) == n && strncmp(known[i].name, name, n) == 0)
			return &known[i];
	return NULL;
}

/* What follows the name of FUSE: "" or ".TYPE". NULL: another type. */
static const char *after_fuse(const char *type)
{
	static const char *const names[] = { "fuse", "fuse3", "fuseblk" };

	for (size_t i = 0; i < ELEMENTSOF(names); i++) {
		size_t n = strlen(names[i]);

		if (strncmp(type, names[i], n) == 0 && (!type[n] || type[n] == '.'))
			return type + n;
	}
	return NULL;
}

/* The type of what FUSE mounts may be that of a driver of the kernel, which is not used then. */
static const struct file_system *find_fuse(const char *name, size_t n)
{
	const struct file_system *found = find(name, n);

	return found && found->needs != NEEDS_NOTHING ? found : &fuse;
}

const struct file_system *file_system_by_name(const char *name)
{
	const char *rest = after_fuse(name);
	const struct file_system *found;

	if (rest)
		return *rest ? find_fuse(rest + 1, strlen(rest + 1)) : &fuse;
	found = find(name, strlen(name));
	return found ? found : &other;
}

/* The first field is PROGRAM or PROGRAM#SOURCE, and the program may be named by its path. */
static const struct file_system *find_program(const char *spec)
{
	const char *name = spec, *end = spec + strcspn(spec, "#");

	for (const char *s = spec; s < end; s++)
		if (*s == '/')
			name = s + 1;
	return find_fuse(name, (size_t)(end - name));
}

/* What mount(8) takes auto for where there is no such file; in a label, the colon is behind the "=". */
static const char *guess_type(const char *spec)
{
	if (strncmp(spec, "//", 2) == 0)
		return "cifs";
	return spec[0] != '/' && spec[strcspn(spec, ":=")] == ':' ? "nfs" : "auto";
}

const struct file_system *file_system_by_spec(const char *spec, const char *type)
{
	const char *rest = after_fuse(type);

	if (strcmp(type, "auto") == 0)
		return file_system_by_name(guess_type(spec));
	return rest && !*rest ? find_program(spec) : file_system_by_name(type);
}

bool file_system_is_remote(const char *type)
{
	static const char fuse_type[] = "fuse.";
	size_t n = strlen(fuse_type);
	const struct file_system *found;

	type += strncmp(type, fuse_type, n) == 0 ? n : 0;
	found = find(type, strlen(type));
	return found && found->is_remote;
}

const char *file_system_needs_to_string(enum file_system_needs needs)
{
	static const char *const how[] = {
		[NEEDS_NOTHING] = "",
		[NEEDS_NETWORK] = "from the network",
		[NEEDS_DAEMON] = "through a daemon",
		[NEEDS_SERVICES] = "when services have imported its devices",
	};
	_Static_assert(ELEMENTSOF(how) == _NEEDS_MAX, "a phrase for each");

	return how[needs];
}

const struct file_system *file_system_by_magic(unsigned long magic)
{
	for (size_t i = 0; i < ELEMENTSOF(known); i++)
		if (known[i].magic && known[i].magic == magic)
			return &known[i];
	return &other;
}

bool file_system_is_on_device(const char *name)
{
	const struct file_system *f = file_system_by_name(name);

	/* The daemon may be the driver, as of ntfs-3g. */
	return !f->no_device && (f->needs == NEEDS_NOTHING || f->needs == NEEDS_DAEMON);
}

bool file_system_is_never_written(const char *name)
{
	return file_system_by_name(name)->read_only;
}

bool file_system_holds_uppers(const char *name)
{
	const struct file_system *f = file_system_by_name(name);

	/* What overlayfs renames to hide a file, daemons do not know (RENAME_WHITEOUT). */
	return f->layer != LAYER_NEVER && !f->read_only && f->needs == NEEDS_NOTHING;
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

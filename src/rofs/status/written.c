/* SPDX-License-Identifier: MIT */
#include "rofs/status/written.h"

#include <string.h>

#include "basic/text.h"
#include "plan/bootmode.h"
#include "rofs/status/replayed.h"
#include "system/initramfs.h"

#define OR_SKIP                                                                           \
	"; or add fsck.mode=skip to the kernel command line, with which no partition is " \
	"checked either"

static int why_checked(const struct initramfs *x, char **ret)
{
	if (x->checks)
		return text_format(ret,
				   "fsck in the initramfs has checked it; boot with rofs=off and "
				   "%s%s",
				   x->cure, x->ignores_cmdline ? "" : OR_SKIP);
	if (x->rebuild)
		return text_format(ret,
				   "fsck in the initramfs has checked it, which its configuration "
				   "no longer asks for; boot with rofs=off and run: %s",
				   x->rebuild);
	return text_format(ret, "fsck in the initramfs has checked it" OR_SKIP);
}

/* / may be of a type that fsck leaves alone, and /usr not. */
static bool checks_root(const struct initramfs *x, const char *cmdline)
{
	return x->checks && strcmp(x->checks, "/usr") != 0 &&
	       (x->ignores_cmdline || !boot_skips_fsck(cmdline));
}

/* Where there is no trace, its configuration says what it has probably done. */
static bool has_checked(const struct loaded *l, const struct initramfs *x)
{
	int trace = initramfs_has_checked(&l->root);

	return trace > 0 || ((trace < 0 || !x->leaves_trace) && checks_root(x, l->cmdline));
}

/* A full fsck writes even if / is mounted read-only. NULL: there was none. */
static int why_forced(const struct loaded *l, const char *root_type, char **ret)
{
	const char *word = boot_forces_fsck(l->cmdline);

	*ret = NULL;
	if (!initramfs_may_be_ext(root_type))
		return 0;
	if (word)
		return text_format(ret,
				   "%s on the kernel command line has forced a full fsck; "
				   "remove %s",
				   word, word);
	if (!rootfs_has(&l->root, "/", "forcefsck"))
		return 0;
	return text_format(ret, "the file /forcefsck has forced a full fsck; boot "
				"with rofs=off and delete it");
}

int written_why(const struct loaded *l, const char *device, const char *root_type, char **ret)
{
	_cleanup_initramfs_ struct initramfs x = { 0 };
	int err = initramfs_read(&l->root, &l->facts, root_type, &x);

	*ret = NULL;
	if (err < 0)
		return err;
	if (has_checked(l, &x))
		return why_checked(&x, ret);
	if (replayed(l->root.root_fd, device))
		return text_format(ret, "the kernel has replayed its journal, as the machine was "
					"not shut down properly in a boot in which / was writable");
	err = why_forced(l, root_type, ret);
	if (err < 0 || *ret)
		return err;
	if (boot_mounts_writable(l->cmdline))
		return text_format(ret, "rw on the kernel command line has mounted it writable, "
					"until systemd remounted it; boot with ro instead");
	return 0;
}

/* SPDX-License-Identifier: MIT */
#pragma once

#include "basic/diag.h"
#include "conf/conf.h"
#include "plan/bootmode.h"
#include "plan/facts.h"
#include "system/fstab-read.h"

/**
 * facts_read_boot - read which kind of boot this is
 * @ret_cmdline: the kernel command line; the caller frees it, and @ret points into it
 *
 * Reads /proc/cmdline and /etc/initrd-release. A command line that cannot be read is reported and counts as empty. The
 * presence of the file decides whether this is an initrd, as systemd 247 does not tell generators.
 *
 * Returns: 0 or -ENOMEM.
 */
int facts_read_boot(const struct rootfs *r, struct diag *d, char **ret_cmdline, struct boot *ret);

/**
 * facts_read_cmdline - what the kernel command line says of the root file system
 *
 * Returns: 0 or -ENOMEM.
 */
int facts_read_cmdline(const char *cmdline, struct facts *f);

/**
 * facts_read - read what else the plan needs to know of the system
 * @m:    of fstab_read()
 * @conf: whose paths are looked up
 * @f:    of fstab_read(); the caller frees it, also after a failure
 *
 * Returns: 0 or -ENOMEM.
 */
int facts_read(const struct rootfs *r, const struct mount_points *m, const struct conf *conf,
	       struct facts *f);

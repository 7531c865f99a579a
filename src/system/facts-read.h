/* SPDX-License-Identifier: MIT */
#pragma once

#include "basic/diag.h"
#include "conf/conf.h"
#include "plan/bootmode.h"
#include "plan/facts.h"
#include "system/rootfs.h"

/**
 * facts_read_boot - does rofs act in this boot?
 * @ret_cmdline: the kernel command line; the caller frees it, and @ret points into it
 *
 * Reads /proc/cmdline and /etc/initrd-release; an unreadable command line counts as empty. systemd
 * 247 does not tell generators whether they run in an initrd, so the file is what decides.
 *
 * Returns: 0 or -ENOMEM.
 */
int facts_read_boot(const struct rootfs *r, char **ret_cmdline, struct boot *ret);

/**
 * facts_read - look at what the plan needs to know
 * @conf: whose paths are looked up
 * @d:    receives what could not be read (an fstab that is a directory, say)
 * @ret:  set on success
 *
 * Returns: 0 or -ENOMEM.
 */
int facts_read(const struct rootfs *r, const struct conf *conf, struct diag *d, struct facts *ret);

/* SPDX-License-Identifier: MIT */
#pragma once

#include "basic/diag.h"
#include "conf/conf.h"
#include "plan/bootmode.h"
#include "plan/facts.h"
#include "system/rootfs.h"

/**
 * facts_read_boot - read which kind of boot this is
 * @ret_cmdline: the kernel command line; the caller frees it, and @ret points into it
 *
 * Reads /proc/cmdline and /etc/initrd-release. An unreadable command line counts as empty. The
 * presence of the file decides whether this is an initrd, as systemd 247 does not tell generators.
 *
 * Returns: 0 or -ENOMEM.
 */
int facts_read_boot(const struct rootfs *r, char **ret_cmdline, struct boot *ret);

/**
 * facts_read - read what the plan needs to know of the system
 * @conf: whose paths are looked up
 * @d:    receives what could not be read, such as an fstab that is a directory
 * @ret:  set on success
 *
 * Returns: 0 or -ENOMEM.
 */
int facts_read(const struct rootfs *r, const struct conf *conf, struct diag *d, struct facts *ret);

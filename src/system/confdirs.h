/* SPDX-License-Identifier: MIT */
#pragma once

#include "basic/diag.h"
#include "conf/conf.h"
#include "system/rootfs.h"

/**
 * confdirs_read - find and read all configuration files of a system
 * @conf: after conf_init()
 * @d:    receives the mistakes in the files, and each file or directory that cannot be read
 *
 * Reads rofs.conf in the first of /etc, /run, /usr/local/lib and /usr/lib that has it, then
 * rofs.conf.d/ *.conf of all four, sorted by file name. Of several files with the same name, only
 * the one in the first of these directories counts: it masks the others, also as a link to
 * /dev/null or as an empty file. Then runs conf_check().
 *
 * Returns: 0 (also with mistakes) or -ENOMEM.
 */
int confdirs_read(const struct rootfs *r, struct conf *conf, struct diag *d);

/** confdirs_read_dropins - the same, but only those of rofs.conf.d, and without conf_check() */
int confdirs_read_dropins(const struct rootfs *r, struct conf *conf, struct diag *d);

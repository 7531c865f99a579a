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
 * The first of /etc, /run, /usr/local/lib, /usr/lib that has rofs.conf, then rofs.conf.d/ *.conf of
 * all four in the order of the file names; of the same name the one in the higher directory. A link
 * to /dev/null or an empty file masks. Ends with conf_check().
 *
 * Returns: 0 (also with mistakes) or -ENOMEM.
 */
int confdirs_read(const struct rootfs *r, struct conf *conf, struct diag *d);

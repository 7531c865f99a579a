/* SPDX-License-Identifier: MIT */
#pragma once

#include "basic/strbuf.h"

/*
 * The flags that restrict what a mount allows. What is mounted from a file system has them too: an
 * overlay is a file system of its own, which the kernel does not give the flags of its layers.
 */
enum mount_flag {
	MOUNT_NOSUID = 1 << 0,
	MOUNT_NODEV = 1 << 1,
	MOUNT_NOEXEC = 1 << 2,
	MOUNT_NOSYMFOLLOW = 1 << 3, /* of Linux 5.10 */
	MOUNT_READ_ONLY = 1 << 4,
};

/** mount_flags - those that a list of mount options sets in the end, as mount(8) reads it */
unsigned mount_flags(const char *options);

/** mount_flags_named - those that a list of mount options sets or clears */
unsigned mount_flags_named(const char *options);

/** mount_flags_add - write them as options, each with a comma before it unless @b is empty */
void mount_flags_add(struct strbuf *b, unsigned flags);

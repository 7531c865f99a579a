/* SPDX-License-Identifier: MIT */
#pragma once

/**
 * caches_drop - make the kernel forget unused names and inodes; proc_sys_vm(5)
 *
 * The overlays keep what they have looked up in the lower. Afterwards, the running system sees what a transaction has
 * put there, except where it has a copy in the upper or the old file open. It may also let go of deleted files that
 * keep a superblock writable. Pages stay cached. In a container that may not do it, only a reboot has these effects.
 */
void caches_drop(int root_fd);

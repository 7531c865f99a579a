/* SPDX-License-Identifier: MIT */
#pragma once

/**
 * mkfs_run - make a file system with mkfs.TYPE
 *
 * What it prints is dropped; its errors go to our standard error.
 *
 * Returns: 0; -EIO when it has failed; or -errno: it could not be run.
 */
int mkfs_run(const char *type, const char *device);

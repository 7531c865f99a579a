/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The attributes of a directory are kept by another directory, which is empty: a template. So each of
 * them is copied as that of a file is, and nothing of them has to be put into words.
 */

/**
 * directory_take_attributes - give a directory mode, owner, times, ACLs, extended attributes and flags of another one
 * @from_fd, @from: the template; "" is the directory @from_fd itself
 * @to_fd, @to:     the directory
 *
 * Extended attributes that the template lacks are removed, but for those of overlayfs. The flags
 * immutable and append-only are left out; the directory must not have them.
 *
 * Returns: 0 or -errno.
 */
int directory_take_attributes(int from_fd, const char *from, int to_fd, const char *to);

/** directory_save_attributes - make a template of a directory. Returns: 0 or -errno. */
int directory_save_attributes(int from_fd, const char *from, int to_fd, const char *to);

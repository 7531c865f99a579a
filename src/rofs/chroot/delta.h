/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "basic/overlay-attributes.h"
#include "layer/upper.h"

/*
 * What a command in the chroot has changed on one file system, as it is switched: one entry for a file, or
 * for a directory with all that is below it.
 */

enum delta_kind {
	DELTA_NEW,	  /* takes the place of what is at the path, or nothing is there */
	DELTA_GONE,	  /* what is at the path is removed */
	DELTA_ATTRIBUTES, /* a directory that exists in both gets other attributes */
};

/** struct delta_entry - one path, without slash at the beginning; "" is the root directory */
struct delta_entry {
	enum delta_kind kind;
	char *path;
};

/** struct delta - all of one file system, and their sum */
struct delta {
	struct delta_entry *entries;
	size_t n;
	char **left_out; /* paths that are never switched, though the command has changed them */
	size_t n_left_out;
	uint64_t added, changed, removed; /* files; a directory that is removed counts as one */
	uint64_t bytes;			  /* of the content of new files */
};

/**
 * delta_read - compare an upper layer, to which nothing writes any more, with its lower layer
 * @is_root:   of the root file system: machine-id and others are left out
 * @ret:       all-zero; delta_done() frees it, also after a failure
 * @ret_where: what could not be read, on failure; the caller frees it; may be NULL still
 *
 * What was copied up and does not differ is left out, unless it has several names. Sockets are left out.
 *
 * Returns: 0 or -errno.
 */
int delta_read(int upper_fd, int lower_fd, bool is_root, struct delta *ret, char **ret_where);
void delta_done(struct delta *c);

/**
 * delta_clean - make the upper layer fit to be a part of the lower
 *
 * In all that will be switched, whiteouts, sockets and the attributes of overlayfs are removed, and the
 * flags that overlayfs keeps in an attribute are set. Counts @c->bytes and the files in new directories.
 *
 * Returns: 0 or -errno.
 */
int delta_clean(int upper_fd, struct delta *c);

/* Its value has a letter for each flag; fs/overlayfs/util.c, ovl_check_protattr(), since Linux 5.15. */
#define OVERLAY_ATTRIBUTE_FLAGS OVERLAY_ATTRIBUTE_PREFIX "protattr"
#define DELTA_LETTERS_MAX	16u

/** delta_flags_of_letters - the flags of chattr(1) for this value; none where @n is negative */
unsigned delta_flags_of_letters(const char *letters, ssize_t n);

/** delta_flags - as chattr_read(), of an open file of an upper layer, with those that are in the attribute */
unsigned delta_flags(int fd);

/** delta_locks_differ - has the file become immutable or append-only, or is it no more? */
bool delta_locks_differ(const struct upper_entry *e);

/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include <time.h>

#include "basic/macro.h"

/*
 * Where a transaction works on one file system: the directory of transactions in its root, the
 * directory of this one in that, and its files, by descriptors.
 */

/** struct place_parent - the directory that was opened last: most paths are in that of the one before */
struct place_parent {
	int from_fd; /* where @dir begins */
	char *dir;
	int fd;
	uint32_t project; /* that it gives to what is made in it, */
	int has_project;  /* if this is 1; 0: it gives none; -1: nobody has asked yet */
};

/** struct place - all-zero but for the descriptors, -1: PLACE_INIT */
struct place {
	int root_fd; /* root directory of the file system, on the mount that can be written; borrowed; -1: it is not here */
	int base_fd; /* the directory of transactions */
	int dir_fd;  /* that of this transaction, whatever its name is at the moment */
	dev_t dev;
	struct place_parent parent, slot_parent;
};

#define PLACE_INIT                                                          \
	{                                                                   \
		.root_fd = -1, .base_fd = -1, .dir_fd = -1,                 \
		.parent = { .fd = -1, .has_project = -1 }, .slot_parent = { \
			.fd = -1                                            \
		}                                                           \
	}

/**
 * place_open - open the directory of transactions, and make it if it is not there
 * @root_fd: root directory of the file system; borrowed
 * @name:    WINDOW_ROOT_DIR or WINDOW_OTHER_DIR
 *
 * The time of the root directory does not change.
 *
 * Returns: 0, -EPERM if it is not a directory of root that nobody else may enter, or another -errno.
 */
int place_open(struct place *p, int root_fd, const char *name);
void place_done(struct place *p);

/**
 * place_path - open the directory that a path of the file system is in
 * @path:     below the root directory; "" is that itself
 * @ret_name: the last component, a part of @path; "" for the root directory
 *
 * Returns: a descriptor (O_PATH), valid until the next call, -EXDEV: on another file system or subvolume, -ELOOP:
 * through a link, or another -errno.
 */
int place_path(struct place *p, const char *path, const char **ret_name);

/**
 * place_slot - the same for a slot
 * @slot: below the directory of transactions. One that begins with "staging" is in @p->dir_fd, however that is called now.
 */
int place_slot(struct place *p, const char *slot, const char **ret_name);

/** place_slot_name - the part of a slot below the directory of its transaction, NULL if it names another one's */
const char *place_slot_name(const char *slot);

/** place_dir_length - the number of bytes of the directory that a path is in, 0: the root directory */
size_t place_dir_length(const char *path);

/** struct place_file - what is at a path */
struct place_file {
	bool exists;
	mode_t mode;
	uint64_t inode; /* 0: nothing */
	unsigned flags; /* enum record_flag */
	dev_t dev;
	struct timespec mtime;
};

/** place_look - look at a name, "" being the directory itself. Returns: 0 or -errno. */
int place_look(int dir_fd, const char *name, struct place_file *ret);

/** place_set_mtime - the time of the last change of a file; tv_nsec may be UTIME_OMIT. Returns: 0 or -errno. */
int place_set_mtime(int dir_fd, const char *name, const struct timespec *mtime);

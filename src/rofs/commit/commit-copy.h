/* SPDX-License-Identifier: MIT */
#pragma once

#include "layer/copy-file.h"
#include "layer/descent.h"
#include "layer/inodes.h"
#include "rofs/commit/commit.h"
#include "rofs/ui/progress.h"
#include "transaction/stage.h"

/* For commit-write.c: copies from the merged views into slots, and what is to be done with each path. */

struct commit_level;

/** struct commit_link - a file of which several names are copied */
struct commit_link {
	size_t left; /* names that are still to come */
	unsigned flags; /* that it gets with the last name: with some of them, it would get no further one */
	bool copied;  /* it has a name in the directory for links */
	dev_t device; /* of the merged file that was copied */
	ino_t inode;
};

/** struct commit_writer - one transaction. COMMIT_WRITER_INIT() begins it. */
struct commit_writer {
	struct commit *commit;
	struct window *window;
	struct stage *stage;
	struct progress progress;
	struct descent at; /* the merged directory, and the copy of it that is being made */
	struct commit_level *levels; /* one for each directory of @at */
	struct inodes linked;	     /* files of which several names are copied */
	struct commit_link *links;   /* one for each of these */
	struct path_text path;
	/* Of the file that is being copied. */
	unsigned flags;
	size_t returns;	      /* of deep directories that were moved away */
	unsigned leased_msec; /* it has waited for leases so far */
	bool has_writer;
	int failed; /* -errno: the attempt during which it was changed */
	dev_t device;
	ino_t inode;
};

#define COMMIT_WRITER_INIT(c_)                     \
	{                                          \
		.commit = (c_), .at = DESCENT_INIT \
	}

void commit_writer_done(struct commit_writer *w);

/** commit_where - mount point of the file system that the lower of @o is on; borrowed */
const char *commit_where(const struct commit *c, const struct plan_overlay *o);

/**
 * commit_lower_path - the path of @item on the file system of its lower
 * @ret: without slash at the beginning, "." for its root; the caller frees it
 *
 * Returns: 0 or -ENOMEM.
 */
int commit_lower_path(struct commit_writer *w, const struct commit_item *item, char **ret);

/**
 * commit_report - say that something about @item has failed
 * @f: may be all-zero
 *
 * Returns: @err. Of -EINTR, nothing is said.
 */
int commit_report(struct commit_writer *w, const struct commit_item *item, const struct failure *f,
		  int err);

/**
 * commit_fail - leave @item out, and all in it, where that is why it cannot be written; else commit_report()
 * @fd: on the file system of the copy
 *
 * It has an attribute, a size, a target or a name that the file system cannot hold: any user can make such a file. If
 * there is no room, or the medium fails, that is not about @item.
 *
 * Returns: -ENOENT when it is left out, which is said, else another -errno.
 */
int commit_fail(struct commit_writer *w, const struct commit_item *item, int fd,
		const struct failure *f, int err);

/** commit_lose - leave @item out, with all that is in it and not copied yet, as it was moved away */
void commit_lose(struct commit_writer *w, const struct commit_item *item);

/** commit_count_links - find out which files get several names. Returns: 0 or -ENOMEM. */
int commit_count_links(struct commit_writer *w);

/**
 * commit_copy_file - copy what is no directory from the current merged directory
 * @fs:     file system of the copy
 * @to_dir: the directory that gets the name @to
 *
 * Returns: 0, -ENOENT (there is no such file any more), or another -errno; reported.
 */
int commit_copy_file(struct commit_writer *w, const struct commit_item *item, size_t fs, int to_dir,
		     const char *to);

/**
 * commit_stage - copy and stage all items
 *
 * Returns: 0, -EINTR (a signal), -EPERM or another -errno, which is reported.
 */
int commit_stage(struct commit_writer *w);

/* SPDX-License-Identifier: MIT */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "layer/copy-tree.h"
#include "transaction/record.h"
#include "transaction/window.h"

/*
 * One transaction: everything is staged in a directory on the file system that is changed, then the
 * mark is set by one rename, then each path is switched by one rename. Up to the mark, the flash is as
 * before; after it, a power cut leaves a transaction that the next boot finishes.
 *
 * On the root file system: /rofs/staging/ -> /rofs/commit/ (the mark) -> /rofs/kept.N/. On another lower:
 * .rofs/staging.N -> .rofs/kept.N; that is finished if and only if the root has commit/ of that N, or pending.N: what
 * commit/ becomes where it could be finished on the root, but another file system was not mounted yet.
 */

struct stage;

/** struct stage_about - for the record; borrowed */
struct stage_about {
	enum transaction_kind kind;
	uid_t uid;
	const char *user;    /* name of @uid, for rofs log; may be NULL */
	const char *command; /* as typed */
	unsigned undoes;     /* TRANSACTION_UNDO: number of the transaction that is put back */
};

/** struct slot - a name in the staging directory that nothing has yet */
struct slot {
	int dir_fd; /* borrowed from the stage */
	char name[24];
	char path[64]; /* the same for stage_new(): "staging/slots/17" */
};

/**
 * stage_begin - begin a transaction
 * @w:       borrowed until stage_done()
 * @ret_why: a sentence, with -EPERM
 *
 * First removes what earlier boots have left: kept.N of an earlier boot, and a staging directory of a run that died;
 * and of this boot, unless this is an undo, what superseded.h says.
 * Refused while commit/ exists (a transaction that was not finished: a reboot does that). What is pending on the file
 * systems of the window is finished first.
 *
 * Returns: 0, -EPERM with @ret_why, or another -errno.
 */
int stage_begin(struct window *w, const struct stage_about *about, struct stage **ret,
		char **ret_why);

/** stage_slot - a new slot on file system @fs. Returns: 0 or -errno. */
int stage_slot(struct stage *s, size_t fs, struct slot *ret);

/** stage_links_fd - a directory for copy_tree(), on file system @fs; borrowed */
int stage_links_fd(struct stage *s, size_t fs);

/** stage_dir_fd - the staging directory of @fs, for what is not in slots: the upper of a chroot; borrowed */
int stage_dir_fd(struct stage *s, size_t fs);

/**
 * stage_room - is there room for this on file system @fs, beside what is there?
 * @ret_why: a sentence with what is needed and what is free
 *
 * Returns: 0, -ENOSPC with @ret_why, or another -errno.
 */
int stage_room(struct stage *s, size_t fs, const struct copy_size *need, char **ret_why);

/**
 * room_check - the same without a transaction
 * @fd:    on the file system
 * @where: as users see it
 * @spare: what a transaction may remove first
 */
int room_check(int fd, const char *where, const struct copy_size *need,
	       const struct copy_size *spare, char **ret_why);

/**
 * stage_new - what is in the slot takes the place of @path; whatever is there now moves to the slot
 * @slot: path of the slot below the directory of transactions: slot.path, or "staging/upper/etc/passwd"
 * @path: below the root of file system @fs, without slash at the beginning
 *
 * stage_gone - @path is removed: it moves to a slot
 * stage_attributes - the directory @path gets the attributes of the directory in the slot
 *
 * The directory that @path is in exists in the lower, or comes with an earlier stage_new() of it or above it.
 * Nothing of the lower is changed yet. Paths may be in any order, but no path twice, and none below that of a
 * stage_new() or stage_gone().
 *
 * The time of a directory in which only names change is kept by itself: it needs stage_attributes() only if the
 * directory is to get another one. So are the flags immutable and append-only of such directories, and of those of
 * stage_attributes(). What is in a slot of stage_new() may have these flags: they are cleared at once, and set again
 * after the switch.
 *
 * Returns: 0; -EPERM when the path cannot be switched, for a reason that stage_why() has; -ENOENT when there is
 * nothing in the slot, or nothing at the path of the other two, or no directory that the path is in; or another
 * -errno.
 */
int stage_new(struct stage *s, size_t fs, const char *slot, const char *path);
int stage_gone(struct stage *s, size_t fs, const char *path);
int stage_attributes(struct stage *s, size_t fs, const char *slot, const char *path);

/**
 * stage_flags - what the last stage_new() or stage_attributes() was about gets these flags after the switch
 * @flags: of enum record_flag, instead of those it would have
 *
 * For what has them in an extended attribute only (trusted.overlay.protattr).
 */
void stage_flags(struct stage *s, unsigned flags);

/**
 * stage_late_flags - a file may have got flags of chattr(1) after its stage_new(), by another of its names
 *
 * A name in a directory that is staged as a whole has no stage_new() of its own. stage_switch() looks at
 * all slots again.
 */
void stage_late_flags(struct stage *s);

/** stage_why - a sentence about the last -EPERM of those above; borrowed; may be NULL */
const char *stage_why(const struct stage *s);

/** stage_add_bytes - count bytes of content written, for the record and rofs log */
void stage_add_bytes(struct stage *s, uint64_t bytes);

/** stage_count - the number of paths so far; 0: there is nothing to switch */
size_t stage_count(const struct stage *s);

/**
 * stage_switch - the point of no return and everything after it
 * @ret_why: a sentence
 *
 * Writes the record, syncs, sets the mark, switches all paths, syncs, renames to kept.N, adds to the history. The
 * caller has blocked signals. Immutable and append-only flags of what is replaced are cleared and set again.
 *
 * Returns: 0; another -errno, when all is as before: after an error in the middle, what was switched is switched
 * back; or -EUCLEAN with @ret_why: not even that could be done, the mark stays, and the next boot finishes it.
 */
int stage_switch(struct stage *s, char **ret_why);

/** stage_number - N of kept.N */
unsigned stage_number(const struct stage *s);

/** stage_done - without stage_switch() before, remove all that was staged; free it. NULL is fine. */
void stage_done(struct stage *s);

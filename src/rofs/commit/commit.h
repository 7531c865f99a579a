/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "basic/path-node.h"
#include "layer/change.h"
#include "plan/plan.h"
#include "rofs/changes/changes.h"

/*
 * What the files of `rofs commit` share: commit.c is the verb, commit-collect.c walks the layers,
 * commit-decide.c decides what is to be done with each path, commit-write.c, commit-copy.c, commit-file.c and
 * commit-left-out.c do it, commit-print.c says it.
 */

/** enum commit_reason - why a change is not written */
enum commit_reason {
	COMMIT_WANTED,
	COMMIT_BY_ROFS,	     /* rofs itself has made it, in each boot anew */
	COMMIT_STARTS_EMPTY, /* at or below a StartEmpty= directory */
	COMMIT_PERSIST,	     /* at or below the path of a persist */
	COMMIT_RESERVED,     /* at or below the name that transactions have on its lower */
	COMMIT_SEED,	     /* a random seed */
	COMMIT_SOCKET,
	_COMMIT_REASON_MAX,
};

/** enum commit_action - what is done with a path */
enum commit_action {
	COMMIT_NOTHING,
	COMMIT_COPY,	   /* a copy takes the place of what the lower has */
	COMMIT_COPY_IN,	   /* the same, in a directory that is copied as a whole */
	COMMIT_GONE,	   /* what the lower has is removed */
	COMMIT_ATTRIBUTES, /* the lower directory gets the attributes of the merged one */
	COMMIT_TIME,	   /* the same where only its time differs, which is no change by itself */
	_COMMIT_ACTION_MAX,
};

/** enum commit_place - where the entries of a directory are in the lower layer */
enum commit_place {
	COMMIT_IN_LOWER,   /* in the directory that the lower has */
	COMMIT_IN_COPY,	   /* in a copy of the directory */
	COMMIT_IN_NEW,	   /* the lower has no such directory, and it is not asked for */
	COMMIT_IN_OTHER,   /* the lower has a file of another type here, which is not asked for */
	COMMIT_IN_NOTHING, /* nothing in it is written */
};

/** struct commit_item - an entry of an upper layer */
struct commit_item {
	struct path_node *path; /* as users see it; a reference */
	const struct plan_overlay *overlay;
	size_t parent; /* item of the directory that it is in; SIZE_MAX: it is that of the overlay */
	struct change change;
	uint64_t size, used; /* bytes of the content, and what they take */
	dev_t device, lower_device;
	ino_t inode, lower_inode;
	nlink_t links, lower_links;
	struct timespec mtime;
	bool asked;
	bool later;	   /* its time alone differs: written only beside something else */
	bool further_name; /* of a file of which an item before is written */
	bool flags_differ; /* its flags of chattr(1) */
	bool left_out;	   /* the file system of the lower cannot hold it; told */
	enum commit_reason reason;
	enum commit_action action;
	enum commit_place place; /* of what is in it, where it is a directory */
};

/** struct commit_total - what is or was written, for the summary */
struct commit_total {
	size_t files; /* and directories and everything else, but what is only on the way */
	size_t deleted, attributes;
	uint64_t bytes; /* of content */
};

/* Why a file was not written as it is, or at all. */
enum commit_trouble {
	COMMIT_RESTLESS,	   /* directory that was changed all the time while it was read */
	COMMIT_GONE_MEANWHILE,	   /* it was there when the layers were read */
	COMMIT_CHANGED_MEANWHILE,  /* each time that it was copied */
	COMMIT_REPLACED_MEANWHILE, /* by another file, each time */
	COMMIT_OPEN_WRITER, /* a program has it open for writing, and may not have written all */
	_COMMIT_TROUBLE_MAX,
};

/** struct commit - one run */
struct commit {
	struct changes changes;
	bool all, dry_run, yes;
	char *command;	 /* as typed, for the record */
	unsigned latest; /* transaction when the layers were read */
	struct commit_item *items;
	size_t n;
	size_t n_sorted;       /* items that came in the order of paths */
	struct path_text last; /* path of the item before */
	struct commit_total total;
	size_t troubles[_COMMIT_TROUBLE_MAX];
	size_t left_out; /* that the file systems of the lowers cannot hold */
};

#define COMMIT_NAMED_MAX 10u /* of many paths with the same trouble */

/** commit_parent - the item that @item is in, NULL for the directory of an overlay */
static inline struct commit_item *commit_parent(const struct commit *c,
						const struct commit_item *item)
{
	return item->parent == SIZE_MAX ? NULL : &c->items[item->parent];
}

static inline bool commit_is_dir(const struct commit_item *i)
{
	return i->change.kind != CHANGE_DELETED && S_ISDIR(i->change.type);
}

/** commit_is_copied - is a copy of it made? */
static inline bool commit_is_copied(const struct commit_item *i)
{
	return i->action == COMMIT_COPY || i->action == COMMIT_COPY_IN;
}

/**
 * commit_collect - walk through the upper layers, and keep what differs in c->items, in the order of paths
 *
 * What cannot be read is reported. Returns: 0 or -errno.
 */
int commit_collect(struct commit *c);

/**
 * commit_decide - set the action of each item
 *
 * Returns: 1; 0: there is nothing to write; -EPERM: something is refused, and reported; or -ENOMEM.
 */
int commit_decide(struct commit *c);

/** commit_is_seed - is this path a random seed? */
bool commit_is_seed(const char *path);

/** commit_state_of - what a path below /var or /etc is, if it looks like state of this boot; else NULL */
const char *commit_state_of(const char *path);

/**
 * commit_check_unchanged - look at the paths in which commit_decide() has found nothing to do
 *
 * What is in a directory that was deleted becomes an item of its own. Returns: -1 to go on, else the exit
 * status; reported.
 */
int commit_check_unchanged(struct commit *c);

/** commit_has_work - is an action more than one of the time of a directory? */
bool commit_has_work(const struct commit *c);

/**
 * commit_check_conflicts - refuse what rofs chroot has changed on flash since boot
 *
 * Returns: 0, -EPERM (reported), or another -errno.
 */
int commit_check_conflicts(struct commit *c);

/** commit_print_left_out - say what is left out, and why. Returns: 0 or -ENOMEM. */
int commit_print_left_out(const struct commit *c);

/** commit_print_plan - say what is to be written, and what is left out. Returns: 0 or -ENOMEM. */
int commit_print_plan(const struct commit *c);

/** commit_tell - say that there is trouble with this path; of each kind, the first few are named */
void commit_tell(struct commit *c, enum commit_trouble t, struct path_node *path);

/** commit_print_summary - say what was written. Returns: 0 or -ENOMEM. */
int commit_print_summary(const struct commit *c);

/** commit_check_window - could it be written? Returns: -1 to go on, else the exit status (reported). */
int commit_check_window(struct commit *c);

/** commit_check_room - is there room for it, as far as can be seen without writing? Returns: the exit status (reported). */
int commit_check_room(struct commit *c);

/**
 * commit_write - write all of it to flash, in one transaction
 *
 * Returns: the exit status; what is wrong is reported.
 */
int commit_write(struct commit *c);

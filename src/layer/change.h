/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/stat.h>

/*
 * What an entry of the upper layer means, compared with the lower layer at the same path. This is
 * decided from what the caller has looked up: nothing is looked up here.
 */

enum change_kind {
	CHANGE_NONE,	   /* nothing differs: a directory that exists for what is below it */
	CHANGE_ADDED,	   /* does not exist in the lower layer */
	CHANGE_MODIFIED,   /* other content, target or device number; or an opaque directory */
	CHANGE_DELETED,	   /* a whiteout */
	CHANGE_REPLACED,   /* another type of file than in the lower layer */
	CHANGE_ATTRIBUTES, /* same content, other mode, owner, time, ACL or xattr */
	CHANGE_COPIED,	   /* copied up, but nothing differs */
	CHANGE_UNKNOWN,	   /* something of it could not be read */
	_CHANGE_KIND_MAX,
};

/* What differs besides the content; bits of struct change.attributes. */
enum change_attribute {
	CHANGE_MODE = 1 << 0,  /* permissions and set-id bits */
	CHANGE_OWNER = 1 << 1, /* user or group */
	CHANGE_TIME = 1 << 2,  /* of the last modification; never of a directory */
	CHANGE_ACL = 1 << 3,
	CHANGE_XATTR = 1 << 4, /* extended attributes but ACLs and those of overlayfs */
};

/* What the caller must look up for change_decide() besides the two stats; bits. */
enum change_question {
	CHANGE_ASK_MARK = 1 << 0,    /* does it have the xattr that makes it a whiteout? */
	CHANGE_ASK_OPAQUE = 1 << 1,  /* is the directory opaque? */
	CHANGE_ASK_XATTRS = 1 << 2,  /* which extended attributes differ? */
	CHANGE_ASK_CONTENT = 1 << 3, /* of equal size: are the bytes the same? */
	CHANGE_ASK_TARGET = 1 << 4,  /* do the links have the same target? */
	CHANGE_ASK_LARGE = 1 << 5,   /* beside CHANGE_ASK_CONTENT: also where that takes seconds */
};

enum change_content {
	CHANGE_CONTENT_SAME,
	CHANGE_CONTENT_DIFFERENT,
	CHANGE_CONTENT_UNKNOWN, /* too large to compare, or unreadable */
};

/* What of an entry could not be read. */
enum change_unread {
	CHANGE_UNREAD_NOTHING,
	CHANGE_UNREAD_ENTRY,	  /* the entry itself: not even its type is known */
	CHANGE_UNREAD_DIRECTORY,  /* which names are in it */
	CHANGE_UNREAD_LOWER,	  /* what it is in the lower layer */
	CHANGE_UNREAD_ATTRIBUTES, /* its extended attributes, in either layer */
	CHANGE_UNREAD_CONTENT,
	CHANGE_UNREAD_TARGET,
	_CHANGE_UNREAD_MAX,
};

/** struct change_facts - what has been looked up of one entry of the upper layer */
struct change_facts {
	const struct stat *upper;    /* by lstat(2) */
	const struct stat *lower;    /* NULL: it does not exist there */
	bool mark;		     /* CHANGE_ASK_MARK: it has OVERLAY_ATTRIBUTE_WHITEOUT */
	bool opaque;		     /* CHANGE_ASK_OPAQUE */
	unsigned xattrs;	     /* CHANGE_ASK_XATTRS: bits CHANGE_ACL, CHANGE_XATTR */
	enum change_content content; /* CHANGE_ASK_CONTENT, CHANGE_ASK_TARGET */
	enum change_unread unread;   /* the first that could not be read */
	int error;		     /* an errno: why not; ESTALE: it was changed meanwhile */
};

struct change {
	enum change_kind kind;
	unsigned attributes; /* bits of enum change_attribute; also with CHANGE_MODIFIED */
	mode_t type;	     /* S_IFMT bits of the file; of the lower one when deleted */
	mode_t lower_type;   /* 0: it does not exist there */
	bool opaque;	     /* hides all of the lower directory that the upper one does not have */
	bool not_compared;   /* counts as modified, as its content is too large to compare */
	enum change_unread unread; /* CHANGE_UNKNOWN: what, and why, as in struct change_facts */
	int error;
};

/**
 * change_ask - what change_decide() needs to know of this pair besides the two stats
 * @lower: NULL when it does not exist there
 *
 * As little as possible, since each answer takes time: nothing of an added file, no content when the
 * sizes differ.
 *
 * Returns: bits of enum change_question.
 */
unsigned change_ask(const struct stat *upper, const struct stat *lower);

/** change_set_unread - remember that this could not be read. Only the first is kept. @err: -errno */
void change_set_unread(struct change_facts *f, enum change_unread what, int err);

/**
 * change_decide - decide what this entry means
 *
 * A whiteout of what does not exist in the lower layer is no change. The time of a directory is
 * ignored, since each change in the directory sets it.
 */
struct change change_decide(const struct change_facts *f);

/** change_is_whiteout - is this the kernel's own form of a whiteout, character device 0:0? */
bool change_is_whiteout(const struct stat *upper);

/** change_kind_to_letter - A M D T m = ?, or a blank for CHANGE_NONE. */
char change_kind_to_letter(enum change_kind kind);

/** change_unread_to_string - the word for what could not be read; NULL where it is the entry itself */
const char *change_unread_to_string(enum change_unread unread);

/** change_type_to_string - "file", "dir", "link", ... for the S_IFMT bits of a mode; "" for 0. */
const char *change_type_to_string(mode_t type);

/** change_attribute_to_string - the word for one bit of enum change_attribute; else NULL. */
const char *change_attribute_to_string(unsigned attribute);

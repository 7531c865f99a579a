/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/stat.h>

/*
 * What an entry of an upper directory means, held against the lower one at the same path. Decided
 * from what the caller has looked up; nothing is looked up here.
 */

enum change_kind {
	CHANGE_NONE,	 /* nothing differs: a directory that is there for what is below it */
	CHANGE_ADDED,	 /* not in the lower */
	CHANGE_MODIFIED, /* other content, target or device number; a directory that hides the lower */
	CHANGE_DELETED,	   /* a whiteout */
	CHANGE_REPLACED,   /* another type of file than in the lower */
	CHANGE_ATTRIBUTES, /* the same content, other mode, owner, time, ACL or xattr */
	CHANGE_COPIED,	   /* copied up, and nothing differs */
	_CHANGE_KIND_MAX,
};

/* What differs besides the content; bits of struct change.attributes. */
enum change_attribute {
	CHANGE_MODE = 1 << 0,  /* permissions and set-id bits */
	CHANGE_OWNER = 1 << 1, /* user or group */
	CHANGE_TIME = 1 << 2,  /* of the last modification; never of a directory */
	CHANGE_ACL = 1 << 3,
	CHANGE_XATTR = 1 << 4, /* another extended attribute than ACLs and those of overlayfs */
};

/* What must be looked up before change_decide(), besides the two stats; bits. */
enum change_question {
	CHANGE_ASK_MARK = 1 << 0,    /* is there the xattr that makes an empty file a whiteout? */
	CHANGE_ASK_OPAQUE = 1 << 1,  /* does the directory hide the lower one? */
	CHANGE_ASK_XATTRS = 1 << 2,  /* which extended attributes differ? */
	CHANGE_ASK_CONTENT = 1 << 3, /* are the bytes, of equal number, the same? */
	CHANGE_ASK_TARGET = 1 << 4,  /* do the links lead to the same place? */
};

enum change_content {
	CHANGE_CONTENT_SAME,
	CHANGE_CONTENT_DIFFERENT,
	CHANGE_CONTENT_UNKNOWN, /* too large to be compared, or it could not be read */
};

/** struct change_facts - one entry of an upper directory, as far as it was looked up */
struct change_facts {
	const struct stat *upper;    /* by lstat(2) */
	const struct stat *lower;    /* NULL: there is none */
	bool mark;		     /* trusted.overlay.whiteout is there: CHANGE_ASK_MARK */
	bool opaque;		     /* trusted.overlay.opaque is "y": CHANGE_ASK_OPAQUE */
	unsigned xattrs;	     /* CHANGE_ACL, CHANGE_XATTR: CHANGE_ASK_XATTRS */
	enum change_content content; /* CHANGE_ASK_CONTENT, CHANGE_ASK_TARGET */
};

struct change {
	enum change_kind kind;
	unsigned attributes; /* bits of enum change_attribute; also of what was modified */
	mode_t type;	     /* S_IFMT bits of what is seen now; of the lower when deleted */
	mode_t lower_type;   /* 0: there is none */
	bool opaque; /* hides all that the lower directory has and the upper one does not name */
	bool not_compared; /* taken for modified, since its content was not compared */
};

/**
 * change_ask - what change_decide() needs to know of this pair
 * @lower: NULL when there is none
 *
 * Few questions for what costs time: nothing of an added file, no content when sizes differ.
 *
 * Returns: bits of enum change_question.
 */
unsigned change_ask(const struct stat *upper, const struct stat *lower);

/**
 * change_decide - what this entry is
 *
 * A whiteout of what the lower does not have is nothing: what it hid has been deleted there too.
 * The time of a directory is left out, since every change in it sets it.
 */
struct change change_decide(const struct change_facts *f);

/** change_is_whiteout - is this the kernel's own form of a whiteout, character device 0:0? */
bool change_is_whiteout(const struct stat *upper);

/** change_kind_to_letter - A M D T m =, and a blank for nothing. */
char change_kind_to_letter(enum change_kind kind);

/** change_type_to_string - "file", "dir", "link", ... for the S_IFMT bits of a mode; "" for 0. */
const char *change_type_to_string(mode_t type);

/** change_attribute_to_string - the word for one bit; NULL when @attribute is none. */
const char *change_attribute_to_string(unsigned attribute);

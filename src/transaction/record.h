/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <time.h>

#include "basic/macro.h"

/*
 * The record of one transaction: what it is, and what is to be done with each path. It is a text file
 * beside what was staged, written before the mark, so that any later run can finish or undo it.
 */

#define RECORD_NAME "record"

enum transaction_kind {
	TRANSACTION_COMMIT,
	TRANSACTION_CHROOT,
	TRANSACTION_UNDO,
	_TRANSACTION_KIND_MAX,
	_TRANSACTION_KIND_INVALID = -EINVAL,
};

const char *transaction_kind_to_string(enum transaction_kind k);
enum transaction_kind transaction_kind_from_string(const char *s);

/* What is done with one path. Each is done at once by one call, and can be told to be done already. */
enum record_operation {
	RECORD_NEW, /* exchange the file in the slot with the path, or move it there if nothing is there */
	RECORD_GONE,	   /* move what is at the path to the slot */
	RECORD_ATTRIBUTES, /* give the directory at the path the attributes of the one in the slot */
	RECORD_TIMES, /* nothing but names changes in the directory: give it the time that it had */
	RECORD_LOG,   /* as RECORD_NEW, for the history of transactions itself */
	_RECORD_OPERATION_MAX,
	_RECORD_OPERATION_INVALID = -EINVAL,
};

/* Flags by which a file system refuses to rename or remove a file; chattr(1) calls them i and a. */
enum record_flag {
	RECORD_IMMUTABLE = 1 << 0,
	RECORD_APPEND = 1 << 1,
};

/** struct record_entry - one path */
struct record_entry {
	enum record_operation operation;
	uint32_t fs;	/* index into record.where */
	uint64_t inode; /* RECORD_NEW, RECORD_LOG: of the staged file; else of what is at the path */
	uint64_t old_inode; /* RECORD_NEW, RECORD_LOG: of what it replaces; 0: nothing is there */
	unsigned flags; /* enum record_flag: what is at the path afterwards gets these, after all else */
	unsigned old_flags; /* those of what was at the path; without them it was moved away */
	struct timespec
		mtime; /* of a new directory, and of RECORD_TIMES; else tv_nsec is UTIME_OMIT */
	char *slot; /* below the directory of transactions ("rofs" or ".rofs"): "staging/slots/17" */
	char *path; /* below the root of the file system, any bytes but NUL, without slash at the beginning */
};

/** struct record - one transaction */
struct record {
	unsigned number; /* from 1, ascending on this machine */
	unsigned undoes; /* TRANSACTION_UNDO: the number of the one that it puts back; else 0 */
	enum transaction_kind kind;
	time_t time;	/* when it was sealed */
	char boot[37];	/* boot ID of the boot that it was made in */
	uid_t uid;	/* who asked for it: SUDO_UID or the caller's */
	char *command;	/* as typed, for rofs log */
	uint64_t bytes; /* of content that was written */
	char **where;	/* mount points of the file systems; [0] is that of the root */
	size_t n_where;
	struct record_entry *entries;
	size_t n_entries;
};

void record_done(struct record *r);

/** record_add_where - the mount point of a further file system; copied. Returns: 0 or -ENOMEM. */
int record_add_where(struct record *r, const char *where);

/**
 * record_add - a further entry, all-zero but for the operation, the file system and copies of slot and path
 * @ret: the entry, valid until the next call
 *
 * Returns: 0 or -ENOMEM.
 */
int record_add(struct record *r, enum record_operation operation, uint32_t fs, const char *slot,
	       const char *path, struct record_entry **ret);

/**
 * record_read - read the record in this directory
 * @dir_fd: rofs/staging, rofs/commit, rofs/kept.N or .rofs/...
 *
 * Whatever is in the file, this ends in time and memory linear in its size. A path or slot with "..", an
 * absolute one or an unknown operation makes the whole record invalid.
 *
 * Returns: 0, -EBADMSG (invalid), or another -errno.
 */
int record_read(int dir_fd, struct record *ret);

/** record_parse - as record_read(), from text that it changes */
int record_parse(char *text, struct record *ret);

/** record_write - write it; the caller syncs the file system, once for all that was staged. Returns: 0 or -errno. */
int record_write(int dir_fd, const struct record *r);

/**
 * record_user_path - the path of an entry as users see it: "/home/x/notes"
 * @ret: the caller frees it
 *
 * Returns: 0 or -ENOMEM.
 */
int record_user_path(const struct record *r, const struct record_entry *e, char **ret);

/** record_is_beneath - is it a clean relative path, without ".."? "" is where it begins. */
bool record_is_beneath(const char *path);

/** record_is_change - is this entry one of a path that the caller has asked for? */
bool record_is_change(const struct record_entry *e);

/** record_old_inode - of the file that the transaction has moved away from the path; 0: none */
uint64_t record_old_inode(const struct record_entry *e);

/** struct record_paths - the paths of a record that are changes, as users see them, sorted */
struct record_paths {
	struct record_path {
		char *path;
		const struct record_entry *entry;
	} * list;
	size_t n;
};

/** record_paths_find - @r: borrowed by @ret. Returns: 0 or -ENOMEM. */
int record_paths_find(const struct record *r, struct record_paths *ret);
void record_paths_done(struct record_paths *p);

#define _cleanup_record_paths_ _cleanup_(record_paths_done)
#define _cleanup_record_       _cleanup_(record_done)

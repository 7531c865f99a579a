/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "basic/diag.h"
#include "basic/value.h"

/*
 * What the administrator declared: keys, defaults, positions. Knows nothing of systemd and looks at
 * no path.
 */

enum conf_kind {
	CONF_ROOT,
	CONF_MEMORY,
	CONF_OVERLAY,
	CONF_PARTITION,
	CONF_PERSIST,
	_CONF_KIND_MAX,
	_CONF_KIND_INVALID = -EINVAL,
};

enum if_missing {
	IF_MISSING_READ_ONLY,
	IF_MISSING_VOLATILE,
	IF_MISSING_EMERGENCY,
	_IF_MISSING_MAX,
	_IF_MISSING_INVALID = -EINVAL,
};

enum persist_kind {
	PERSIST_DIRECTORY,
	PERSIST_FILE,
	_PERSIST_KIND_MAX,
	_PERSIST_KIND_INVALID = -EINVAL,
};

#define CONF_KEYS_MAX 9u /* most keys of one section kind */
/* Of an overlay's path: its layer options must stay below fsconfig(2)'s 256 bytes. */
#define CONF_LAYER_BYTES_MAX 200u
#define MODE_UNSET	     UINT32_MAX
/* In CommitAt=: when the machine is shut down. */
#define CONF_SHUTDOWN "shutdown"
/* On a partition: what is being made; no Directory= may lie there. */
#define CONF_RESERVED_NAME ".rofs-new"

/**
 * struct conf_section - what every section has; the first member of each section's struct
 *
 * @at is indexed like conf_keys(): where each key was set, file NULL where it has its default.
 */
struct conf_section {
	enum conf_kind kind;
	char *name;	 /* "" for Root and Memory; a clean path for Overlay and Persist */
	struct pos pos;	 /* of the first header; file NULL for a Root or Memory nobody wrote */
	struct pos last; /* of the latest header */
	size_t order;	 /* counts all sections, in the order they were first declared */
	size_t index;	 /* in conf's array of this kind */
	bool invalid;	 /* holds a mistake: it is left out */
	struct pos at[CONF_KEYS_MAX];
};

struct conf_root {
	struct conf_section section;
	bool read_only;
	bool device_read_only;
	bool swap;
	bool tmp;
};

struct conf_memory {
	struct conf_section section;
	struct size size;
	uint64_t inodes; /* 0: the kernel's default */
};

struct conf_overlay {
	struct conf_section section;
	struct size size;  /* of a pool of its own; not set: the shared pool */
	char *partition;   /* NULL: the upper is in RAM */
	char *directory;   /* NULL: the default, /overlay/<path> */
	char *start_empty; /* blank-separated list of paths, NULL for none */
	char *options;	   /* comma-separated mount flags, NULL for none */
	char *commit_at; /* CONF_SHUTDOWN and calendar expressions, with ';' between them, NULL for none */
	enum if_missing if_missing;
};

struct conf_partition {
	struct conf_section section;
	char *device; /* NULL: missing, the section is invalid */
	char *type;
	char *options;
	bool check;
	bool format;
	bool grow;
	char *requires; /* blank-separated list of units, NULL for none */
	char *after;	/* the same */
	uint64_t timeout_usec;
};

struct conf_persist {
	struct conf_section section;
	char *partition; /* NULL: missing, the section is invalid */
	char *directory; /* NULL: the default, the whole partition if nothing else uses it */
	enum persist_kind kind;
	unsigned mode; /* MODE_UNSET: like the lower path */
	char *user;    /* NULL: like the lower path */
	char *group;
	bool populate;
	enum if_missing if_missing;
};

/** struct conf_lost - a line that cannot be read, and may be the header of a [Partition] */
struct conf_lost {
	char *name; /* of the partition */
	struct pos pos;
};

/**
 * struct conf - all files merged
 *
 * Sections are in the order they were first declared. Invalid ones stay in the arrays, marked, so
 * that what refers to them can say so. conf_init() sets the defaults, conf_done() frees everything;
 * positions in a struct diag borrow the file names, so the diag must not outlive the conf.
 */
struct conf {
	struct conf_root root;
	struct conf_memory memory;
	struct conf_overlay **overlays;
	size_t n_overlays;
	struct conf_partition **partitions;
	size_t n_partitions;
	struct conf_persist **persists;
	size_t n_persists;
	char **files;
	size_t n_files;
	size_t n_sections; /* in all arrays */
	bool declared;	   /* some section was, or something that could not be read */
	bool unreadable;   /* a file could not be read: nobody knows what it says */
	char **mentioned;  /* Partition= of what is left out before it is a section */
	size_t n_mentioned;
	struct conf_lost *lost;
	size_t n_lost;
	void *index[_CONF_KIND_MAX]; /* tsearch(3) roots: sections by name */
};

/** conf_init - an empty configuration with every default set. Returns: 0 or -ENOMEM. */
int conf_init(struct conf *c);
void conf_done(struct conf *c);

/**
 * conf_read - merge one file into the configuration
 * @name: shown in messages, copied
 * @text: @len bytes, modified; text[len] must be writable
 * @d:    receives every mistake of the file
 *
 * A section seen in an earlier file is added to and the last assignment of a key wins; twice in the
 * same file is a mistake.
 *
 * Returns: 0 (also with mistakes), -ENOMEM.
 */
int conf_read(struct conf *c, const char *name, char *text, size_t len, struct diag *d);

/**
 * conf_check - the checks that need all files: keys without which a section means nothing
 *
 * Marks the sections concerned invalid.
 */
void conf_check(struct conf *c, struct diag *d);

/**
 * conf_unreadable - a file or directory of the configuration is there and cannot be read
 * @name: copied
 * @why:  of the message
 *
 * Nobody knows what it declares. That is not the same as nothing: a machine that was to be
 * protected must not be writable for it.
 *
 * Returns: 0 or -ENOMEM.
 */
int conf_unreadable(struct conf *c, const char *name, const char *why, struct diag *d);

/**
 * conf_find - the section of this kind and name, NULL if it was not declared. Overlay and Persist
 * names: clean paths.
 */
struct conf_section *conf_find(const struct conf *c, enum conf_kind kind, const char *name);

/** conf_find_lost - where the [Partition] of this name may be meant to be declared; NULL: nowhere */
const struct pos *conf_find_lost(const struct conf *c, const char *name);

/**
 * conf_key_pos - where a key of this section was set, or where the section begins if it has its
 * default.
 */
struct pos conf_key_pos(const struct conf_section *s, const char *key);

/**
 * conf_check_path - may this clean absolute path carry an overlay or a persist?
 * @kind: CONF_OVERLAY or CONF_PERSIST
 *
 * Used for the path as written and again for what symbolic links make of it.
 *
 * Returns: 0, or -EBADMSG with a message in @d.
 */
int conf_check_path(enum conf_kind kind, const char *path, struct pos pos, struct diag *d);

/**
 * conf_is_layer_path - can this clean path be part of overlayfs's layer options?
 *
 * Without anything that the kernel, mount(8) or systemd would read differently, and at most
 * CONF_LAYER_BYTES_MAX bytes.
 */
bool conf_is_layer_path(const char *path);

/**
 * conf_next_time - the next expression in CommitAt= from @s on
 * @ret_len: its length in bytes
 *
 * Returns: NULL when there is none.
 */
const char *conf_next_time(const char *s, size_t *ret_len);

/** conf_is_shutdown - is this expression CONF_SHUTDOWN? */
bool conf_is_shutdown(const char *s, size_t n);

/** conf_has_reserved_name - does a component of @path say CONF_RESERVED_NAME? */
bool conf_has_reserved_name(const char *path);

/**
 * struct conf_key - one row of the table that drives reader, man page check and shipped-file check.
 */
struct conf_key {
	const char *name;
	const char *fallback; /* the default as one would write it; "" for none */
	int (*set)(void *field, const char *value, struct pos pos, const struct conf_key *key,
		   struct diag *d);
	size_t offset; /* of the field in the section's struct */
};

/** conf_keys - the keys of a section kind. @ret_n: their number. */
const struct conf_key *conf_keys(enum conf_kind kind, size_t *ret_n);

const char *conf_kind_to_string(enum conf_kind kind);
enum conf_kind conf_kind_from_string(const char *s);
const char *if_missing_to_string(enum if_missing m);
enum if_missing if_missing_from_string(const char *s);
const char *persist_kind_to_string(enum persist_kind k);
enum persist_kind persist_kind_from_string(const char *s);

#define _cleanup_conf_ _cleanup_(conf_done)

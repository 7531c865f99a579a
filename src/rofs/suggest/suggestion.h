/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "basic/macro.h"
#include "conf/conf.h"

/*
 * A rofs.conf that is suggested, as data: sections and keys, each with its reason, and what is to be
 * done beside it.
 */

/** struct suggested_key - "Size=25%", and why; both owned */
struct suggested_key {
	char *assignment;
	char *why; /* NULL: the reason of the section is enough */
};

/** struct suggested_section - a section, its keys, and why it is there */
struct suggested_section {
	enum conf_kind kind;
	char *name;	/* NULL for Root and Memory; owned */
	char *why;	/* owned */
	bool commented; /* it cannot be in force yet, and is printed as a comment */
	struct suggested_key *keys;
	size_t n_keys;
};

/** struct suggested_text - sentences, owned */
struct suggested_text {
	char **list;
	size_t n;
};

/** struct suggestion - all of it. All-zero is empty; suggestion_done() frees it. */
struct suggestion {
	struct suggested_text intro; /* what must be known, at the top */
	struct suggested_text steps; /* what is to be done before the reboot */
	struct suggested_text notes; /* what is intentionally left out, at the end */
	struct suggested_section *sections;
	size_t n_sections;
};

/** suggested_text_add - add what a format gives, unless it is there. Returns: 0 or -ENOMEM. */
int suggested_text_add(struct suggested_text *t, const char *format, ...) _printf_(2, 3);

/**
 * suggestion_add - add a section
 * @name: copied
 * @why:  a format
 * @ret:  the section, until the next one is added; set on success
 *
 * Returns: 0 or -ENOMEM.
 */
int suggestion_add(struct suggestion *s, enum conf_kind kind, const char *name,
		   struct suggested_section **ret, const char *why, ...) _printf_(5, 6);

/** suggestion_explain - add a line to the reason of a section. Returns: 0 or -ENOMEM. */
int suggestion_explain(struct suggested_section *s, const char *format, ...) _printf_(2, 3);

/**
 * suggested_section_set - add a key
 * @why: copied; NULL: the reason of the section is enough
 *
 * Returns: 0 or -ENOMEM.
 */
int suggested_section_set(struct suggested_section *s, const char *why, const char *assignment, ...)
	_printf_(3, 4);

/**
 * suggestion_print - the text of the file
 * @ret: the caller frees it
 *
 * All of it is printable: what the machine has named was checked before it became a name or a value,
 * and is made so in comments.
 *
 * Returns: 0 or -ENOMEM.
 */
int suggestion_print(const struct suggestion *s, char **ret);

/**
 * suggestion_declare - the sections alone
 * @all: those that are comments as well, without the overlays whose place they take
 * @ret: the caller frees it
 *
 * Returns: 0 or -ENOMEM.
 */
int suggestion_declare(const struct suggestion *s, bool all, char **ret);

void suggestion_done(struct suggestion *s);

#define _cleanup_suggestion_ _cleanup_(suggestion_done)

/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

#include "basic/macro.h"

/**
 * struct pos - where something was written. @file is borrowed (struct conf owns the names); line 0:
 * the whole file.
 */
struct pos {
	const char *file;
	unsigned line;
};

enum diag_level {
	DIAG_ERROR,   /* a mistake: something declared is left out */
	DIAG_WARNING, /* nothing is left out, but it is probably not what was meant */
	DIAG_NOTE,    /* a second place that belongs to the message before it */
};

/**
 * struct diag_about - what an entry is about, for programs that read it; strings borrowed
 *
 * All-zero, as diag_error() and the like leave it: the configuration itself.
 */
struct diag_about {
	unsigned kind;	       /* 0, or a row of the table of whoever adds the entry */
	const char *path;      /* of the overlay or persist, NULL: none */
	const char *partition; /* its name, NULL: none */
};

struct diag_entry {
	enum diag_level level;
	struct pos pos;
	char *text; /* one line, no newline; owned */
	struct diag_about about;
};

/**
 * struct diag - the user's mistakes, in the order they were found
 *
 * The model reports here and goes on; only the programs print. All-zero is empty.
 */
struct diag {
	struct diag_entry *entries;
	size_t n_entries;
	size_t n_errors;	 /* those that are not told included */
	size_t n_told, n_untold; /* errors and warnings, without notes */
	bool failed;		 /* a message was lost for want of memory; counts as an error */
	bool draft;		 /* keeps all of them: what is told is decided by diag_move() */
	/* -errno: the system failed to read a file, so another try may find more; 0: it did not. */
	int unread;
};

/*
 * Who reads further mends what a script has written. They are only counted; the last entry says how
 * many there are.
 */
#define DIAG_TOLD_MAX 1000u /* errors and warnings; rofs.conf(5) */

void diag_done(struct diag *d);

/** diag_is_full - will what is reported now only be counted? Then no need to work out advice. */
bool diag_is_full(const struct diag *d);

/**
 * diag_error, diag_warning, diag_note - record a message
 * @pos: where; copied, its file name borrowed. { NULL, 0 } for none.
 *
 * What is not printable in the result is shown as \xNN; text_add_printable().
 *
 * Returns: -EBADMSG, so that a check can end in `return diag_error(...)`; the other two return
 * nothing.
 */
int diag_error(struct diag *d, struct pos pos, const char *format, ...) _printf_(3, 4);
void diag_warning(struct diag *d, struct pos pos, const char *format, ...) _printf_(3, 4);
void diag_note(struct diag *d, struct pos pos, const char *format, ...) _printf_(3, 4);

/** diag_add - as the three above, with what the entry is about. @about: copied. */
void diag_add(struct diag *d, enum diag_level level, struct diag_about about, struct pos pos,
	      const char *format, va_list ap) _printf_(5, 0);

/**
 * diag_move - add entries of a draft to what is told
 * @first, @last: from this entry to the one before that; each is moved at most once
 */
void diag_move(struct diag *draft, size_t first, size_t last, struct diag *to);

/** diag_level_to_string - "error", "warning" or "note" */
const char *diag_level_to_string(enum diag_level level);

/**
 * diag_format - the line shown for an entry: "FILE:LINE: [warning: ]text"
 * @ret: the line without newline; the caller frees it
 *
 * Returns: 0 or -ENOMEM.
 */
int diag_format(const struct diag_entry *e, char **ret);

/**
 * diag_place - "FILE:LINE", fit for a terminal; "FILE" where there is no line, "" where no file
 * @ret: the caller frees it
 *
 * Returns: 0 or -ENOMEM.
 */
int diag_place(struct pos pos, char **ret);

#define _cleanup_diag_ _cleanup_(diag_done)

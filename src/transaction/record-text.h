/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "basic/strbuf.h"

/*
 * The text of records and of the history: one item a line, its words separated by one blank. In a word,
 * blanks, control characters, DEL and backslashes are \xNN, so any bytes but NUL come back as they were.
 */

/** record_text_add - add a word */
void record_text_add(struct strbuf *b, const char *word);

/** struct record_text - what is still to be read; the text is changed */
struct record_text {
	char *line; /* the next one; NULL: there is none */
	char *word; /* the next one of the current line; NULL: there is none */
};

/** record_text_line - go to the next line. Returns: false when there is none: each ends in a newline. */
bool record_text_line(struct record_text *t);

/** record_text_word - the next word of the line; NULL: there is none, or it is not well-formed */
char *record_text_word(struct record_text *t);

/** record_text_number - the next word, as a decimal number of at most @max */
bool record_text_number(struct record_text *t, uint64_t max, uint64_t *ret);

/**
 * record_text_read - read a whole file
 * @ret: the caller frees it
 *
 * Returns: 0, -EBADMSG (not a regular file, or it holds NUL), or another -errno.
 */
int record_text_read(int dir_fd, const char *name, char **ret);

/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/*
 * Where a verb prints to. On a terminal: colour (never with NO_COLOR), its width, and a pager, as
 * systemctl(1) does. Anywhere else: plain text.
 */

struct output {
	bool terminal;	/* standard output is one, perhaps behind a pager */
	bool colour;	/* escape sequences are welcome */
	unsigned width; /* columns of the terminal; 0: no limit */
	pid_t pager;	/* 0: none */
};

/** enum colour - what a word means; output_colour() says how that looks */
enum colour {
	COLOUR_NONE,
	COLOUR_GOOD,
	COLOUR_BAD,
	COLOUR_WARNING,
	COLOUR_DIM,
	COLOUR_BOLD,
};

/**
 * output_open - look at standard output, and put a pager behind it
 * @page: a pager is wanted. There is one on a terminal only, and not when $SYSTEMD_PAGER or $PAGER
 *        is empty or "cat".
 *
 * From here to output_close() standard output may be a pipe to the pager.
 */
void output_open(struct output *o, bool page);

/** output_close - flush, and wait until the pager has ended. A second call does nothing. */
void output_close(struct output *o);

/**
 * output_text - print a sentence and end its line
 * @column: how many characters the line has already
 * @indent: blanks in front of further lines
 *
 * On a terminal it is broken between words, as the pager would cut it off; elsewhere it is one line.
 */
void output_text(const struct output *o, size_t column, size_t indent, const char *text);

/**
 * output_lines - print the text of a file
 *
 * On a terminal, as text_add_printable() but for tabs and newlines; elsewhere each byte as it is.
 *
 * Returns: 0 or -ENOMEM.
 */
int output_lines(const struct output *o, const char *text);

/**
 * output_colour - the escape sequence that begins a colour, "" without colours. COLOUR_NONE ends
 * one.
 */
const char *output_colour(const struct output *o, enum colour c);

#define _cleanup_output_ __attribute__((cleanup(output_close)))

/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/*
 * Standard output of a command. On a terminal, as in systemctl(1): colours (not with NO_COLOR), lines
 * as wide as it is, and a pager. Otherwise plain text.
 */

struct output {
	bool terminal;	/* standard output is one, perhaps behind a pager */
	bool colour;	/* use escape sequences */
	unsigned width; /* columns of the terminal; 0: no limit */
	pid_t pager;	/* 0: none */
};

/** enum colour - what is coloured; output_colour() has the colour itself */
enum colour {
	COLOUR_NONE,
	COLOUR_GOOD,
	COLOUR_BAD,
	COLOUR_WARNING,
	COLOUR_DIM,
	COLOUR_BOLD,
};

/**
 * output_open - look at standard output, and start a pager
 * @page: start one if standard output is a terminal, unless $SYSTEMD_PAGER or $PAGER is empty or
 *        "cat"
 *
 * Until output_close(), standard output may be a pipe to the pager.
 */
void output_open(struct output *o, bool page);

/** output_width - columns of the terminal that is standard output now */
unsigned output_width(void);

/** output_close - flush, and wait for the pager to exit. A second call does nothing. */
void output_close(struct output *o);

/**
 * output_text - print a sentence and a newline
 * @column: number of characters that the line has already
 * @indent: number of blanks at the beginning of further lines
 *
 * On a terminal, lines are broken between words, as the pager would cut them off; otherwise it is
 * one line.
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

/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "basic/macro.h"
#include "basic/text.h"
#include "rofs/ui/output.h"

/*
 * Tables as findmnt(8) and lsblk(8) print them: libsmartcols behind a few functions. What is not
 * printable in a cell is shown by libsmartcols, in the form of text_add_name().
 */

enum table_flags {
	TABLE_RIGHT = 1 << 0,  /* numbers */
	TABLE_TREE = 1 << 1,   /* lines of children are drawn below their parent in this column */
	TABLE_HIDDEN = 1 << 2, /* shown only when --output names it */
	TABLE_TRUNC = 1 << 3,  /* may be cut where the terminal is narrow */
};

/** struct table_column - a command has an array of them, indexed by an enum of its own */
struct table_column {
	const char *name; /* "USE%": the heading, and the word of --output */
	const char *help; /* for --help, lower case */
	unsigned flags;
};

/** struct table_style - from the options on the command line */
struct table_style {
	const char *columns; /* --output=: names, separated by commas; NULL: all but hidden ones */
	bool raw;	     /* --raw: one blank between cells; blanks in them become \x20 */
	bool no_headings;    /* --noheadings */
};

/**
 * table_choose - the columns that are shown, in their order
 * @ret: @ret_n indices of @columns; the caller frees it
 *
 * Returns: 0, -ENOMEM, or -EINVAL when --output names an unknown column (reported on stderr).
 */
int table_choose(const struct table_column *columns, size_t n, const struct table_style *style,
		 size_t **ret, size_t *ret_n);

struct table;
struct libscols_line;

/**
 * table_new - an empty table
 * @columns: array of @n; borrowed
 * @o:       its colour and width
 * @ret:     table_free() frees it
 *
 * Returns: 0, -ENOMEM, or -EINVAL when --output names an unknown column (reported on stderr).
 */
int table_new(const struct table_column *columns, size_t n, const struct table_style *style,
	      const struct output *o, struct table **ret);
void table_free(struct table *t);
void table_freep(struct table **t);

/**
 * table_line - one more line
 * @parent: the line below which it is drawn, NULL: none
 *
 * Returns: the line, owned by the table, or NULL when out of memory: functions that fill in cells
 * then do nothing, and table_print() fails.
 */
struct libscols_line *table_line(struct table *t, struct libscols_line *parent);

/** table_cell - fill in a cell. @text is copied; NULL leaves it empty. */
void table_cell(struct table *t, struct libscols_line *line, size_t column, const char *text);

/** table_cellf - a cell of numbers, at most 63 bytes */
void table_cellf(struct table *t, struct libscols_line *line, size_t column, const char *format,
		 ...) _printf_(4, 5);

/** table_cell_bytes - an amount of memory as df(1) -h prints it: 12M */
void table_cell_bytes(struct table *t, struct libscols_line *line, size_t column, uint64_t bytes);

/** table_bytes - the text of such a cell. Returns: @buffer. */
const char *table_bytes(char buffer[TEXT_BYTES_MAX], uint64_t bytes);

/** table_colour - set the colour of a cell, if the output has colours. */
void table_colour(struct table *t, struct libscols_line *line, size_t column, enum colour c);

/** table_print - print the table to standard output. Returns: 0 or -ENOMEM. */
int table_print(struct table *t);

/** table_help - print the columns for --help */
void table_help(const struct table_column *columns, size_t n, FILE *f);

#define _cleanup_table_ _cleanup_(table_freep)

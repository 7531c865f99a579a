/* SPDX-License-Identifier: MIT */
#pragma once

#include "rofs/ui/table.h"

/*
 * A table of any length, which looks like one of rofs/ui/table.h. Only the widths of its columns are
 * kept: the caller makes each line twice, to measure and to print it.
 */

/** struct list_cell - one cell of a line; all-zero: an empty one */
struct list_cell {
	const char *text; /* from list_add() */
	size_t width;	  /* columns of the terminal */
	enum colour colour;
};

struct list;

/**
 * list_new - an empty list
 * @columns: array of @n; borrowed, as all else
 * @ret:     list_free() frees it
 *
 * Returns: as table_new().
 */
int list_new(const struct table_column *columns, size_t n, const struct table_style *style,
	     const struct output *o, struct list **ret);
void list_free(struct list *l);
void list_freep(struct list **l);

/**
 * list_add - add a text as it is shown in a cell
 *
 * What the terminal would obey, or cannot show, becomes \xNN; so does a backslash before an x. The
 * second is for --raw: blanks and all backslashes do as well.
 *
 * Returns: columns of the terminal.
 */
size_t list_add(struct strbuf *b, const char *text);
size_t list_add_raw(struct strbuf *b, const char *text);

/** list_measure - make the columns wide enough. @cells: one for each of the columns given */
void list_measure(struct list *l, const struct list_cell *cells);
void list_print_headings(const struct list *l);
void list_print(const struct list *l, const struct list_cell *cells);

#define _cleanup_list_ _cleanup_(list_freep)

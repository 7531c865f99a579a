/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>
#include <time.h>

#include "layer/change.h"
#include "layer/upper.h"
#include "plan/plan.h"
#include "rofs/ui/json.h"
#include "rofs/ui/output.h"
#include "rofs/ui/table.h"

/*
 * What the files of `rofs diff` share: diff-options.c reads the command line, diff.c walks the
 * layers, diff-rows.c makes rows of what it finds, diff-print.c, diff-stream.c and diff-text.c show
 * them.
 */

enum diff_form {
	DIFF_TABLE,
	DIFF_JSON,
	DIFF_NULL, /* paths, each followed by a NUL byte */
	DIFF_TEXT, /* unified differences */
};

struct diff_options {
	enum diff_form form;
	bool by_size;
	bool bytes; /* exact sizes in the table */
	bool all;   /* include what rofs itself has made */
	struct table_style style;
};

/** struct diff_row - one change, as it is shown */
struct diff_row {
	struct path_node *path;
	const struct plan_overlay *overlay;
	struct change change;
	uint64_t size; /* bytes of the current content; 0 for directories and deleted files */
	uint64_t used; /* bytes that it takes in the upper layer */
	nlink_t links;
	dev_t device; /* of the file in the upper layer, as inode: hard links are counted once */
	ino_t inode;
	bool starts_empty; /* a StartEmpty= directory */
	bool by_rofs;	   /* rofs itself has made it */
	time_t on_flash;   /* when it was committed: the lower has the same since; 0: it was not */
	bool counted;	   /* another name of the same file has been counted */
	size_t place;	   /* in the order of paths */
};

/** struct diff_rows - all rows, first in the order of paths */
struct diff_rows {
	struct diff_row *rows;
	size_t n;
};

/**
 * diff_options_parse - read the command line of `rofs diff`; print the help, or what is wrong
 * @o: all-zero
 *
 * Returns: -1 to go on, the paths being argv[optind] and the following, else the exit status.
 */
int diff_options_parse(int argc, char **argv, struct diff_options *o);

/**
 * diff_row_make - the row of an entry
 * @o:   of @p; borrowed, as is the path of @e
 * @ret: valid as long as @e; diff_rows_keep() keeps it
 *
 * Returns: 0 or -ENOMEM.
 */
int diff_row_make(const struct plan *p, const struct plan_overlay *o, const struct upper_entry *e,
		  struct diff_row *ret);

/** diff_rows_keep - add a copy of @row. Returns: 0 or -ENOMEM. */
int diff_rows_keep(struct diff_rows *rows, const struct diff_row *row);

/**
 * diff_rows_finish - mark as counted all names of a file but the first; and sort by used, the largest
 * first, if @by_size
 *
 * Returns: 0 or -ENOMEM.
 */
int diff_rows_finish(struct diff_rows *rows, bool by_size);
void diff_rows_done(struct diff_rows *rows);

/** diff_error - why something could not be read, in words */
const char *diff_error(int error);

/**
 * diff_note - the text of column NOTE
 * @ret: "" for none; the caller frees it
 *
 * Returns: 0 or -ENOMEM.
 */
int diff_note(const struct diff_row *row, char **ret);

/** diff_same_content - is it a file of which only attributes can have changed? */
bool diff_same_content(const struct change *c);

/**
 * diff_table_print - print all rows as a table
 * @hidden: number of rows left out, as rofs itself has made them
 *
 * Returns: 0, -ENOMEM, or -EINVAL when --output names an unknown column (reported).
 */
int diff_table_print(const struct diff_rows *rows, const struct diff_options *options,
		     size_t hidden, const struct output *o);

/** diff_help_columns - print the columns for --help */
void diff_help_columns(FILE *f);

/** struct diff_stream - rows as JSON or as paths, printed one by one. All-zero but for as_json. */
struct diff_stream {
	bool as_json;
	struct json json;
	struct path_text path, hex; /* in the form that is printed, and as bytes in JSON */
};

void diff_stream_begin(struct diff_stream *s);

/** diff_stream_row, diff_stream_end - print it, and what follows the last. Returns: 0 or -ENOMEM. */
int diff_stream_row(struct diff_stream *s, const struct diff_row *row);
int diff_stream_end(struct diff_stream *s);
void diff_stream_done(struct diff_stream *s);

/** struct diff_text - unified differences, printed while the layer is walked; path_text_done(&t.path) */
struct diff_text {
	const struct output *output;
	struct path_text path; /* as it is shown */
	bool missing;	       /* diff(1) is not installed; reported once */
	bool failed;	       /* something could not be shown; reported */
};

/**
 * diff_text_print - print a line for the row, and below it how the text differs
 *
 * Returns: 0 or -ENOMEM.
 */
int diff_text_print(struct diff_text *t, const struct upper_entry *e, const struct diff_row *row);

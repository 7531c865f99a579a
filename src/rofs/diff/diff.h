/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "layer/change.h"
#include "layer/upper.h"
#include "plan/plan.h"
#include "rofs/ui/output.h"
#include "rofs/ui/table.h"

/* What the files of `rofs diff` share: diff.c asks, the others print. */

enum diff_form {
	DIFF_TABLE,
	DIFF_JSON,
	DIFF_NULL, /* paths with a NUL behind each */
	DIFF_TEXT, /* unified differences */
};

struct diff_options {
	enum diff_form form;
	bool by_size;
	bool bytes; /* no K and M in the table */
	bool all;   /* also what rofs has made */
	struct table_style style;
};

/** struct diff_row - one change, as it is shown */
struct diff_row {
	char *path;
	const struct plan_overlay *overlay;
	struct change change;
	uint64_t size; /* bytes of the content as seen now; 0 for directories and what is deleted */
	uint64_t used; /* bytes that the upper layer takes for it */
	nlink_t links;
	dev_t device; /* of the upper's file, with inode: hard links are counted once */
	ino_t inode;
	bool starts_empty; /* a StartEmpty= directory */
	bool by_rofs;
	bool counted; /* used was counted with another name of the same file */
};

struct diff_rows {
	struct diff_row *rows;
	size_t n;
};

/** diff_note - what a row has to say besides its letter. @ret: "" for nothing; the caller frees. */
int diff_note(const struct diff_row *row, char **ret);

/**
 * diff_print - print all rows in the form that is asked for; not DIFF_TEXT
 * @hidden: number of rows left out as made by rofs
 *
 * Returns: 0, -ENOMEM, or -EINVAL when --output names no column (told).
 */
int diff_print(const struct diff_rows *rows, const struct diff_options *options, size_t hidden,
	       const struct output *o);

/** diff_print_total - the last line on a terminal */
void diff_print_total(const struct diff_rows *rows, size_t hidden);

/** diff_help_columns - for --help */
void diff_help_columns(void);

/** struct diff_text - unified differences, printed while the layer is walked */
struct diff_text {
	const struct output *output;
	bool missing; /* diff(1) is not installed; told once */
	bool failed;  /* something could not be shown; told */
};

/** diff_text_print - a line for the row, and below it how the text differs. Returns: 0 or -ENOMEM. */
int diff_text_print(struct diff_text *t, const struct upper_entry *e, const struct diff_row *row);

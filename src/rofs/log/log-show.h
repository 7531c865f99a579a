/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdio.h>

#include "rofs/ui/output.h"
#include "rofs/ui/table.h"
#include "transaction/history.h"

/* rofs log: what is printed. */

/** struct log_view - what there is to show; borrowed */
struct log_view {
	const struct history *history;
	int base_fd; /* directory of transactions on the root; -1: there is none */
};

void log_help_columns(FILE *f);

/** log_time - a time as it is shown. Returns: @buffer. */
const char *log_time(char buffer[32], time_t t);

#define LOG_USER_MAX 16u

/** log_user - the name of the user, or the number without one. Returns: @buffer or a name of @e. */
const char *log_user(char buffer[LOG_USER_MAX], const struct history_entry *e);

/** log_table, log_json - all transactions. Returns: 0, -ENOMEM, or -EINVAL: unknown column, reported. */
int log_table(const struct log_view *v, const struct table_style *style, const struct output *o);
int log_json(const struct log_view *v);

/** log_paths - the paths of one transaction; all of them as long as its record is kept. Returns: 0 or -ENOMEM. */
int log_paths(const struct log_view *v, const struct history_entry *e);

/** log_letter - what was done with a path, as rofs diff has it */
char log_letter(const struct record_entry *e);

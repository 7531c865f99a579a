/* SPDX-License-Identifier: MIT */
#pragma once

struct libscols_table;

/**
 * table_print_plain - print a table that needs neither a terminal nor a locale
 *
 * The output is that of libsmartcols where standard output is not a terminal, in a fraction of the
 * time, which matters with 100,000 lines. Each byte counts as one column, so all texts must be
 * printable ASCII; and the table must not be a tree, nor raw.
 *
 * Returns: 1 when it was printed, 0 when libsmartcols has to print it, or -ENOMEM.
 */
int table_print_plain(struct libscols_table *table);

/* SPDX-License-Identifier: MIT */
#pragma once

struct libscols_table;

/**
 * table_print_plain - print a table that needs neither a terminal nor a locale
 *
 * As libsmartcols prints it where standard output is no terminal, in a fraction of the time, which
 * counts for 100,000 lines: each byte is taken for one place. So only a table in which all texts
 * are printable ASCII, without a tree, and not raw.
 *
 * Returns: 1 when it was printed, 0 when libsmartcols has to, or -ENOMEM.
 */
int table_print_plain(struct libscols_table *table);

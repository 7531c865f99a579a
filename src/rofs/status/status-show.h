/* SPDX-License-Identifier: MIT */
#pragma once

#include "rofs/status/status-collect.h"
#include "rofs/ui/table.h"

/** status_show - for people. @only_table: without the verdict. Returns: 0 or -errno. */
int status_show(const struct status *s, const struct table_style *style, bool only_table);

/** status_columns - for --help. @ret_n: their number. */
const struct table_column *status_columns(size_t *ret_n);

/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>

#include "basic/macro.h"

/** struct path_set - clean paths, each once; owned. All-zero is empty, path_set_done() frees it. */
struct path_set {
	void *tree; /* tsearch(3) */
};

/** path_set_add - @path is copied. Returns: 0 or -ENOMEM. */
int path_set_add(struct path_set *s, const char *path);
bool path_set_has(const struct path_set *s, const char *path);
void path_set_done(struct path_set *s);

#define _cleanup_path_set_ _cleanup_(path_set_done)

/* SPDX-License-Identifier: MIT */
#pragma once

#include "transaction/stage.h"
#include "transaction/switch.h"

/* The inside of a stage, for the files that it is made of. */

#define STAGING_SLOTS "slots"
#define STAGING_LINKS "links"
#define STAGING_GONE  "gone"

/** struct staging - what is open on one file system */
struct staging {
	int slots_fd;
	int links_fd;
	int old_fd;
};

struct stage {
	struct window *w;
	struct record record;
	struct place *places; /* one for each file system of the window */
	struct staging *staging;
	size_t n;
	size_t n_slots;
	char *user;
	char *why;
	bool has_late_flags; /* look at those of all slots again */
	bool marked;	     /* what was staged is no longer ours to remove */
};

static inline struct place_list stage_places(const struct stage *s)
{
	return (struct place_list){ .places = s->places, .n = s->n };
}

/** stage_refuse - keep a sentence for stage_why(). Returns: -EPERM or -ENOMEM. */
int stage_refuse(struct stage *s, const char *format, ...) _printf_(2, 3);

/** stage_name - the name of the staging directory on file system @fs. Returns: @buffer. */
const char *stage_name(const struct stage *s, size_t fs, char buffer[24]);

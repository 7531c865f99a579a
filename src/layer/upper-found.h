/* SPDX-License-Identifier: MIT */
#pragma once

#include "layer/names.h"
#include "layer/seen.h"
#include "layer/upper.h"

/* For upper-walk.c: one entry of the upper layer, with what the lower layer has in its place. */

struct compare;

/* The directory that an entry is in, as the walk hands it down. */
struct parent {
	int upper_dir, lower_dir, lower_error;
	bool opaque;
};

/* One entry as it was found: in both layers, and open where it is a directory. */
struct found {
	struct upper_entry entry;
	struct stat upper, lower;
	struct change_facts facts;
	int upper_fd, lower_fd; /* -1: it is no directory there */
	int lower_error;
	bool opaque;
	struct seen *dir;   /* NULL: it has not been seen before */
	struct names names; /* that are new in a directory */
	struct stamp stamp; /* right before they were read */
};

/** found_at - the entry @name of @in, not looked up yet. The strings and the node are borrowed. */
struct found found_at(const struct parent *in, const char *path, struct path_node *node,
		      const char *name);
void found_done(struct found *f);

/**
 * found_look_up - find the entry in both layers, and read the names of a directory
 * @torn: set when they were not all read at one moment
 *
 * Of a directory that is as f->dir has seen it, no names are read. Returns: 0, or -errno when it is
 * not to be had in the upper layer.
 */
int found_look_up(struct found *f, const struct parent *in, bool *torn);

/**
 * found_decide - set entry.change
 * @large: compare content of any size
 *
 * Returns: 0, or -errno when the entry was changed meanwhile.
 */
int found_decide(struct found *f, struct compare *compare, bool large);

/** found_read_ahead - begin to read what found_decide() will read of the lower file @name in @in */
void found_read_ahead(const struct parent *in, const char *name);

/** is_race - gone, or something else since: it is being changed while it is read */
bool is_race(int err);

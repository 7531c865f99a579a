/* SPDX-License-Identifier: MIT */
#pragma once

#include "plan/fstab.h"
#include "rofs/suggest/machine.h"
#include "rofs/suggest/suggestion.h"

/* For decide*.c only: what has been decided so far. */

#define PARTITION_NAME_MAX 64u
/* A line of rofs.conf has at most 4096 bytes; in comments, a byte may become four. */
#define NAME_BYTES_MAX 900u

/** struct data_line - a line of fstab that mounts a partition with data */
struct data_line {
	const struct fstab_entry *entry;
	char name[PARTITION_NAME_MAX + 1];
	unsigned flags; /* nosuid and the like, of mount-flags.h */
	char *options;	/* for Options=, besides the flags, with a comma before each; owned */
	char *requires; /* for Requires= and After=, "" for none; owned */
	char *after;
};

/** struct deciding - all-zero but for the first two at first; deciding_done() frees it */
struct deciding {
	const struct machine *m;
	struct suggestion *s;
	struct fstab_index fstab;
	bool *on_root; /* of each entry of fstab: it mounts the device of / again, as for a subvolume */
	struct data_line *lines; /* in path order */
	size_t n_lines;
	/*
	 * What holds the directories of the persists: one of lines, or a device that nothing uses; with
	 * neither, there is none.
	 */
	const struct data_line *host_line;
	const struct machine_device *host_device;
	char host_name[PARTITION_NAME_MAX + 1];
	const struct machine_path **kept; /* what gets a persist on the host, in path order */
	size_t n_kept;
	const char **overlays; /* borrowed from m, in path order */
	size_t n_overlays;
	uint64_t copied_bytes; /* what programs will copy to RAM */
};

/* Each returns 0 or -ENOMEM. In the order in which they build on each other: */

/* Which lines of fstab are about the device of /. */
int decide_on_root(struct deciding *x);
/* Which lines of fstab mount partitions with data. */
int decide_lines(struct deciding *x);
/* What else must be kept, on whatever. */
int decide_kept(struct deciding *x);
/* Which partition keeps it. */
int decide_host(struct deciding *x);
int decide_overlays(struct deciding *x);
/* The sections, in the order of the file. */
int decide_root(struct deciding *x);
int decide_overlay_sections(struct deciding *x);
int decide_partition_sections(struct deciding *x);
int decide_persist_sections(struct deciding *x);
/* What is to be done, and what must be known. */
int decide_intro(struct deciding *x);
int decide_steps(struct deciding *x);

/** deciding_has_host - is there a partition for what must be kept? */
bool deciding_has_host(const struct deciding *x);

/** deciding_is_always_overlaid - the directories that programs write to on every machine */
bool deciding_is_always_overlaid(const char *path);

/** deciding_is_lower - should what a line of fstab mounts be the lower of an overlay? */
bool deciding_is_lower(const struct deciding *x, const struct fstab_entry *e);

/**
 * deciding_fstab_keeps - the line of fstab that mounts @path or something above it and stays in force,
 * so that no section is needed; NULL: there is none
 */
const struct fstab_entry *deciding_fstab_keeps(const struct deciding *x, const char *path);

/** deciding_line_of - the line of a data partition at or above @path; NULL: there is none */
const struct data_line *deciding_line_of(const struct deciding *x, const char *path);

/** deciding_overlay_of - the nearest suggested overlay at or above @path; NULL: there is none */
const char *deciding_overlay_of(const struct deciding *x, const char *path);

/** deciding_is_kept - is @path at or below a persist that is in force? */
bool deciding_is_kept(const struct deciding *x, const char *path);

/** deciding_can_be_named - may @path be that of a section of this kind? If not, adds a note. */
int deciding_can_be_named(struct deciding *x, enum conf_kind kind, const char *path, bool *ret);

/** deciding_broken_copy - container storage that is in what Populate=yes copies; NULL: none */
const struct machine_path *deciding_broken_copy(const struct deciding *x,
						const struct machine_path *kept);

/** deciding_populated_bytes - how much is copied to the partition at the first boot */
uint64_t deciding_populated_bytes(const struct deciding *x);

/** deciding_fits - is there room on a device for what is copied to it, and some more? */
bool deciding_fits(const struct deciding *x, const struct machine_device *d);

/** deciding_can_be_written - can they stand in Device= and Options=? */
bool deciding_can_be_written(const char *device, const char *options);

/**
 * deciding_name_partition - name a partition after its label or its directory, as far as a [Partition]
 * can be called so, and unlike those of the lines
 * @ret: PARTITION_NAME_MAX + 1 bytes
 */
void deciding_name_partition(const struct deciding *x, const char *from, char *ret);

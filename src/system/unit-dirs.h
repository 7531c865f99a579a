/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "plan/unit-names.h"
#include "system/rootfs.h"

/** enum unit_origin - which of the directories of systemd's load path to look at */
enum unit_origin {
	/* Those of the image. What is there at boot is there later. */
	UNIT_ORIGIN_IMAGE,
	/* Those in /run, which generators and programs fill in each boot; without those of rofs. */
	UNIT_ORIGIN_RUN,
};

#define UNIT_DIRS_MAX 6u

/** struct unit_dirs - directories with units, in the order in which systemd looks into them */
struct unit_dirs {
	const struct rootfs *root; /* borrowed */
	struct unit_dir {
		const char *path;
		int fd;
		const char *indexed;	 /* word of unit_dirs_index(), borrowed; NULL: none */
		struct unit_names names; /* those that have it */
	} list[UNIT_DIRS_MAX];		 /* those that exist */
	size_t n;
};

/** unit_dirs_open - @r is borrowed. Whatever cannot be opened is left out. */
struct unit_dirs unit_dirs_open(const struct rootfs *r, enum unit_origin origin);
void unit_dirs_done(struct unit_dirs *d);

/**
 * unit_dirs_list - the names of all units of a type, masked ones included
 * @suffix: ".mount", ".service", ...
 * @ret:    all-zero before; unit_names_done() frees it, also after a failure
 *
 * Returns: 0 or -ENOMEM.
 */
int unit_dirs_list(const struct unit_dirs *d, const char *suffix, struct unit_names *ret);

/** unit_dirs_is_pulling - is it the name of a directory of links: "local-fs.target.wants"? */
bool unit_dirs_is_pulling(const char *name);

/**
 * unit_dirs_links - what pulls a unit in: "local-fs.target.wants/home.mount"
 * @ret: all-zero before; unit_names_done() frees it, also after a failure
 *
 * Links in the .wants, .requires and .upholds directories of all units. A link to /dev/null masks
 * one of the same name, and so does a file that is no link. Whether the unit that pulls it in is started is not looked at.
 *
 * Returns: 0 or -ENOMEM.
 */
int unit_dirs_links(const struct unit_dirs *d, const char *name, struct unit_names *ret);

/**
 * unit_dirs_instances - the instances of templates that something pulls in: "getty@tty1.service"
 * @ret: all-zero before; unit_names_done() frees it, also after a failure
 *
 * Of all types. Masked links are included.
 *
 * Returns: 0 or -ENOMEM.
 */
int unit_dirs_instances(const struct unit_dirs *d, struct unit_names *ret);

/**
 * unit_dirs_index - read each directory once, so that unit_dirs_has() need not ask for each name
 * @word: for names that have this in them; borrowed
 *
 * Takes the time of a hundred questions where a directory has 300 names, which is usual.
 *
 * Returns: 0 or -ENOMEM.
 */
int unit_dirs_index(struct unit_dirs *d, const char *word);

/** unit_dirs_has - does the @i-th directory have something of this name? */
bool unit_dirs_has(const struct unit_dirs *d, size_t i, const char *name);

#define _cleanup_unit_dirs_ _cleanup_(unit_dirs_done)

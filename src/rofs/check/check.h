/* SPDX-License-Identifier: MIT */
#pragma once

#include "system/load.h"

/*
 * What will go wrong, found before the reboot that shows it. Each check adds to the diag: an error
 * where something declared will not come into force, a warning where it will and is probably not
 * what was meant, a note for what is worth knowing. Each sentence ends in what to do.
 */

struct checking {
	struct loaded *l;
	bool running; /* this machine, not a tree: its devices, kernel and memory count */
};

/* Each returns 0 or -ENOMEM. */
int check_lowers(struct checking *c);
int check_partitions(struct checking *c);
int check_devices(struct checking *c);
int check_memory(struct checking *c);
int check_boot(struct checking *c);
int check_kernel(struct checking *c);
int check_data(struct checking *c);
int check_files(struct checking *c);

/** check_fstab_pos - the line of /etc/fstab that mounts on @dir; line 0 if it is not found. */
struct pos check_fstab_pos(const struct checking *c, const char *dir);

/** check_overlay_of - the overlay that takes the changes to @path, NULL if a persist, an own mount
 * or nothing does. */
const struct plan_overlay *check_overlay_of(const struct checking *c, const char *path);

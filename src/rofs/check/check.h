/* SPDX-License-Identifier: MIT */
#pragma once

#include "system/load.h"
#include "verdict/problem.h"

/*
 * What will go wrong, found before the reboot that shows it. Each check adds to the diag: an error
 * where something declared will not take effect, a warning where it will and is probably not what
 * was meant, a note for what is worth knowing. Each sentence ends in what to do.
 */

struct checking {
	struct loaded *l;
	bool running; /* this machine, not a tree: its devices, kernel and memory count */
};

/**
 * check_add - add to the diag what a check has found
 * @kind: its severity is that of the entry
 * @s:    the section it is about, NULL: none
 * @pos:  where the mistake is, or what has to be changed
 */
void check_add(struct checking *c, enum problem_kind kind, const struct conf_section *s,
	       struct pos pos, const char *format, ...) _printf_(5, 6);

/* Each returns 0 or -ENOMEM. */
int check_lowers(struct checking *c);
int check_flags(struct checking *c);
int check_quota(struct checking *c);
int check_subvolumes(struct checking *c);
int check_partitions(struct checking *c);
int check_devices(struct checking *c);
int check_trust(struct checking *c);
int check_memory(struct checking *c);
int check_boot(struct checking *c);
int check_kernel(struct checking *c);
int check_software(struct checking *c);
int check_files(struct checking *c);

/**
 * check_overlay_of - the overlay that takes the changes to @path, NULL if a persist, a mount of its
 * own or nothing does
 */
const struct plan_overlay *check_overlay_of(const struct checking *c, const char *path);

/* SPDX-License-Identifier: MIT */
#pragma once

#include "plan/fstab.h"
#include "system/load.h"
#include "system/unit-dirs.h"
#include "verdict/problem.h"

/*
 * What will go wrong, found before the reboot that shows it. Each check adds to the diag: an error
 * where something declared will not take effect, a warning where it will and is probably not what
 * was meant, a note for what is worth knowing. Each sentence ends in what to do.
 */

struct checking {
	struct loaded *l;
	struct fstab_index mounts;     /* of fstab */
	struct facts all;	       /* its fstab: what mounts anything at boot, on any path */
	struct fstab_index all_mounts; /* of @all */
	char **file_names;	       /* of check_file_name(); owned */
	size_t n_file_names;
	bool running; /* this machine, not a tree: its devices, kernel and memory count */
};

/**
 * check_loaded - find what will go wrong, and add it to the diag of what is loaded
 * @c: with .l and .running; the rest is for the checks
 *
 * The diag borrows from @c: checking_done() comes after the last look at it.
 *
 * Returns: 0 or -ENOMEM.
 */
int check_loaded(struct checking *c);
void checking_done(struct checking *c);
#define _cleanup_checking_ _cleanup_(checking_done)

/**
 * check_add - add to the diag what a check has found
 * @kind: its severity is that of the entry
 * @s:    the section it is about, NULL: none
 * @pos:  where the mistake is, or what has to be changed
 */
void check_add(struct checking *c, enum problem_kind kind, const struct conf_section *s,
	       struct pos pos, const char *format, ...) _printf_(5, 6);

/** check_is_device - is it this device, by its name, and on this machine also by another one? */
bool check_is_device(const struct checking *c, const char *path, const char *device);

/** check_read_mounts - fill @c->all, with the mount units at undeclared paths too. Returns: 0 or -ENOMEM. */
int check_read_mounts(struct checking *c);

/**
 * check_file_name - a copy of the name of a file for a struct pos, kept as long as the diag needs it
 *
 * Returns: NULL where there is no memory: the entry then has no position.
 */
const char *check_file_name(struct checking *c, const char *file);

/* Each returns 0 or -ENOMEM. */
int check_lowers(struct checking *c);
int check_flags(struct checking *c);
int check_commits(struct checking *c);
int check_quota(struct checking *c);
int check_subvolumes(struct checking *c);
int check_partitions(struct checking *c);
int check_mount_units(struct checking *c);
int check_partition_units(struct checking *c);
int check_devices(struct checking *c);
int check_trust(struct checking *c);
int check_memory(struct checking *c);
int check_boot(struct checking *c);
int check_root_device(struct checking *c);
int check_fsck(struct checking *c);
int check_root_overlay(struct checking *c);
int check_kernel(struct checking *c);
int check_lower_mounts(struct checking *c);
int check_software(struct checking *c);
int check_exports(struct checking *c);
int check_services(struct checking *c);
int check_cloud_init(struct checking *c);
int check_writers(struct checking *c);
int check_homes(struct checking *c);
int check_etc(struct checking *c);
int check_swap_programs(struct checking *c);

/** check_cloud_init_runs - is cloud-init installed and not disabled? Returns: 0 or -ENOMEM. */
int check_cloud_init_runs(const struct checking *c, const struct unit_dirs *dirs, bool *ret);
int check_files(struct checking *c);

/** struct place - where changes to a path go, by the plan */
struct place {
	enum place_kind {
		PLACE_ROOT,	 /* to /, which is not kept read-only */
		PLACE_READ_ONLY, /* nowhere: they fail */
		PLACE_MOUNT,	 /* to a file system of its own, or in RAM */
		PLACE_OVERLAY,
		PLACE_PERSIST,
	} kind;
	const struct plan_overlay *overlay;
	bool starts_empty; /* what the lower has at the path is not seen */
	const struct plan_persist *persist;
	const struct fstab_entry *entry; /* of PLACE_MOUNT and PLACE_READ_ONLY, in @all; NULL: none */
	const struct fstab_entry *bind; /* that shows it at the path; NULL: none */
};

/** check_place_of - where changes to a clean path go */
struct place check_place_of(const struct checking *c, const char *path);

/** check_overlay_of - the overlay that takes changes to @path; NULL: none, or it starts empty */
const struct plan_overlay *check_overlay_of(const struct checking *c, const char *path);

/**
 * check_add_persist - what to do to have a persist at @path, in the words of a message: "add"
 * @o: the overlay that takes changes to @path; if it is not above @path, it has to go
 */
const char *check_add_persist(const struct plan_overlay *o, const char *path);

/** check_swap_file - does @who swap to a file that it cannot write? @cure: what to do then. */
void check_swap_file(struct checking *c, const char *who, const char *path, const char *cure);

/** check_is_divided - is a persist, or another mount at boot, below clean @path? */
bool check_is_divided(const struct checking *c, const char *path);

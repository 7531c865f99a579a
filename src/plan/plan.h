/* SPDX-License-Identifier: MIT */
#pragma once

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>

#include "basic/diag.h"
#include "conf/conf.h"
#include "plan/dependencies.h"
#include "plan/facts.h"

/*
 * The decision: which mounts, from where, in which pool, after what. Strings are owned by the plan;
 * conf and facts are borrowed and must outlive it. Paths are absolute and clean.
 */

/*
 * rofs-prepare leaves a file here, with the name of the mount unit, for each persist that it has
 * prepared in this boot.
 */
#define PLAN_PREPARED_DIR "/run/rofs/prepared"

/* Here, and the path of the overlay: its upper and work in RAM. */
#define PLAN_RAM_LAYERS_DIR "/rofs/rw"

/** struct plan_pool - a file system that holds uppers */
struct plan_pool {
	char *dir;  /* /rofs, /rofs/rw/srv, /rofs/persist/data */
	char *unit; /* its mount unit */
	struct size size;
	uint64_t inodes; /* 0: the kernel's default */
	struct pos pos;
	bool shared;
	bool early; /* mounted by plan.early_mounts */
};

/** struct plan_indexes - indexes into one of the plan's arrays, ascending; owned */
struct plan_indexes {
	size_t *list;
	size_t n;
};

/** enum run_kind - what a run of rofs-prepare is for; its verbs are called so */
enum run_kind {
	RUN_RAM,       /* what needs no device: it mounts all that it prepares */
	RUN_OVERLAY,   /* one overlay in RAM whose lower is a file system of its own */
	RUN_PARTITION, /* what is kept on one partition */
	RUN_FALLBACK,  /* what the path of an overlay shows, with or without its partition */
	RUN_GUARD,     /* the guard of a persist, where its path is not there early */
	_RUN_KIND_MAX,
	_RUN_KIND_INVALID = -EINVAL,
};

/**
 * struct plan_run - one run of rofs-prepare: between a pool's mount and what is mounted from it
 */
struct plan_run {
	enum run_kind kind;
	char *subject; /* path of the overlay or the persist, name of the partition; NULL: RUN_RAM */
	char *unit;
	/*
	 * Where it works: /rofs, /rofs/rw/PATH, /rofs/persist/NAME; of RUN_FALLBACK what it mounts,
	 * /rofs/fallback/PATH; of RUN_GUARD the directory that the mount point is in.
	 */
	char *dir;
	struct plan_indexes overlays; /* it prepares them; of RUN_FALLBACK the one it is for */
	/* It makes their Directory=; of RUN_RAM and RUN_GUARD those whose paths it guards or makes. */
	struct plan_indexes persists;
	struct pos pos;
};

/**
 * struct plan_lower - a file system from fstab that must be seen below /rofs/ro, since binding /
 * does not bring it along
 */
struct plan_lower {
	const struct fstab_entry *entry;
	char *what;  /* device, source of the bind, ... */
	char *where; /* /rofs/ro/home */
	char *unit;
	char *device_path; /* /dev/disk/by-uuid/...; NULL if it is not a block device, or if bind */
	char *fsck_unit;   /* NULL: no check before mounting */
	char *device_unit; /* NULL: as device_path, or its name is too long */
	uint64_t timeout_usec;		       /* of the device; 0: systemd's own is good */
	uint64_t mount_timeout_usec;	       /* 0: systemd's own */
	struct plan_dependencies dependencies; /* what fstab says of them, unless bind */
	/* Finishes a transaction that a power cut has interrupted; NULL: nothing is committed there. */
	char *finish_unit;
	char *options;
	bool bind; /* fstab mounts it on its own path as ever; it is bound from there */
	struct pos pos;
};

struct plan_overlay {
	const struct conf_overlay *conf;
	char *path;
	char *lower;   /* /rofs/ro/var */
	char *layers;  /* directory of upper and work: /rofs/rw/var */
	char *options; /* of the merged mount: inherited flags and those of conf; "" for none */
	/* enum mount_flag: those it has from the file systems of its layers. */
	unsigned from_lower, from_partition;
	const struct fstab_entry *lower_entry; /* of the lower's file system; NULL: not in fstab */
	char *merged;			       /* /rofs/overlay/var */
	char *merged_unit;
	char *bind_unit;
	char **start_empty; /* clean paths below @path, whichever way they were written */
	size_t n_start_empty;
	size_t prepare;	    /* index into plan.runs: it makes the layers */
	bool lower_is_root; /* on the root file system: needs no device, so it can come first */
	size_t lower_mount; /* else index into plan.lowers: the mount that it is on */
	bool lower_is_live; /* on what fstab mounts above the path: users may rename what leads there */
	/*
	 * Mount point of the RAM pool that its layers are in, if they are in RAM: the shared one, its own,
	 * or that of an overlay above; borrowed.
	 */
	const char *pool;
	bool on_partition;
	size_t partition; /* index into plan.partitions, with on_partition */
	/*
	 * Index into plan.runs: the run that decides what the path shows, the merged mount or what
	 * replaces it when the partition is missing. SIZE_MAX: the plain root then.
	 */
	size_t fallback;
	bool early;	 /* mounted by plan.early_mounts */
	bool has_guards; /* mounts, put into it before it is bound to its path, and bound with it */
	bool commit_at_shutdown; /* CommitAt= */
	/* That commit it at the times of CommitAt=; NULL: there are none. */
	char *commit_timer, *commit_service;
};

struct plan_partition {
	const struct conf_partition *conf; /* NULL: not used or left out */
	char *where;			   /* /rofs/persist/data */
	char *unit;
	char *device_path;
	char *device_unit;
	char *fsck_unit; /* NULL with Check=no */
	/* Makes the file system where there is none; NULL: Format=no. */
	char *format_unit;
	char *grow_unit;		       /* NULL: Grow=no */
	struct plan_dependencies dependencies; /* Requires= and After= */
	size_t prepare; /* index into plan.runs, SIZE_MAX: nothing to prepare */
};

struct plan_persist {
	const struct conf_persist *conf;
	char *path;
	char *lower; /* /rofs/ro/var/local/data: what it is like at first; may not exist */
	const char *directory; /* on the partition; borrowed */
	char *what;	       /* /rofs/persist/data/dir */
	char *unit;
	char *options; /* of the bind; without flags of its own it has those of the partition */
	/* Whose mount point the path is, and the flags that it has from there alone: enum mount_flag. */
	const struct fstab_entry *fstab_entry;
	unsigned from_fstab;
	size_t partition; /* index into plan.partitions */
	/* Index into plan.runs; SIZE_MAX: the directory is the partition's root, always there. */
	size_t prepare;
	/* With Populate=yes: index into plan.lowers of the mount that @lower is on, SIZE_MAX: / */
	size_t lower_mount;
	/*
	 * With Kind=file or IfMissing=volatile: index into plan.overlays of the one its mount point
	 * is in, and made if it is missing. SIZE_MAX: none.
	 */
	size_t overlay;
	/*
	 * Index into plan.runs: the run that makes the path itself, on the tmpfs of rofs on /tmp, with
	 * IfMissing=volatile. SIZE_MAX: none.
	 */
	size_t maker;
	/*
	 * Index into plan.runs: the run that puts the guard on the path, which keeps writes out of
	 * RAM until the partition is mounted. SIZE_MAX: no guard.
	 */
	size_t guard;
	/*
	 * Index into plan.overlays: the one that has the guard before anybody sees it at its path. SIZE_MAX:
	 * none, the guard is put on the path.
	 */
	size_t guard_overlay;
};

/**
 * struct plan_fstab_duplicate - a mount point of fstab whose device is a partition of ours
 *
 * Mounted a second time, the file system would fail to, or be read-only, where the two differ in
 * that. So it is bound from the partition. What pulls it in is fstab's own.
 */
struct plan_fstab_duplicate {
	const struct fstab_entry *entry;
	size_t partition; /* index into plan.partitions */
	char *unit;
};

/** struct plan_finish - a mount point of fstab on which a transaction may have to be finished */
struct plan_finish {
	const struct fstab_entry *entry;
	char *unit;
};

/**
 * struct plan_remount - a line of the fstab that systemd-remount-fs.service is given in place of
 * the real one
 */
struct plan_remount {
	const struct fstab_entry *entry; /* NULL: fstab does not mention / */
	char *options;			 /* NULL: as in @entry */
};

struct plan {
	const struct conf *conf;
	const struct facts *facts;
	struct plan_pool *pools;
	size_t n_pools;
	struct plan_run *runs;
	size_t n_runs;
	size_t early_mounts; /* RUN_RAM: index into runs, SIZE_MAX: there is none */
	struct plan_lower *lowers;
	size_t n_lowers;
	struct plan_overlay *overlays; /* in the order of path_compare() */
	size_t n_overlays;
	struct plan_partition *partitions; /* one per section, same index; see .conf */
	size_t n_partitions;
	struct plan_persist *persists; /* in the order of path_compare() */
	size_t n_persists;
	struct plan_fstab_duplicate *fstab_duplicates;
	size_t n_fstab_duplicates;
	struct plan_finish *finishes; /* empty unless facts.commit_is_pending */
	size_t n_finishes;
	struct plan_remount *remounts; /* empty with [Root] ReadOnly=no */
	size_t n_remounts;
	char **swaps; /* swap units to mask */
	size_t n_swaps;
	/*
	 * Links by which systemd's own generators pull in what is ours now, or would write to what
	 * is kept read-only: "local-fs.target.requires/home.mount"
	 */
	char **masks;
	size_t n_masks;
	bool device_read_only; /* [Root] Device=read-only */
	bool no_swap;	       /* [Root] Swap=no: nor any other swap on a disk */
	char *overlay_options; /* of an overlay in RAM, those the kernel knows: "index=off,..." */
	char *kept_options;    /* the same, of one on a partition */
	bool tmp;	       /* a tmpfs on /tmp */
	bool maintenance;      /* nothing of all that: / is to be writable */
};

void plan_done(struct plan *p);

const char *run_kind_to_string(enum run_kind k);
enum run_kind run_kind_from_string(const char *s);

/**
 * plan_find_run - the run of this kind for a path or a partition
 * @subject: NULL for RUN_RAM
 *
 * Returns: NULL when nothing that is declared needs it.
 */
const struct plan_run *plan_find_run(const struct plan *p, enum run_kind kind, const char *subject);

/* Does the boot stop in emergency mode without it? */
bool plan_overlay_is_required(const struct plan_overlay *o);
bool plan_persist_is_required(const struct plan_persist *p);

/** plan_partition_holds_uppers - does an overlay keep its changes on the partition? */
bool plan_partition_holds_uppers(const struct plan *p, const struct plan_partition *partition);

/** plan_overlay_starts_empty - is clean @path one of the overlay's StartEmpty= directories? */
bool plan_overlay_starts_empty(const struct plan_overlay *o, const char *path);

/** plan_find_overlay, plan_find_persist - what is planned on exactly this clean path, or NULL */
const struct plan_overlay *plan_find_overlay(const struct plan *p, const char *path);
const struct plan_persist *plan_find_persist(const struct plan *p, const char *path);

void plan_run_done(struct plan_run *r);
void plan_lower_done(struct plan_lower *l);
void plan_overlay_done(struct plan_overlay *o);
void plan_partition_done(struct plan_partition *p);
void plan_persist_done(struct plan_persist *p);

#define _cleanup_plan_ _cleanup_(plan_done)

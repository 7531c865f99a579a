/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "plan/plan.h"
#include "verdict/root-devices.h"
#include "verdict/transactions.h"

/*
 * The running system, to be compared with a plan. Only the structs, and questions about them;
 * src/system/observe.c fills them.
 */

/** struct observed_mount - a line of /proc/self/mountinfo; strings owned */
struct observed_mount {
	unsigned id, parent;
	unsigned major, minor; /* of the file system; major 0: not a block device */
	/* Of its block device, also where the file system has a number of its own; 0:0: none. */
	unsigned device_major, device_minor;
	char *root; /* which directory of the file system is mounted */
	char *target;
	char *type;
	char *source;
	char *options;	     /* of this mount: "rw,nosuid,relatime" */
	char *fs_options;    /* of the whole file system: "rw,lowerdir=..." */
	bool read_only;	     /* this mount */
	bool fs_read_only;   /* the whole file system, or it takes no more writes after an error */
	bool is_slave;	     /* it gets mounts from others */
	unsigned peer_group; /* it shares them with the others of the group; 0: none */
};

/** struct observed_device - the block device that Device= or fstab names; all-zero: not looked up */
struct observed_device {
	enum {
		DEVICE_UNKNOWN,
		DEVICE_ABSENT,
		DEVICE_PRESENT
	} state;
	unsigned major, minor;
};

enum storage_kind {
	STORAGE_SHARED,	   /* the shared RAM pool */
	STORAGE_OWN,	   /* the RAM pool of one overlay */
	STORAGE_PARTITION, /* a persistent partition */
};

/** struct usage - how full a file system is; all-zero: unknown */
struct usage {
	bool known;
	uint64_t size, used, available; /* bytes; available: to ordinary users */
	uint64_t inodes, inodes_used;	/* inodes 0: unlimited */
};

/** struct storage - a file system that takes writes: a pool or a partition */
struct storage {
	enum storage_kind kind;
	const char *name; /* "ram", "/srv", "data"; borrowed from the plan */
	const char *dir;  /* "/rofs", "/rofs/rw/srv", "/rofs/persist/data"; borrowed */
	const char *unit; /* that mounts it; borrowed */
	size_t index;	  /* into plan.pools or plan.partitions */
	bool is_pool;	  /* holds uppers */
	struct usage usage;
};

/** struct observed_hidden - a file system that an overlay hides; strings owned */
struct observed_hidden {
	size_t overlay; /* index into plan.overlays */
	char *unit;	/* file of the unit that would mount it on the path of the overlay */
	char *what;	/* device, or what else it mounts */
};

/** struct observed - the running system; all-zero: nothing is known. observed_done() frees it. */
struct observed {
	struct observed_mount *mounts; /* in the order of mountinfo: a mount follows what it covers */
	size_t n_mounts;
	char **swaps; /* active swap that is not zram: paths */
	size_t n_swaps;
	struct storage *storages;
	size_t n_storages;
	/* In the order of plan.partitions and plan.lowers; NULL: not looked up. */
	struct observed_device *partitions, *lowers;
	struct observed_hidden *hidden;
	size_t n_hidden;
	struct root_devices root_devices;
	struct transactions transactions;
};

void observed_done(struct observed *s);

/**
 * observed_storages - list the storages of a plan, their usage still unknown
 *
 * RAM pools first, the shared one before the others, then the partitions in use.
 *
 * Returns: 0 or -ENOMEM.
 */
int observed_storages(struct observed *s, const struct plan *p);

/**
 * observed_at - the mount that a program finds at @path: the one it is on, covered by no other
 *
 * Returns: NULL only if no root is mounted at all.
 */
const struct observed_mount *observed_at(const struct observed *s, const char *path);

/** observed_mounted_at - as observed_at(), but NULL unless @path itself is a mount point */
const struct observed_mount *observed_mounted_at(const struct observed *s, const char *path);

/** observed_same_fs - are both mounts of the same file system? */
bool observed_same_fs(const struct observed_mount *a, const struct observed_mount *b);

/**
 * observed_is_on_device - is its file system on this device?
 *
 * Returns: false also where @d is absent or has not been looked up.
 */
bool observed_is_on_device(const struct observed_mount *m, const struct observed_device *d);

/** observed_is_read_only - do writes through this mount fail? */
bool observed_is_read_only(const struct observed_mount *m);

/** observed_is_overlay - is it an overlay of ours? */
bool observed_is_overlay(const struct observed_mount *m);

/** observed_is_extension - has systemd-sysext or systemd-confext merged images there? */
bool observed_is_extension(const struct observed_mount *m);

/** observed_beneath_extensions - what such a mount covers; @m itself if it is none. @m: or NULL */
const struct observed_mount *observed_beneath_extensions(const struct observed *s,
							 const struct observed_mount *m);

/** observed_is_volatile - is what is written to this mount lost at power-off? */
bool observed_is_volatile(const struct observed_mount *m);

/**
 * pool_name - what the storage that holds the changes of an overlay is called: "ram" for the shared
 * pool, the path of the overlay with Size= for its pool, or the name of its partition; borrowed
 */
const char *pool_name(const struct plan_overlay *o);

/** storage_of_overlay - that storage itself; NULL only if @s lists the storages of another plan. */
const struct storage *storage_of_overlay(const struct observed *s, const struct plan_overlay *o);

/** usage_percent - of the bytes that can be used, rounded up as df(1) does; 0 when not known. */
unsigned usage_percent(const struct usage *u);
unsigned usage_inodes_percent(const struct usage *u);

#define USAGE_WARNING_PERCENT  80u
#define USAGE_CRITICAL_PERCENT 95u

/** usage_level - 0, USAGE_WARNING_PERCENT or USAGE_CRITICAL_PERCENT: the limit that @percent
 * reached. */
unsigned usage_level(unsigned percent);

#define _cleanup_observed_ _cleanup_(observed_done)

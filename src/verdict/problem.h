/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "basic/diag.h"
#include "basic/strbuf.h"
#include "verdict/observed.h"

/*
 * A problem is data: what kind it is, and what it is about. One table says how severe each kind is,
 * what programs call it, and how it reads as a sentence. rofs(8) and the schemas in docs/ list the
 * kinds.
 */

enum problem_kind {
	PROBLEM_NONE,
	PROBLEM_CONFIGURATION,
	/* What rofs status finds. */
	PROBLEM_NOTHING_MOUNTED,
	PROBLEM_NOTHING_DECLARED,
	PROBLEM_ROOT_WRITABLE,
	PROBLEM_ROOT_WRITABLE_MOUNT,
	PROBLEM_ROOT_WRITABLE_SUPERBLOCK,
	PROBLEM_ROOT_DEVICE_UNSET,
	PROBLEM_ROOT_DEVICE_WRITABLE,
	PROBLEM_ROOT_DEVICE_IN_USE,
	PROBLEM_LOWER_ROOT_MISSING,
	PROBLEM_LOWER_ROOT_WRONG,
	PROBLEM_LOWER_MISSING,
	PROBLEM_LOWER_WRONG,
	PROBLEM_LOWER_WRONG_DIRECTORY,
	PROBLEM_LOWER_WRITABLE,
	PROBLEM_LOWER_WRITABLE_SUPERBLOCK,
	PROBLEM_LOWER_COVERED,
	PROBLEM_POOL_NOT_MOUNTED,
	PROBLEM_POOL_WRONG,
	PROBLEM_POOL_READ_ONLY,
	PROBLEM_OVERLAY_MISSING,
	PROBLEM_OVERLAY_COVERED,
	PROBLEM_OVERLAY_EXTENDED,
	PROBLEM_OVERLAY_EXTENDED_READ_ONLY,
	PROBLEM_OVERLAY_READ_ONLY,
	PROBLEM_OVERLAY_NOT_KEPT,
	PROBLEM_OVERLAY_OUTSIDE_POOL,
	PROBLEM_UPPER_COVERED,
	PROBLEM_OVERLAY_BEFORE_LOWER,
	PROBLEM_OVERLAY_WRONG_LAYERS,
	PROBLEM_OVERLAY_WRONG_FEATURES,
	PROBLEM_OVERLAY_WRONG_DIRECTORY,
	PROBLEM_OVERLAY_SOURCE_UNMOUNTED,
	PROBLEM_OVERLAY_HIDES_MOUNT,
	PROBLEM_PERSIST_MISSING,
	PROBLEM_PERSIST_COVERED,
	PROBLEM_PERSIST_READ_ONLY,
	PROBLEM_PERSIST_WRONG_DIRECTORY,
	PROBLEM_PARTITION_WRONG_DEVICE,
	PROBLEM_PARTITION_WRONG_DIRECTORY,
	PROBLEM_PARTITION_READ_ONLY,
	PROBLEM_PARTITION_UNMOUNTED,
	PROBLEM_TMP_MISSING,
	PROBLEM_TMP_WRONG,
	PROBLEM_FLAGS_MISSING,
	PROBLEM_NOT_PRIVATE,
	PROBLEM_SWAP_ACTIVE,
	PROBLEM_SPACE_LOW,
	PROBLEM_INODES_LOW,
	PROBLEM_CONFIGURATION_DIFFERS,
	PROBLEM_CONFIGURATION_CHANGED,
	PROBLEM_ROOT_WRITTEN,
	PROBLEM_COMMIT_RUNNING,
	PROBLEM_COMMIT_UNFINISHED,
	PROBLEM_REBOOT_PENDING,
	PROBLEM_MAINTENANCE_NEXT,
	PROBLEM_MAINTENANCE_STAYS,
	/* What rofs check finds; the sentence comes with the entry of the diag. */
	PROBLEM_OVERLAYFS_MISSING,
	PROBLEM_LOWER_REFUSED,
	PROBLEM_UPPER_REFUSED,
	PROBLEM_OVERLAY_INHERITS_READ_ONLY,
	PROBLEM_OVERLAY_INHERITS_NOSUID,
	PROBLEM_FLAGS_INHERITED,
	PROBLEM_QUOTA_NOT_ENFORCED,
	PROBLEM_ROOT_UNPROTECTED,
	PROBLEM_FSTAB_ROOT_WRITABLE,
	PROBLEM_ROOT_SUBVOLUME_WRITABLE,
	PROBLEM_CMDLINE_WRITABLE,
	PROBLEM_CMDLINE_VOLATILE,
	PROBLEM_ROOT_OVERLAID,
	PROBLEM_FSCK_IN_INITRAMFS,
	PROBLEM_FSCK_FORCED,
	PROBLEM_FSCK_SKIPPED,
	PROBLEM_BOOT_PARTITION_WRITABLE,
	PROBLEM_USR_WRITABLE,
	PROBLEM_ROOT_DEVICE_NONE,
	PROBLEM_ROOT_DEVICE_NEEDED,
	PROBLEM_ROOT_DEVICE_SHARED,
	PROBLEM_ROOT_DEVICE_REMOUNT,
	PROBLEM_ROOT_DEVICE_LATE,
	PROBLEM_BOOT_OFF,
	PROBLEM_DEVICE_MISSING,
	PROBLEM_DEVICE_UNKNOWN,
	PROBLEM_DEVICE_IS_ROOT,
	PROBLEM_DEVICE_SHARED,
	PROBLEM_PARTITION_UNIT,
	PROBLEM_FILE_SYSTEM_MISSING,
	PROBLEM_FILE_SYSTEM_WRONG,
	PROBLEM_DIRECTORY_REFUSED,
	PROBLEM_POOL_TOO_LARGE,
	PROBLEM_POOLS_TOO_LARGE,
	PROBLEM_FILE_REPLACED,
	PROBLEM_FILE_BOUND,
	PROBLEM_FSTAB_BOUND,
	PROBLEM_JOURNAL_IN_RAM,
	PROBLEM_LOG_IN_RAM,
	PROBLEM_DATABASE_IN_RAM,
	PROBLEM_CACHE_IN_RAM,
	PROBLEM_CONTAINER_STORAGE,
	PROBLEM_APPLICATIONS_IN_RAM,
	PROBLEM_DATA_READ_ONLY,
	PROBLEM_EXPORT_REFUSED,
	PROBLEM_DIRECTORY_PRIVATE,
	PROBLEM_WRITE_FAILS,
	PROBLEM_WRITE_LOST,
	PROBLEM_HOME_READ_ONLY,
	PROBLEM_HOST_KEYS_MISSING,
	PROBLEM_LOWER_SHARED,
	PROBLEM_DATA_UNREADABLE,
	PROBLEM_COMMIT_REFUSED,
	PROBLEM_COMMIT_TIME,
	_PROBLEM_KIND_MAX,
};

/** problem_kind_to_string - "overlay-missing": what JSON calls it */
const char *problem_kind_to_string(enum problem_kind kind);
enum diag_level problem_kind_severity(enum problem_kind kind);

/** struct fate - what happens to writes to a path where something declared is missing */
struct fate {
	enum fate_kind {
		FATE_FAIL,
		FATE_DEVICE,	/* they go to @device */
		FATE_PARTITION, /* they go to @partition, with the overlay on @with */
		FATE_RAM, /* they are lost at power-off; with the overlay on @with, if not NULL */
	} kind;
	const char *device, *partition, *with;
};

#define PROBLEM_UNITS_MAX 7u

/** struct problem - one thing that is not as it should be. Strings are borrowed unless it says so. */
struct problem {
	enum problem_kind kind;
	enum diag_level severity; /* an error: something declared is not in force */
	const char *path;	  /* what it is about; NULL: no path */
	const char *partition;	  /* its name; NULL: none is concerned */
	const char *unit;	  /* that mounts what it is about; NULL: none */
	/* What else the sentence names, by kind. */
	const char *device, *place, *type;
	const char *declared;	/* what should be there instead of what is */
	const char *origin;	/* what says so: "fstab", or the path of another file */
	const char *directory;	/* of the file system, that is mounted */
	const char *fs_options; /* of the file system that is mounted */
	unsigned flags;		/* enum mount_flag: those that are missing */
	uint64_t sectors;	/* of 512 bytes */
	struct fate fate;
	const struct storage *storage;
	const struct diag_entry *entry;
	/* Units whose messages say why, the cause before what follows from it. */
	const char *units[PROBLEM_UNITS_MAX];
	size_t n_units;
	char *reason; /* why, mostly in the journal's words; NULL: not known, or not looked up; owned */
};

/** struct problems - a list, errors first. All-zero is empty. */
struct problems {
	struct problem *items;
	size_t n, n_errors;
	bool failed; /* one was lost for want of memory */
};

/**
 * problems_add - add a problem, behind those that are as severe
 * @p: copied, its reason included; its severity is that of its kind, or of its entry
 */
void problems_add(struct problems *l, const struct problem *p);
void problems_done(struct problems *l);

/** problem_add_unit - name a unit that may say why; NULL: none */
void problem_add_unit(struct problem *p, const char *unit);

/** problem_of_entry - a mistake in the configuration, or what a check has found, as a problem */
struct problem problem_of_entry(const struct diag_entry *e);

/** problem_of_storage - a storage that runs full. @kind: PROBLEM_SPACE_LOW or PROBLEM_INODES_LOW. */
struct problem problem_of_storage(enum problem_kind kind, const struct storage *v);

/**
 * problem_say - the sentence: one line, no full stop
 *
 * Bytes from the running system that could act on a terminal are shown as \xNN.
 */
void problem_say(struct strbuf *b, const struct problem *p);

/** problem_format - as problem_say(). @ret: the caller frees it. Returns: 0 or -ENOMEM. */
int problem_format(const struct problem *p, char **ret);

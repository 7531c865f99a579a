/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "plan/unit-names.h"

/*
 * What the decision needs to know of the machine. Only the structs: src/system/facts-read.c fills them.
 */

enum path_type {
	PATH_MISSING,
	PATH_DIRECTORY,
	PATH_FILE,    /* a regular file */
	PATH_OTHER,   /* a device, socket, ... */
	PATH_UNKNOWN, /* cannot be resolved: see error */
	PATH_OPAQUE,  /* below a mount point of fstab, or untrusted: not looked at */
};

/**
 * struct path_fact - what lies at a declared path in the untouched system
 *
 * Below a mount point of fstab nothing is looked at: whoever may write to that file system could
 * change the plan, and at boot it is not mounted yet. The same goes for a link that a user may have put
 * in the place of a directory since.
 */
struct path_fact {
	/*
	 * Clean, symbolic links followed up to a mount point of fstab, an untrusted link or the end of what
	 * exists; owned.
	 */
	char *resolved;
	enum path_type type;
	int error;	/* -errno with PATH_UNKNOWN */
	bool untrusted; /* at or below a link that users other than root could have made or moved */
};

/**
 * struct fstab_entry - one line of /etc/fstab, octal escapes decoded; all strings owned
 *
 * Or what mounts a file system as such a line does: a mount unit of the image (with what it depends on as
 * options, as fstab would say it), or systemd.mount-extra= on the kernel command line.
 */
struct fstab_entry {
	char *spec; /* of a bind of a path, or an image: clean, symbolic links resolved */
	char *dir;  /* clean, symbolic links resolved; as written for swap ("none") */
	char *type;
	char *options;
	int freq, passno;
	unsigned line;	   /* of the file; 0: not known */
	char *file;	   /* NULL: fstab */
	bool spec_is_file; /* a regular file of the root: the image of a file system */
	bool pulled;	   /* something pulls its unit in, whatever noauto says */
	/* Not mounted: systemd goes by a unit of the same name instead, which may be masked. */
	bool overridden;
	char *refused; /* why the file system cannot be a lower, though systemd mounts it; NULL: it can */
};

/**
 * struct native_link - a link or drop-in of the image that is not meant for a unit of rofs
 *
 * Where rofs mounts something on @dir, a link of this name to /dev/null masks it.
 */
struct native_link {
	char *dir;
	char *name; /* "home.mount.d/50-options.conf", "local-fs.target.wants/home.automount" */
};

/** struct unit_wait - a unit of the image that is named as a dependency waits for a mount unit; owned */
struct unit_wait {
	char *unit, *mount;
};

/**
 * struct facts - taken once, at the start, from the untouched system
 *
 * All-zero is a machine without fstab whose kernel is not known (taken for a new one). facts_done()
 * frees it.
 */
struct facts {
	unsigned kernel_major, kernel_minor; /* 0.0: not known */
	struct fstab_entry *fstab;
	size_t n_fstab;
	struct native_link *native_links;
	size_t n_native_links;
	/*
	 * How the kernel command line has / mounted, which counts if fstab does not mention it. Without
	 * rootflags= all are NULL.
	 */
	struct fstab_entry cmdline_root;
	struct path_fact *overlays; /* one for each of conf's overlays, same order */
	size_t n_overlays;
	struct path_fact *persists; /* one for each of conf's persists, same order */
	size_t n_persists;
	/*
	 * Units that are named as dependencies and start after local-fs.target: of the image, and of
	 * mounts of fstab from the network.
	 */
	struct unit_names late_units;
	/* The same of those that start before local-fs-pre.target, or before udev. */
	struct unit_names early_units;
	struct unit_wait *waits; /* by the name of the unit */
	size_t n_waits;
	/* Drop-ins in mount.d, which are for all mount units, that change what is mounted: "50-x.conf" */
	struct unit_names mount_dropins;
	/* Units in /etc/systemd/system.control, which take precedence over those of generators. */
	struct unit_names controlled;
	/* By systemd.mask= and systemd.wants= on the kernel command line; and in masked, extra_units, too. */
	struct unit_names masked, wanted;
	/* Those of the credentials systemd.extra-unit.NAME, which take the place of units of rofs. */
	struct unit_names extra_units;
	bool fstab_is_off; /* fstab=no: of it, only what the initramfs mounts is here */
	bool rofs_exists;  /* /rofs is a directory */
	/* A power cut has interrupted a transaction: at boot, /rofs/commit is there. */
	bool commit_is_unfinished;
	bool commit_is_pending; /* the same, of other file systems than the root */
	bool tmp_is_plain;	/* /tmp is a directory, not a link */
	bool tmp_unit_wanted;	/* local-fs.target pulls in a tmp.mount that is not masked */
	bool zram_unit_exists; /* zram-generator is installed: there is its systemd-zram-setup@.service */
};

void fstab_entry_done(struct fstab_entry *e);
void facts_done(struct facts *f);

/**
 * facts_is_masked - does the kernel command line mask this unit, or its template, or does a credential
 * replace it?
 */
bool facts_is_masked(const struct facts *f, const char *unit);

#define _cleanup_facts_ _cleanup_(facts_done)

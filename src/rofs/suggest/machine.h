/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "basic/macro.h"
#include "conf/conf.h"
#include "plan/facts.h"
#include "verdict/problem.h"

/*
 * What a suggestion depends on. Only the structs, and what frees them: gather*.c fill them from a
 * machine, tests by hand.
 */

/** enum path_use - what a program does below a path, in the order of importance */
enum path_use {
	USE_CONTAINERS, /* images and containers: overlays of their own, which an overlay cannot hold */
	USE_MACHINES,  /* disks and root file systems of virtual machines and system containers */
	USE_EXPORT,    /* exported over NFS, which an overlay cannot be */
	USE_DATA,      /* databases, mail: what the machine is there for */
	USE_HOME,      /* the files of users */
	USE_IDENTITY,  /* what others know this machine by: keys, leases, the clock */
	USE_STATE,     /* what a service remembers */
	USE_WRITE,     /* written to, not known what for */
	USE_TEMPORARY, /* of no use after a reboot */
	USE_CACHE,     /* can be made again */
	USE_LOG,       /* appended to, and so copied whole */
	USE_JOURNAL,   /* of systemd-journald: opened for writing, and so copied whole */
	_PATH_USE_MAX,
};

/** enum path_found - what is at a path */
enum path_found {
	FOUND_NOTHING,
	FOUND_EMPTY,   /* an empty directory */
	FOUND_CONTENT, /* a directory with something in it, or one that this user may not read */
	FOUND_OTHER,   /* a file, a device, ... */
};

/** struct machine_path - a path that a program writes to */
struct machine_path {
	char *path; /* clean, links resolved; owned */
	char *who;  /* "MariaDB", "foo.service (StateDirectory=)"; owned */
	enum path_use use;
	const char *suffix; /* of the names of the files that count; NULL: all; borrowed */
	enum path_found found;
	uint64_t bytes;	 /* of the files that would be copied to RAM when they are written to */
	bool incomplete; /* this user may not read all of it */
};

/** struct machine_device - a block device with a file system that nothing uses; all strings owned */
struct machine_device {
	char *spec;  /* "LABEL=data", for Device= */
	char *node;  /* "/dev/sda3" */
	char *type;  /* "ext4" */
	char *label; /* NULL: it has none */
	uint64_t bytes;
};

/** enum boot_loader - where the kernel command line is configured */
enum boot_loader {
	BOOT_LOADER_UNKNOWN,
	BOOT_LOADER_GRUB,
	BOOT_LOADER_SYSTEMD,
	BOOT_LOADER_RASPBERRY_PI,
	_BOOT_LOADER_MAX,
};

/** struct machine_dirs - paths, clean and links resolved, or other names; owned */
struct machine_dirs {
	char **list;
	size_t n;
};

/** struct machine_refusal - a section that cannot be on this machine; strings owned */
struct machine_refusal {
	enum conf_kind kind;
	char *name; /* of a partition, its device: what it is called is decided anew */
	char *why;  /* "[Overlay /home]: ..." */
};

/** struct machine_warning - what rofs check will find, and no section can prevent; strings owned */
struct machine_warning {
	enum problem_kind kind;
	char *place; /* "/etc/fstab, line 2"; NULL: none, or in rofs.conf */
	char *text;
};

/** struct machine - all of it; all-zero is a machine of which nothing is known */
struct machine {
	const struct facts *facts; /* for fstab; borrowed */
	bool running;		   /* this machine, not a tree: its devices are known */
	bool lacks_rofs;	   /* there is no directory /rofs for the layers */
	bool unread;		   /* this user could not read all that counts */
	bool declared;		   /* there is a rofs.conf that declares something */
	bool boots_rw;		   /* the kernel command line says rw */
	bool has_machine_id;	   /* /etc/machine-id on the root file system holds an ID */
	bool lacks_host_keys;	   /* sshd is installed, and has no host key */
	char *named_host_key;	   /* one of HostKey= that does not exist; NULL: none; owned */
	enum boot_loader boot_loader;
	uint64_t memory_bytes;		 /* 0: not known */
	struct machine_dirs directories; /* those that may be overlaid */
	struct machine_dirs foreign; /* mounted by fstab, and others than root may write there */
	struct machine_dirs absent;  /* of fstab, and nothing is mounted there now */
	/* Of the partitions that files in rofs.conf.d declare: the names, and Device=. */
	struct machine_dirs declared_names, declared_devices;
	struct machine_path *paths;
	size_t n_paths;
	struct machine_device *devices;
	size_t n_devices;
	struct machine_refusal *refusals;
	size_t n_refusals;
	struct machine_warning *warnings;
	size_t n_warnings;
};

void machine_device_done(struct machine_device *d);
void machine_done(struct machine *m);

/**
 * machine_add_path - add a path, or to what is known of it the more important use
 * @path:   clean, links resolved; copied, as @who is
 * @suffix: of the names of the files that count; NULL: all
 *
 * Returns: 0 or -ENOMEM.
 */
int machine_add_path(struct machine *m, const char *path, enum path_use use, const char *who,
		     const char *suffix);

/** machine_add_dir - add a path, which is copied. Returns: 0 or -ENOMEM. */
int machine_add_dir(struct machine_dirs *dirs, const char *path);
bool machine_has(const struct machine_dirs *dirs, const char *path);

/**
 * machine_refuse - a section of this kind and name must not be suggested; both strings are copied
 *
 * Returns: 1, 0 if that is known, or -ENOMEM.
 */
int machine_refuse(struct machine *m, enum conf_kind kind, const char *name, const char *why);
/** machine_refusal - what is known of a section; NULL: it may be suggested */
const struct machine_refusal *machine_refusal(const struct machine *m, enum conf_kind kind,
					      const char *name);

/** machine_warn - takes over @w; also after a failure. Returns: 0 or -ENOMEM. */
int machine_warn(struct machine *m, struct machine_warning w);
void machine_forget_warnings(struct machine *m);

#define _cleanup_machine_ _cleanup_(machine_done)

/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "rofs/chroot/delta.h"
#include "system/load.h"
#include "transaction/stage.h"
#include "transaction/window.h"

/*
 * rofs chroot: a command in the untouched system, as one transaction. All that it writes goes to the
 * upper layer of an overlay over the whole root, and that layer is in the staging directory of the
 * transaction, on the root file system itself. If the command succeeds, what is there is switched into
 * place by renames.
 */

/** struct chroot_options - the command line */
struct chroot_options {
	bool discard;	/* discard all changes in any case */
	bool direct;	/* no transaction: the command writes to the root file system itself */
	bool yes;	/* do not ask */
	const char *on; /* the partition that holds the changes until the switch; NULL: the root */
	char **command; /* NULL at its end; empty: a shell */
};

/**
 * chroot_options_parse - parse the command line
 *
 * Returns: -1 to go on, else the exit status.
 */
int chroot_options_parse(int argc, char **argv, struct chroot_options *ret);

/* The upper layer, in the directory of the layers. */
#define CHROOT_UPPER "upper"
#define CHROOT_WORK  "work"

/** struct chroot_system - a file system that belongs to the untouched system */
struct chroot_system {
	char *path;   /* as users see it: "/", "/home", "/boot" */
	char *where;  /* where it is mounted now: "/rofs/ro", "/rofs/ro/home", "/boot" */
	bool copied;  /* overlayfs refuses it: the command works on a copy, which is written back */
	size_t index; /* in the window, unless it is copied */
	int fd; /* its root directory: that of the window, or where it is mounted; -1: not open */
	int layers_fd; /* directory of upper and work; of one that is copied, upper is the copy */
	char *device;  /* as its mount names it */
	char *upper; /* in the directory of the layers; its own path in them if it is a subvolume */
	struct delta delta;
};

/** struct chroot - one run */
struct chroot {
	struct chroot_options options;
	bool on_terminal; /* a user could answer when it was started */
	struct loaded loaded;
	struct chroot_system *systems; /* the first one is the root; parents before what is in them */
	size_t n_systems;
	struct window *window;
	struct stage *stage; /* NULL with --direct */
	char *command;	     /* as it was typed, for rofs log */
	int on_fd;	     /* with --on=: root directory of the partition; else -1 */
};

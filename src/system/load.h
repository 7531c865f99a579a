/* SPDX-License-Identifier: MIT */
#pragma once

#include "basic/diag.h"
#include "conf/conf.h"
#include "plan/bootmode.h"
#include "plan/facts.h"
#include "plan/plan.h"
#include "system/rootfs.h"

/** struct loaded - everything between the files and the plan, as the generator has it */
struct loaded {
	struct rootfs root;
	struct conf conf;
	struct diag diag; /* of reading and planning; borrows file names of conf */
	struct facts facts;
	struct plan plan;
	char *cmdline;
	struct boot boot; /* points into cmdline */
	bool blind; /* rofs.conf is what /etc shows: what is in force is closed to this user */
};

/**
 * load_plan - from the files of a system to the plan; the steps are the same for all programs
 * @dir: "/" or a tree
 * @ret: load_done() frees it, also after a failure; must not be moved, as its parts point at each
 *       other
 *
 * The boot mode is read but decides nothing here: the plan is that of an ordinary boot.
 *
 * Returns: 0 (mistakes are in ret->diag) or -errno.
 */
int load_plan(const char *dir, struct loaded *ret);

/**
 * load_conf, load_rest - the two halves of load_plan()
 *
 * load_conf() reads the configuration and the boot mode. The generator asks load_why_off() before
 * load_rest(), which looks at the system: when rofs is off, it reads no more than it must.
 */
int load_conf(const char *dir, struct loaded *ret);
int load_rest(struct loaded *l);

/**
 * load_edited - as load_plan(), but with rofs.conf as it is in /etc now, where a change may wait in
 * an overlay for being written to flash
 */
int load_edited(const char *dir, struct loaded *ret);
void load_done(struct loaded *l);

/* Where rofs-verify keeps a copy of each file of the configuration in force, for all to read. */
#define LOAD_PUBLISHED_DIR "/run/rofs-watch/in-force"

/**
 * load_open_published - the configuration in force for those to whom /rofs, and so the flash, is closed
 *
 * Returns: 0, or -errno: there is no copy, or none is needed.
 */
int load_open_published(const struct rootfs *r, struct rootfs *ret);

/**
 * load_why_off - why rofs deliberately does nothing in this boot
 * @ret: the reason, as part of a sentence; NULL when rofs acts; the caller frees it
 *
 * Returns: 0 or -ENOMEM.
 */
int load_why_off(const struct loaded *l, char **ret);

#define LOADED_INIT                       \
	{                                 \
		.root = { -1, -1, false } \
	}
#define _cleanup_loaded_ _cleanup_(load_done)

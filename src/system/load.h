/* SPDX-License-Identifier: MIT */
#pragma once

#include "basic/diag.h"
#include "conf/conf.h"
#include "plan/bootmode.h"
#include "plan/facts.h"
#include "plan/plan.h"
#include "system/boot-marks.h"
#include "system/facts-read.h"
#include "system/rootfs.h"

/** struct loaded - everything from the files to the plan, as the generator has it */
struct loaded {
	struct rootfs root;
	struct conf conf;
	struct diag diag; /* of reading and planning; borrows file names of conf */
	struct facts facts;
	struct mount_points mount_points; /* of fstab */
	struct plan plan;
	char *cmdline;
	struct boot boot; /* points into cmdline */
	struct boot_marks marks;
	bool blind; /* conf is that of /etc now: this user may not read the one in force */
};

/**
 * load_plan - take the steps from the files of a system to its plan, as all programs do
 * @dir: "/" or a tree
 * @ret: LOADED_INIT; load_done() frees it, also after a failure. Must not be moved, as its parts
 *       point at each other.
 *
 * Reads the boot mode but does not act on it: the plan is that of an ordinary boot.
 *
 * Returns: 0 (mistakes are in ret->diag) or -errno.
 */
int load_plan(const char *dir, struct loaded *ret);

/**
 * load_conf, load_rest - the two halves of load_plan()
 *
 * load_conf() reads the configuration and the boot mode, load_rest() the rest of the system. In
 * between, the generator asks load_why_off(): if rofs is off, it reads no more.
 *
 * Returns: 0 (mistakes are in the diag) or -errno.
 */
int load_conf(const char *dir, struct loaded *ret);
int load_rest(struct loaded *l);

/**
 * load_maintenance - between load_conf() and units_render(): the plan of a maintenance boot
 *
 * Returns: 0 or -errno.
 */
int load_maintenance(struct loaded *l);

/**
 * load_edited - as load_plan(), but with rofs.conf as it is in /etc now
 *
 * It may differ from the one in force by a change that is still in an overlay, not on flash.
 */
int load_edited(const char *dir, struct loaded *ret);

/**
 * load_proposed - as load_edited(), but as if rofs.conf said this; files in rofs.conf.d apply as well
 * @text: modified
 */
int load_proposed(const char *dir, char *text, struct loaded *ret);
void load_done(struct loaded *l);

/* Where rofs-verify publishes the files of the configuration in force, readable for all users. */
#define LOAD_PUBLISHED_DIR "/run/rofs-watch/in-force"

/**
 * load_open_published - open the published configuration if this user may not look into /rofs
 * @ret: as a system that has only these files; set on success
 *
 * Returns: 0, or -errno: nothing is published, or this user may read /rofs itself.
 */
int load_open_published(const struct rootfs *r, struct rootfs *ret);

/**
 * load_report_unread - print that the plan may lack what was declared, as the system failed to read a file
 *
 * Returns: whether it is so.
 */
bool load_report_unread(const struct loaded *l);

/**
 * load_why_off - say why rofs intentionally does nothing in this boot
 * @ret: the reason, as part of a sentence; NULL if rofs acts; the caller frees it
 *
 * Returns: 0 or -ENOMEM.
 */
int load_why_off(const struct loaded *l, char **ret);

#define LOADED_INIT                 \
	{                           \
		.root = ROOTFS_INIT \
	}
#define _cleanup_loaded_ _cleanup_(load_done)

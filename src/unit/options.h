/* SPDX-License-Identifier: MIT */
#pragma once

#include "plan/plan.h"

/*
 * Mount options as mount(8) takes them, in one place: the units have them and rofs-prepare mounts
 * with them. Nothing is escaped.
 */

/* Private: what is mounted below / later must not show up in it. */
#define OPTIONS_RO "bind,ro,private"
/* Without flags of its own, a bind has those of what is bound. */
#define OPTIONS_BIND "bind"
/* The same, with the guards in it. */
#define OPTIONS_BIND_GUARDED "rbind"
/* Flags and limits as in systemd's own tmp.mount. */
#define OPTIONS_TMP "mode=1777,strictatime,nosuid,nodev,size=50%,nr_inodes=1m"

/*
 * On a live file system, a name could lead to another directory by the time the kernel looks. So the
 * lower is mounted by this descriptor, which rofs-prepare has, and nobody else.
 */
#define OPTIONS_LOWER_FD  100
#define OPTIONS_LOWER_DIR "/proc/self/fd/100"

/** options_pool - of the tmpfs of a pool. @ret: the caller frees it. Returns: 0 or -ENOMEM. */
int options_pool(const struct plan_pool *pool, char **ret);

/**
 * options_plain - of a read-only bind of what an overlay has as its lower
 * @bind: "bind" or "rbind"
 * @ret:  the caller frees it
 *
 * Returns: 0 or -ENOMEM.
 */
int options_plain(const struct plan_overlay *o, const char *bind, char **ret);

/**
 * options_merged - of the overlay itself
 * @dir: directory of its upper and work
 * @ret: the caller frees it
 *
 * Returns: 0 or -ENOMEM.
 */
int options_merged(const struct plan *p, const struct plan_overlay *o, const char *dir, char **ret);

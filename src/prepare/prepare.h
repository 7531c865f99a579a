/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

#include "basic/macro.h"
#include "layer/attributes.h"
#include "plan/plan.h"

/*
 * What the files of rofs-prepare share. Paths are given as in the plan and opened below @root_fd.
 */

/**
 * layer_prepare - make upper and work of one overlay
 *
 * work is made last: an overlay without it cannot be mounted, so what is half done is never used.
 * When it is there nothing is changed.
 *
 * Returns: 0; 1 when the overlay can be mounted but is not all that was declared; or -errno. Having
 * logged it, but for 0.
 *
 * In the upper it also makes the mount points of single files that the lower does not have: systemd
 * would make directories.
 */
int layer_prepare(int root_fd, const struct plan *p, const struct plan_overlay *o);

/**
 * gpt_conflict_check - is there a partition that systemd would mount where the overlay is?
 *
 * systemd-gpt-auto-generator finds partitions for /home, /srv and /var by their type. The units of
 * an overlay win over its units, and without a line in fstab the generator cannot know of the
 * partition: it may not probe devices.
 *
 * Returns: 0; or -ENOTUNIQ, having logged it; or -ENOMEM.
 */
int gpt_conflict_check(int root_fd, const struct plan_overlay *o);

/**
 * machine_id_make - put the id that is in force into the upper layer of /etc
 * @upper_fd: upper directory of /etc
 * @lower_fd: lower directory of /etc
 *
 * On a read-only root with an empty /etc/machine-id, PID 1 makes an id in /run and binds it over
 * the file. The overlay would show the empty one, or, on a partition, that of an earlier boot. With
 * a valid id in the lower and none in the upper nothing is done.
 *
 * Returns: 0 or -errno.
 */
int machine_id_make(int root_fd, int lower_fd, int upper_fd);

/**
 * machine_id_hold - take hold of PID 1's bind on /etc/machine-id, to release it later
 *
 * Returns: a descriptor, -ENOENT when nothing is mounted there, or -errno.
 */
int machine_id_hold(int root_fd);

/**
 * machine_id_release - unmount what machine_id_hold() has found, even below an overlay
 * @fd: closed in any case
 *
 * Left in place it would be a mount that cannot be unmounted by its path. To be called when the
 * overlay is on /etc: before that, everybody would see the empty file for a moment, and a journald
 * that starts then has no id.
 *
 * Returns: 0 or -errno, having logged it.
 */
int machine_id_release(int fd);

/**
 * updated_make - keep services that wait for a changed /usr (ConditionNeedsUpdate=) from running at
 * each boot
 * @dir_fd: upper directory of /etc or /var
 *
 * On a read-only root they do not run at all. On the overlay they would, whenever the lower
 * .updated is older than /usr, and their work would be thrown away. So .updated gets the time of
 * /usr, as systemd-update-done.service writes it.
 *
 * Returns: 0 or -errno.
 */
int updated_make(int root_fd, int lower_fd, int upper_fd);

/**
 * persist_prepare - make the Directory= of a persist, if it is not there: with its mode, its owner
 * and, with Populate=yes, its content
 *
 * A power cut at any moment leaves it whole or not there. Returns: 0, or -errno, having logged it;
 * the partition is then as it was.
 */
int persist_prepare(int root_fd, const struct plan *plan, const struct plan_persist *p);

/** make_path - open a directory below @root_fd, making what is missing. Returns: fd or -errno. */
int make_path(int root_fd, const char *path);

/**
 * format_partition - make the file system of a partition that holds nothing
 *
 * Nothing: no signature that wipefs(8) knows, also a damaged one, and only zeros, or only the ones
 * of erased flash, in the first and the last MiB.
 *
 * Returns: 0 when it has a signature or a file system was made; -EEXIST when it holds something
 * else; or -errno. Having logged what was made, or why not.
 */
int format_partition(const struct plan_partition *p);

/**
 * open_dir_at - open a directory below @root_fd without following a link at its end. @path:
 * absolute. Returns: fd or -errno.
 */
int open_dir_at(int root_fd, const char *path);

/**
 * make_dir_at - make a directory with mode 0700 below @dir_fd if it is not there, and open it.
 * Returns: fd or -errno.
 */
int make_dir_at(int dir_fd, const char *name);

/**
 * make_mount_point - make a directory below /rofs, and those above it, with mode 0700
 *
 * Returns: 0 or -errno, having logged it.
 */
int make_mount_point(const char *path);

/* SPDX-License-Identifier: MIT */
#pragma once

/**
 * machine_id_make - write the machine ID that is in force to the upper directory of /etc
 * @root_fd:            root directory of the system
 * @lower_fd, @upper_fd: lower and upper directory of /etc
 *
 * On a read-only root file system with an empty /etc/machine-id, PID 1 generates an ID in /run and
 * binds it over the file. The overlay would show the empty file, or, on a partition, the ID of an
 * earlier boot. If the lower has a valid ID and the upper has none, nothing is done.
 *
 * Returns: 0 or -errno.
 */
int machine_id_make(int root_fd, int lower_fd, int upper_fd);

/**
 * machine_id_hold - open PID 1's mount on /etc/machine-id, to unmount it later
 *
 * Returns: a descriptor, -ENOENT if nothing is mounted there, or -errno.
 */
int machine_id_hold(int root_fd);

/**
 * machine_id_release - unmount what machine_id_hold() has opened, even below an overlay
 * @fd: closed in any case
 *
 * Under the overlay the mount can no longer be unmounted by its path. Call this when the overlay
 * covers /etc: earlier, programs would see the empty file for a moment, and a journald that starts
 * then has no ID.
 *
 * Returns: 0, or -errno after logging it.
 */
int machine_id_release(int fd);

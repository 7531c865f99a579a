/* SPDX-License-Identifier: MIT */
#pragma once

/**
 * updated_make - give the upper directory of /etc or /var a .updated with the time of /usr
 * @root_fd:            root directory of the system
 * @lower_fd, @upper_fd: lower and upper directory of /etc or /var
 *
 * It keeps services that wait for a changed /usr (ConditionNeedsUpdate=) from running at each boot.
 * On a read-only root file system they do not run at all. On the overlay they would, whenever the
 * lower .updated is older than /usr, and their work would be lost at power-off. The file is written
 * as systemd-update-done.service writes it. If the lower one is not older, nothing is done.
 *
 * Returns: 0 or -errno.
 */
int updated_make(int root_fd, int lower_fd, int upper_fd);

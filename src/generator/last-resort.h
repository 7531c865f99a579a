/* SPDX-License-Identifier: MIT */
#pragma once

/**
 * guard_install - never hang, never die of a signal
 *
 * From systemd 254 on, one generator killed by a signal takes the others down with it, and one that
 * is still running after 90 s freezes the boot (257). So a crash and a hang are turned into exit
 * status 1, with a message to the kernel log; what was written by then is not enabled, see emit().
 */
void guard_install(void);

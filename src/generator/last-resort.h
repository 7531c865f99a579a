/* SPDX-License-Identifier: MIT */
#pragma once

/**
 * last_resort_install - exit instead of hanging or dying of a signal
 *
 * Since systemd 254, a generator that a signal kills takes the others down with it, and since 257
 * one that still runs after 90 s freezes the boot. So a crash, and a run of more than 30 s, end in
 * exit status 1 and a message in the kernel log. Nothing written by then is enabled: emit().
 */
void last_resort_install(void);

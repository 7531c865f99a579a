/* SPDX-License-Identifier: MIT */
#pragma once

#include "rofs/chroot/chroot.h"

/** struct run_result - how the command has ended */
struct run_result {
	bool ran;      /* else: something failed before, or afterwards in the chroot; logged */
	bool by_shell; /* no command was given */
	int status;    /* its exit status; 128 + N if signal N ended it */
	int signal;    /* that ended the command, or 0 */
	int ended_by; /* signal that rofs was told to end by, or 0: all changes are to be discarded */
};

/**
 * run_command - run the command in the chroot, and wait for it
 *
 * In a PID namespace of its own: whatever it leaves behind is killed when it ends, and when this process
 * ends, however that happens. What it sees is mounted in the mount namespace of the window, and gone
 * afterwards. SIGINT and SIGQUIT are for the command alone.
 *
 * Returns: 0, or -errno if no process could be started.
 */
int run_command(const struct chroot *c, struct run_result *ret);

/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>

/*
 * SIGINT, SIGTERM and SIGHUP while a transaction is made: they are blocked, and looked for where the work can be
 * given up. Before the mark, a signal undoes everything; after it, the switch is finished.
 */

/** interrupt_block - block them from here on */
void interrupt_block(void);

/** interrupt_pending - has one of them come? */
bool interrupt_pending(void);

/**
 * interrupt_wait - wait until @fd can be read
 *
 * Returns: false if one of the blocked signals came first, or is already there; it stays pending.
 */
bool interrupt_wait(int fd);

/** interrupt_raise - end by the signal that has come, as the shell expects; returns if none has */
void interrupt_raise(void);

/** interrupt_unblock - in a child process, before it starts another program */
void interrupt_unblock(void);

/* SPDX-License-Identifier: MIT */
#pragma once

#include "rofs/chroot/chroot.h"

/** summary_print - say what the command has changed, on standard output */
void summary_print(const struct chroot *c);

/** summary_is_empty - has it changed nothing that would be written? */
bool summary_is_empty(const struct chroot *c);

/**
 * summary_ask - ask the user on the terminal
 * @otherwise: the answer if there was no terminal from the beginning
 *
 * If it has hung up since, the answer is no.
 */
bool summary_ask(const struct chroot *c, const char *question, bool otherwise);

/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>

/** ask_possible - can a user answer? Standard input and output are a terminal. */
bool ask_possible(void);

/**
 * ask_yes - ask a question on the terminal
 * @question: without "[y/N]"
 *
 * Returns: true for "y" or "yes"; false for all else, at the end of input, and if a signal that is blocked comes meanwhile.
 */
bool ask_yes(const char *question);

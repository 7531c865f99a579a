/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>

/**
 * terminal_lacks_utf8 - is @fd a terminal that may read bytes of UTF-8 as something else?
 *
 * Of another character set, as the environment says (LC_ALL, LC_CTYPE, LANG; locale(7)). The second byte
 * of a harmless letter can be CSI there, which begins an escape sequence. What is no terminal gets UTF-8,
 * and costs no locale.
 */
bool terminal_lacks_utf8(int fd);

/** terminal_guard_output - if it is such a terminal, make stdout write \xNN. Returns: 0 or -ENOMEM. */
int terminal_guard_output(void);

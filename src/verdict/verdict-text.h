/* SPDX-License-Identifier: MIT */
#pragma once

#include "verdict/verdict.h"

/**
 * verdict_line - the answer in one line
 *
 * "protected: / read-only, /etc /var in RAM (12 MiB of 235 MiB), /srv on /dev/sda2", or "partial: "
 * and the problem, or how many there are.
 *
 * Returns: 0 or -ENOMEM.
 */
int verdict_line(const struct verdict *v, const struct plan *p, const struct observed *s,
		 char **ret);

/**
 * verdict_motd - what those who log in read: lines that end in a newline
 *
 * Returns: 0 or -ENOMEM.
 */
int verdict_motd(const struct verdict *v, const struct plan *p, char **ret);

/**
 * verdict_motd_maintenance - the same in a maintenance boot
 * @l:   the problems of that
 * @ret: the caller frees it
 *
 * Returns: 0 or -ENOMEM.
 */
int verdict_motd_maintenance(const struct problems *l, char **ret);

/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * One parser per type of value. All return 0 with *ret set, -EINVAL (not of the form) or -ERANGE
 * (too big).
 */

/** struct size - an amount of memory: bytes, or a share of RAM. Both 0: not given. */
struct size {
	uint64_t bytes;
	unsigned percent; /* 1 to 100 of the machine's RAM */
};

#define USEC_INFINITY UINT64_MAX

/** value_boolean - 1 yes y true t on / 0 no n false f off, any case: systemd's words. */
int value_boolean(const char *s, bool *ret);

/** value_count - a positive decimal number, K M G multiply by powers of 1024. */
int value_count(const char *s, uint64_t *ret);

/** value_size - value_count() in bytes, or "N%" of RAM with N from 1 to 100. */
int value_size(const char *s, struct size *ret);

/**
 * value_usec - a time span as in systemd.time(7), in microseconds
 *
 * "15", "15s", "1min 30s", "1.5h", "500ms", "infinity". A number without unit is seconds. Zero is no
 * limit, as for the timeouts of systemd (parse_sec_fix_0()): USEC_INFINITY.
 */
int value_usec(const char *s, uint64_t *ret);

/**
 * value_is_unit - do these @n bytes name a unit of systemd, such as "unlock@data.service"?
 *
 * The name of a template, "unlock@.service", is none: nothing can be started by it.
 */
bool value_is_unit(const char *s, size_t n);

/** value_mode - an octal file mode, at most 07777. */
int value_mode(const char *s, unsigned *ret);

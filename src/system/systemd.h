/* SPDX-License-Identifier: MIT */
#pragma once

#include <stddef.h>

/* Asking systemd about units, over sd-bus. */

/** struct unit_state - of one unit, as systemctl shows it */
struct unit_state {
	const char *name; /* borrowed from the caller */
	char *active;	  /* "active", "failed", ...; NULL: unknown; owned */
	char *sub;	  /* "mounted", ... */
};

struct unit_states {
	struct unit_state *units; /* sorted by name */
	size_t n;
};

/**
 * units_ask - ask for the states of some units, in one call
 * @names: borrowed by @ret, @n of them
 * @ret:   set on success
 *
 * Root asks PID 1 directly, so that it works without the system bus; other users go through the bus.
 *
 * Returns: 0, -ENOMEM, or -errno if systemd did not answer.
 */
int units_ask(const char *const *names, size_t n, struct unit_states *ret);
void units_done(struct unit_states *u);

/** units_find - the ActiveState= of a unit, NULL if unknown. Borrowed from @u. */
const char *units_find(const struct unit_states *u, const char *name);

/** units_restart - restart a unit without waiting for it. Returns: 0 or -errno. */
int units_restart(const char *name);

#define _cleanup_units_ __attribute__((cleanup(units_done)))

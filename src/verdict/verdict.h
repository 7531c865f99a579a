/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>

#include "basic/diag.h"
#include "plan/plan.h"
#include "verdict/observed.h"
#include "verdict/problem.h"

/*
 * What is declared, compared with what is in force. The command, the service that reports at boot
 * and the message of the day all say what is found here.
 */

enum verdict_state {
	VERDICT_PROTECTED, /* all that is declared is in force */
	VERDICT_PARTIAL,   /* something is not */
	VERDICT_OFF,	   /* rofs does nothing in this boot, on purpose */
};

struct verdict {
	enum verdict_state state;
	struct problems problems; /* each error: something declared is not in force */
	bool *overlays;		  /* for each overlay of the plan: it is in force */
	bool *persists;		  /* for each persist */
	bool *storages;		  /* for each storage that was observed: it is the declared one */
};

/**
 * verdict_build - compare
 * @p:   the plan of this boot, all-zero if nothing is declared; borrowed by @ret
 * @s:   the running system, with its storages; borrowed by @ret
 * @d:   of reading and planning: each error is a problem, as its section is not in force; borrowed
 *       by @ret
 * @ret: set on success only; verdict_done() frees it
 *
 * Never returns VERDICT_OFF: whoever knows the boot mode says that.
 *
 * Returns: 0 or -ENOMEM.
 */
int verdict_build(const struct plan *p, const struct observed *s, const struct diag *d,
		  struct verdict *ret);

/**
 * verdict_maintenance - what is wrong in a maintenance boot
 * @mark_stays: it could not be removed
 * @ret:        with VERDICT_OFF; verdict_done() frees it
 *
 * Returns: 0 or -ENOMEM.
 */
int verdict_maintenance(bool mark_stays, struct verdict *ret);
void verdict_done(struct verdict *v);

/**
 * verdict_is_anything_mounted - is there a mount at or below /rofs?
 *
 * If so, a boot in which nothing is declared is not one without rofs: verdict_build() says so of a
 * plan that is all-zero.
 */
bool verdict_is_anything_mounted(const struct observed *s);

const char *verdict_state_to_string(enum verdict_state s);

#define _cleanup_verdict_ _cleanup_(verdict_done)

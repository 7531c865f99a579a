/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "basic/diag.h"
#include "plan/plan.h"
#include "verdict/observed.h"

/*
 * What is declared, held against what is in force. The command, the service that reports at boot
 * and the message of the day all say what is found here.
 */

enum verdict_state {
	VERDICT_PROTECTED, /* all that is declared is in force */
	VERDICT_PARTIAL,   /* something is not */
	VERDICT_OFF,	   /* rofs does nothing in this boot, on purpose */
};

#define PROBLEM_UNITS_MAX 7u

/** struct problem - one thing that is not as it should be */
struct problem {
	bool broken; /* something declared is not in force; else it is a warning */
	char *text;  /* a sentence, no full stop; owned */
	/* Units whose messages say why, the cause before what follows from it; borrowed. */
	const char *units[PROBLEM_UNITS_MAX];
	size_t n_units;
};

struct verdict {
	enum verdict_state state;
	struct problem *problems; /* what is broken first */
	size_t n_problems;
	size_t n_broken;
	bool *overlays;	  /* for each overlay of the plan: it is in force */
	bool *persists;	  /* for each persist */
	bool *partitions; /* for each partition: it is mounted */
};

/**
 * verdict_build - compare
 * @p:   the plan of this boot; borrowed by @ret
 * @s:   what is seen, with its storages
 * @d:   of reading and planning: each error is a problem, as its section is not in force
 * @ret: set on success only; verdict_done() frees it
 *
 * Never returns VERDICT_OFF: whoever knows the boot mode says that.
 *
 * Returns: 0 or -ENOMEM.
 */
int verdict_build(const struct plan *p, const struct observed *s, const struct diag *d,
		  struct verdict *ret);
void verdict_done(struct verdict *v);

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
 * verdict_motd - what is said to who logs in, one or two lines that end in a newline
 *
 * Returns: 0 or -ENOMEM.
 */
int verdict_motd(const struct verdict *v, const struct plan *p, char **ret);

/** storage_sentence - "the RAM pool /rofs is 96 % full (...)" or the like. @inodes: of those. */
int storage_sentence(const struct storage *v, bool inodes, char **ret);

const char *verdict_state_to_string(enum verdict_state s);

#define _cleanup_verdict_ _cleanup_(verdict_done)

/* SPDX-License-Identifier: MIT */
#pragma once

#include "layer/upper.h"

/** enum exempt - why an entry of an upper is none of the user's changes */
enum exempt {
	EXEMPT_NOT,
	EXEMPT_BY_ROFS,	     /* rofs itself makes it, in each boot anew */
	EXEMPT_STARTS_EMPTY, /* a StartEmpty= directory */
	EXEMPT_PERSIST,	     /* at or below the path of a persist */
	EXEMPT_RESERVED,     /* at or below the name that transactions have on another lower */
};

/** exempt_of - is this entry one of these? */
enum exempt exempt_of(const struct plan *p, const struct plan_overlay *o,
		      const struct upper_entry *e);

/* SPDX-License-Identifier: MIT */
#pragma once

#include "check.h"
#include "model.h"

#define DATA "[Partition data]\nDevice=LABEL=data\n"
#define F    "/etc/rofs.conf"

/* What a configuration on a machine with @links is refused for. */
static inline void check_plan(struct model *m, const char *text, const struct link_fact *links,
			      const char *expected)
{
	_cleanup_free_ char *seen = NULL;

	check.label = text;
	CHECK_INT(model_read(m, text), 0);
	CHECK_INT(model_look(m, links), 0);
	CHECK_INT(model_plan(m), 0);
	seen = model_messages(m);
	CHECK_STR(seen, expected);
	check.label = NULL;
}

/* SPDX-License-Identifier: MIT */
#pragma once

#include "conf/conf.h"
#include "plan/facts.h"
#include "plan/plan.h"
#include "unit/unit.h"

/** struct model - everything from text to unit set, on a machine that exists only in memory */
struct model {
	struct conf conf;
	struct diag diag;
	struct facts facts;
	struct plan plan;
	struct unit_set set;
};

/** struct link_fact - "the path @from leads to @to"; @type of what is there */
struct link_fact {
	const char *from;
	const char *to;
	enum path_type type;
};

/** model_read - @text as /etc/rofs.conf, and conf_check(). Returns: 0 or -errno. */
int model_read(struct model *m, const char *text);

/** model_add_file - one more configuration file. Returns: 0 or -errno. */
int model_add_file(struct model *m, const char *name, const char *text, size_t len);

/** model_look - facts in which each declared path is a directory, except @links (ended by from == NULL; may be NULL). */
int model_look(struct model *m, const struct link_fact *links);

/** model_add_fstab - one more line of fstab, passno 2. */
int model_add_fstab(struct model *m, const char *spec, const char *dir, const char *type,
		    const char *options);

/** model_plan - model_look() was called; plan_build(). */
int model_plan(struct model *m);

/** model_render - units_render(). */
int model_render(struct model *m);

void model_done(struct model *m);

/** model_messages - all diagnostics, a line each; the caller frees it. */
char *model_messages(const struct model *m);

/** model_unit - the text of a file of the set, the target of a link; NULL if there is none. */
const char *model_unit(const struct model *m, const char *name);

#define _cleanup_model_ _cleanup_(model_done)

/* SPDX-License-Identifier: MIT */
#include "plan/plan-pool.h"

#include <string.h>

#include "plan/plan-names.h"
#include "plan/unit-name.h"

int plan_add_pool(struct building *b, const struct conf_section *s, const char *dir,
		  const struct plan_pool *wanted)
{
	struct plan *p = &b->plan;
	struct plan_pool pool = *wanted;
	int err;

	err = array_reserve(p->pools, p->n_pools);
	if (err < 0)
		return err;
	/* plan_check_unmasked() is about the shared one. */
	err = wanted->shared ? unit_name_from_path(dir, ".mount", &pool.unit) :
			       plan_name_unit(b, s, dir, ".mount", &pool.unit);
	if (err < 0)
		return err;
	pool.dir = strdup(dir);
	if (!pool.dir) {
		free(pool.unit);
		return -ENOMEM;
	}

	p->pools[p->n_pools++] = pool;
	return 0;
}

/*
 * The shared pool also carries the mount points of everything else below /rofs, so it comes first.
 */
int plan_shared_pool(struct building *b)
{
	const struct conf_memory *m = &b->plan.conf->memory;
	struct plan_pool pool = {
		.shared = true, .size = m->size, .inodes = m->inodes, .pos = m->section.pos
	};

	/* A [Memory] section with a mistake is left out: its defaults are in force. */
	if (m->section.invalid) {
		pool.size = (struct size){ .percent = 50 };
		pool.inodes = 0;
	}
	if (!claims_exist(b->claims, b->n_claims))
		return 0;
	return plan_add_pool(b, &m->section, "/rofs", &pool);
}

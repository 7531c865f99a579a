/* SPDX-License-Identifier: MIT */
#include "plan/plan-runs.h"

#include <assert.h>
#include <string.h>

#include "basic/path.h"
#include "plan/plan-names.h"

/*
 * The service of one rofs-prepare run is named after its directory: /rofs/rw/srv ->
 * rofs-prepare-rw-srv.service
 */
int plan_add_prepare(struct building *b, const struct conf_section *s, const char *dir, size_t *ret)
{
	struct plan *p = &b->plan;
	_cleanup_free_ char *path = NULL;
	struct plan_prepare prepare = {
		.first_overlay = NO_INDEX,
		.last_overlay = NO_INDEX,
		.pos = s->pos,
	};
	int err;

	assert(path_is_at_or_below(dir, "/rofs"));
	err = text_format(&path, "/rofs/prepare%s", dir + strlen("/rofs"));
	if (err < 0)
		return err;
	err = array_reserve(p->prepares, p->n_prepares);
	if (err < 0)
		return err;
	err = plan_name_unit(b, s, path, ".service", &prepare.unit);
	if (err < 0)
		return err;
	prepare.dir = strdup(dir);
	if (!prepare.dir) {
		free(prepare.unit);
		return -ENOMEM;
	}

	*ret = p->n_prepares;
	p->prepares[p->n_prepares++] = prepare;
	return 0;
}

int plan_early_mounts(struct building *b, const struct conf_section *s, size_t *ret)
{
	int err;

	if (b->plan.early_mounts == NO_INDEX) {
		err = plan_add_prepare(b, s, "/rofs", &b->plan.early_mounts);
		if (err < 0)
			return err;
		b->plan.pools[0].early = true;
	}

	*ret = b->plan.early_mounts;
	return 0;
}

int plan_partition_prepare(struct building *b, const struct conf_section *s, size_t partition,
			   size_t *ret)
{
	struct plan_partition *p = &b->plan.partitions[partition];
	int err;

	if (p->prepare == NO_INDEX) {
		err = plan_add_prepare(b, s, p->where, &p->prepare);
		if (err < 0)
			return err;
	}

	*ret = p->prepare;
	return 0;
}

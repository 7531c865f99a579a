/* SPDX-License-Identifier: MIT */
/* What rofs-prepare will refuse at the next boot, on partitions and lowers that are mounted now. */
#include <fcntl.h>

#include "basic/beneath.h"
#include "basic/mount-point.h"
#include "rofs/check/check.h"
#include "trust/kept-layers.h"
#include "trust/kept-persist.h"
#include "trust/link.h"

/* Where nothing is mounted there is nothing to say, nor for a user who may not enter /rofs. */
static bool is_mounted(const struct checking *c, size_t partition)
{
	return mount_point_at(c->l->root.root_fd, c->l->plan.partitions[partition].where);
}

/* @err: of a check that has ended. What only strerror(3) explains is not refused. */
static int tell(struct checking *c, const struct conf_section *s, const struct way *w, int err)
{
	if (err == -ENOMEM)
		return err;
	if (err < 0 && w->refusal)
		check_add(c, PROBLEM_DIRECTORY_REFUSED, s, conf_key_pos(s, "Directory"), "%s",
			  w->refusal);
	return 0;
}

static int check_on_partition(const struct checking *c, const struct plan_persist *p, struct way *w)
{
	_cleanup_close_ int fd = -1;
	int err = kept_persist_check_path(w, &c->l->plan, p);

	fd = err < 0 ? err : way_look(w);
	return fd < 0 ? fd : kept_persist_check(w, fd, p);
}

static int check_persist(struct checking *c, const struct plan_persist *p)
{
	_cleanup_way_ struct way w = { 0 };
	int err;

	if (p->prepare == SIZE_MAX || !is_mounted(c, p->partition))
		return 0;
	err = way_to_persist(c->l->root.root_fd, &c->l->plan, p, &w);
	if (err >= 0)
		err = check_on_partition(c, p, &w);
	return tell(c, &p->conf->section, &w, err);
}

static int check_layers(struct checking *c, const struct plan_overlay *o)
{
	_cleanup_way_ struct way w = { 0 };
	_cleanup_close_ int fd = -1;
	int err;

	if (!o->on_partition || !is_mounted(c, o->partition))
		return 0;
	err = way_to_layers(c->l->root.root_fd, &c->l->plan, o, &w);
	fd = err < 0 ? err : way_look(&w);
	err = fd < 0 ? fd : kept_layers_check(&w, fd, o->layers);
	return tell(c, &o->conf->section, &w, err);
}

static void check_way_to_lower(struct checking *c, const struct plan_overlay *o)
{
	_cleanup_close_ int fd = open_beneath(c->l->root.root_fd, o->lower, O_PATH);
	const struct conf_section *s = &o->conf->section;
	_cleanup_free_ char *why = NULL;

	link_explain(c->l->root.root_fd, o->lower, fd, &why);
	if (why)
		check_add(c, PROBLEM_DIRECTORY_REFUSED, s, s->pos, "[Overlay %s]: %s", s->name,
			  why);
}

int check_trust(struct checking *c)
{
	const struct plan *p = &c->l->plan;
	int err = 0;

	for (size_t i = 0; i < p->n_overlays && err >= 0; i++) {
		check_way_to_lower(c, &p->overlays[i]);
		err = check_layers(c, &p->overlays[i]);
	}
	for (size_t i = 0; i < p->n_persists && err >= 0; i++)
		err = check_persist(c, &p->persists[i]);
	return err;
}

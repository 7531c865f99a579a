/* SPDX-License-Identifier: MIT */
#include "rofs/changes/changes.h"

#include <string.h>

#include "basic/path.h"
#include "basic/text.h"
#include "rofs/rofs.h"
#include "rofs/ui/off.h"
#include "system/log.h"
#include "system/program.h"

void changes_done(struct changes *c)
{
	for (size_t i = 0; c->layers && i < c->loaded.plan.n_overlays; i++)
		upper_layer_done(&c->layers[i]);
	free(c->layers);
	asked_paths_done(&c->paths);
	load_done(&c->loaded);
}

void changes_problem(struct changes *c, const char *path, const char *what)
{
	_cleanup_free_ char *shown = NULL;

	c->wrong = true;
	if (text_escape(path, &shown) == 0)
		log_error(0, "%s: %s", shown, what);
}

static int compare_overlay(const void *path, const void *overlay)
{
	return path_compare(path, ((const struct plan_overlay *)overlay)->path);
}

/* Is this the path of another overlay, which has its changes in its own upper layer? */
static bool is_other_overlay(const struct changes *c, const char *path)
{
	const struct plan_overlay *all = c->loaded.plan.overlays, *found;

	found = bsearch(path, all, c->loaded.plan.n_overlays, sizeof(*all), compare_overlay);
	return found && found != c->overlay && c->layers[found - all].path;
}

static bool wants(void *data, const char *path)
{
	const struct changes *c = data;

	return asked_paths_leads(&c->paths, path) && !is_other_overlay(c, path);
}

static bool hides(const struct change *c)
{
	return c->kind == CHANGE_DELETED || c->kind == CHANGE_REPLACED ||
	       c->kind == CHANGE_UNKNOWN || c->opaque;
}

static void report_missing_overlay(struct changes *c, const struct plan_overlay *o)
{
	if (!asked_paths_leads(&c->paths, o->path))
		return;
	log_error(0, "the overlay on %s is not mounted; see systemctl status %s", o->path,
		  o->merged_unit);
	c->wrong = true;
}

static int walk_next(struct changes *c);

/* An overlay below this one is walked when its path is due: so all entries are in the order of paths. */
static int entry(void *data, const struct upper_entry *e)
{
	struct changes *c = data;
	bool hiding = !c->visitor->exact && hides(&e->change);
	int err = 0;

	while (err >= 0 && c->next < c->loaded.plan.n_overlays &&
	       path_compare(c->loaded.plan.overlays[c->next].path, e->path) < 0)
		err = walk_next(c);
	if (err < 0)
		return err;
	return c->visitor->entry(c->visitor->data, c->overlay, e,
				 asked_paths_covers(&c->paths, e->path, hiding));
}

static bool compares(void *data, const char *path)
{
	const struct changes_visitor *v = ((const struct changes *)data)->visitor;

	return v->exact || (v->compares && v->compares(v->data, path));
}

static int walk_next(struct changes *c)
{
	const struct upper_visitor v = { wants, entry, compares, c, c->visitor->unchanged };
	const struct plan_overlay *outer = c->overlay, *o = &c->loaded.plan.overlays[c->next];
	const struct upper_layer *layer = &c->layers[c->next++];
	int err = 0;

	c->overlay = o;
	if (!layer->path)
		report_missing_overlay(c, o);
	else if (asked_paths_leads(&c->paths, o->path))
		err = upper_walk(layer, &v);
	c->overlay = outer;
	return err;
}

int changes_walk(struct changes *c, const struct changes_visitor *v)
{
	int err = 0;

	c->visitor = v;
	while (err >= 0 && c->next < c->loaded.plan.n_overlays)
		err = walk_next(c);
	return err;
}

static int open_layers(struct changes *c)
{
	const struct plan *p = &c->loaded.plan;

	c->layers = calloc(p->n_overlays + 1, sizeof(*c->layers));
	if (!c->layers)
		return -ENOMEM;
	for (size_t i = 0; i < p->n_overlays; i++) {
		int err;

		c->layers[i] = (struct upper_layer){ NULL, -1, -1 };
		err = upper_layer_open(c->loaded.root.root_fd, p, &p->overlays[i], &c->layers[i]);
		if (err < 0 && err != -ENOENT)
			changes_problem(c, p->overlays[i].path, strerror(-err));
	}
	return 0;
}

static int refuse(const char *verb)
{
	return log_error(ROFS_REFUSED, "only root can read the layers; run rofs %s as root", verb);
}

int changes_load(struct changes *c, const char *verb)
{
	const char *root = program_root();
	int err, status;

	if (geteuid() != 0)
		return refuse(verb);
	err = load_plan(root, &c->loaded);
	if (err < 0)
		return log_error(ROFS_WRONG, "%s: %s", root, strerror(-err));
	if (rootfs_is_closed(&c->loaded.root))
		return refuse(verb); /* root of a user namespace only */
	status = off_check(&c->loaded);
	if (status >= 0)
		return status;
	c->wrong = load_report_unread(&c->loaded);
	if (open_layers(c) < 0)
		return log_error(ROFS_WRONG, "out of memory");
	return -1;
}

/* SPDX-License-Identifier: MIT */
/* rofs revert: what is to be put back. */
#include <fcntl.h>
#include <string.h>

#include "basic/io.h"
#include "basic/text.h"
#include "layer/names.h"
#include "rofs/changes/exempt.h"
#include "rofs/changes/flags.h"
#include "rofs/revert/revert.h"

static int add(struct revert *r, const struct plan_overlay *o, struct path_node *path,
	       enum revert_action action, bool dir)
{
	if (array_reserve(r->items, r->n) < 0)
		return -ENOMEM;
	r->items[r->n++] = (struct revert_item){
		.path = path_node_ref(path), .overlay = o, .action = action, .dir = dir
	};
	r->removed += action == REVERT_REMOVE;
	r->put += action == REVERT_PUT;
	r->attributes += action == REVERT_ATTRIBUTES;
	return 0;
}

/* Returns 1 when the upper hides the lower file @name, by a whiteout or as it is not there; 0; or -errno. */
static int is_hidden(int upper_fd, const char *name)
{
	struct stat st;

	if (fstatat(upper_fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? 1 : -errno;
	/* A whiteout is an entry of the walk. */
	return 0;
}

static int add_hidden(struct revert *r, const struct plan_overlay *o, const struct upper_entry *e,
		      int upper_fd, const struct names *lower)
{
	for (size_t i = 0; i < lower->n; i++) {
		int hidden = is_hidden(upper_fd, lower->sorted[i]);
		_cleanup_path_node_ struct path_node *node = NULL;

		if (hidden < 0)
			return hidden;
		if (hidden == 0)
			continue;
		node = path_node_new(e->node, lower->sorted[i]);
		if (!node || add(r, o, node, REVERT_PUT, false) < 0)
			return -ENOMEM;
	}
	return 0;
}

/* What an opaque directory hides. */
static int add_all_hidden(struct revert *r, const struct plan_overlay *o,
			  const struct upper_entry *e)
{
	_cleanup_close_ int upper = open_dir_at(e->upper_dir, e->name),
			    lower = open_dir_at(e->lower_dir, e->name);
	struct names names = { 0 };
	int err;

	if (upper < 0 || lower < 0)
		return upper < 0 ? upper : lower;
	err = names_read(lower, &names);
	if (err >= 0)
		err = add_hidden(r, o, e, upper, &names);
	names_done(&names);
	return err;
}

static enum revert_action action_of(const struct upper_entry *e)
{
	bool dir = S_ISDIR(e->change.type);

	switch (e->change.kind) {
	case CHANGE_ADDED:
		return REVERT_REMOVE;
	case CHANGE_REPLACED:
	case CHANGE_DELETED:
		return REVERT_PUT;
	case CHANGE_MODIFIED:
	case CHANGE_ATTRIBUTES:
		if (!dir)
			return REVERT_PUT;
		return e->change.attributes ? REVERT_ATTRIBUTES : REVERT_ON_WAY;
	case CHANGE_NONE:
	case CHANGE_COPIED:
	case CHANGE_UNKNOWN:
	case _CHANGE_KIND_MAX:
		break;
	}
	return REVERT_ON_WAY;
}

/* Of what differs in nothing else. */
static enum revert_action action_of_flags(const struct revert *r, const struct plan_overlay *o,
					  const struct upper_entry *e)
{
	if (!changes_flags_differ(&r->changes, o, e))
		return REVERT_ON_WAY;
	return S_ISDIR(e->change.type) ? REVERT_ATTRIBUTES : REVERT_PUT;
}

static bool is_below(const struct path_node *node, const struct path_node *above)
{
	while (node && node != above)
		node = node->parent;
	return node;
}

static void cover(struct revert *r, struct path_node *node)
{
	path_node_unref(r->covered);
	r->covered = path_node_ref(node);
}

static int report_unread(struct revert *r, const struct upper_entry *e)
{
	changes_problem(&r->changes, e->path,
			e->change.error == ESTALE ? "changed while it was read" :
						    strerror(e->change.error));
	return 0;
}

static void note_owner(struct revert_item *item, const struct stat *upper)
{
	item->mode = upper->st_mode;
	item->uid = upper->st_uid;
	item->gid = upper->st_gid;
}

static int entry(void *data, const struct plan_overlay *o, const struct upper_entry *e, bool asked)
{
	struct revert *r = data;
	bool dir = e->change.kind != CHANGE_DELETED && S_ISDIR(e->change.type);
	enum revert_action action = action_of(e);
	int err;

	if (o->on_partition || (r->covered && is_below(e->node, r->covered)))
		return 0;
	/* One on the way to what is asked for, too. */
	if (e->change.kind == CHANGE_UNKNOWN)
		return report_unread(r, e);
	if (!asked)
		return 0;
	if (exempt_of(&r->changes.loaded.plan, o, e) != EXEMPT_NOT) {
		if (dir && e->change.kind != CHANGE_ADDED)
			cover(r, e->node);
		return 0;
	}
	if (action == REVERT_ON_WAY)
		action = action_of_flags(r, o, e);
	if (action == REVERT_ON_WAY && !dir)
		return 0;
	if (action == REVERT_PUT && dir)
		cover(r, e->node);
	err = add(r, o, e->node, action, dir);
	if (err >= 0)
		note_owner(&r->items[r->n - 1], e->upper);
	if (err >= 0 && dir && e->change.kind == CHANGE_MODIFIED && e->change.opaque)
		err = add_all_hidden(r, o, e);
	return err;
}

int revert_collect(struct revert *r)
{
	const struct changes_visitor v = {
		.entry = entry, .data = r, .unchanged = true, .exact = true
	};

	return changes_walk(&r->changes, &v);
}

/* SPDX-License-Identifier: MIT */
/* rofs commit: the paths that were given, as far as nothing is to be written there. */
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "basic/beneath.h"
#include "basic/path.h"
#include "basic/text.h"
#include "rofs/commit/commit.h"
#include "rofs/rofs.h"
#include "system/log.h"

/* Returns 1 when the lower has it, 0 when not, or -errno. */
static int is_in_lower(const struct commit *c, const struct plan_overlay *o, const char *path)
{
	const struct upper_layer *l = &c->changes.layers[o - c->changes.loaded.plan.overlays];
	_cleanup_close_ int parent = -1;
	struct stat st;
	const char *name;

	parent = open_parent_beneath(l->lower_fd, path + strlen(o->path), &name);
	if (parent == -ENOENT || parent == -ENOTDIR || parent == -ELOOP)
		return 0;
	if (parent < 0)
		return parent;
	if (fstatat(parent, *name ? name : ".", &st, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? 0 : -errno;
	return 1;
}

/* It was deleted with a directory above it, or that was replaced. */
static int add_gone(struct commit *c, const struct plan_overlay *o, const char *path)
{
	struct path_node *node;

	if (array_reserve(c->items, c->n) < 0)
		return -ENOMEM;
	node = path_node_new(NULL, path);
	if (!node)
		return -ENOMEM;
	c->items[c->n++] = (struct commit_item){ .path = node,
						 .overlay = o,
						 .parent = SIZE_MAX,
						 .asked = true,
						 .links = 1,
						 .change.kind = CHANGE_DELETED,
						 .action = COMMIT_GONE };
	c->total.deleted++;
	return -1;
}

static int check_missing(struct commit *c, const char *path, const char *shown, int err)
{
	const struct plan_overlay *o = asked_paths_overlay(&c->changes.loaded.plan, path);
	int lower = o ? is_in_lower(c, o, path) : 0;

	if (lower > 0)
		return add_gone(c, o, path);
	return log_error(ROFS_REFUSED, "%s: %s", shown, strerror(lower < 0 ? -lower : err));
}

static int check_one(struct commit *c, const char *path)
{
	_cleanup_free_ char *shown = NULL;
	struct stat st;

	if (text_escape(path, &shown) < 0)
		return log_error(ROFS_WRONG, "out of memory");
	if (fstatat(c->changes.loaded.root.root_fd, path[1] ? path + 1 : ".", &st,
		    AT_SYMLINK_NOFOLLOW) == 0) {
		log_info("%s: nothing to write", shown);
		return -1;
	}
	return check_missing(c, path, shown, errno);
}

bool commit_has_work(const struct commit *c)
{
	for (size_t i = 0; i < c->n; i++)
		if (c->items[i].action != COMMIT_NOTHING && c->items[i].action != COMMIT_TIME)
			return true;
	return false;
}

/* Marks the paths below which there is something to do. */
static int mark_found(struct commit *c)
{
	_cleanup_path_text_ struct path_text text = { 0 };

	for (size_t i = 0; i < c->changes.paths.n; i++)
		c->changes.paths.paths[i].found = false;
	for (size_t i = 0; i < c->n; i++) {
		const char *path = path_text_set(&text, c->items[i].path, NULL);

		if (!path)
			return -ENOMEM;
		if (c->items[i].action != COMMIT_NOTHING && c->items[i].action != COMMIT_TIME)
			asked_paths_covers(&c->changes.paths, path, false);
	}
	return 0;
}

int commit_check_unchanged(struct commit *c)
{
	int status = -1;

	if (mark_found(c) < 0)
		return log_error(ROFS_WRONG, "out of memory");
	for (size_t i = 0; i < c->changes.paths.n; i++) {
		const struct asked_path *p = &c->changes.paths.paths[i];
		/* What is below another one is deleted with that. */
		int one = p->found || p->outer != SIZE_MAX ? -1 : check_one(c, p->path);

		if (one == -ENOMEM)
			return log_error(ROFS_WRONG, "out of memory");
		status = one >= 0 ? one : status;
	}
	return status;
}

/* SPDX-License-Identifier: MIT */
/* rofs commit: what is to be done with each path. Nothing is looked up here. */
#include "basic/text.h"
#include "layer/inodes.h"
#include "rofs/commit/commit.h"
#include "system/log.h"

/* Directories that the lower does not have, on the way to what is asked for. */
static void need_parents(const struct commit *c, const struct commit_item *item)
{
	struct commit_item *p = commit_parent(c, item);

	while (p && p->place == COMMIT_IN_NEW && p->action == COMMIT_NOTHING) {
		struct commit_item *above = commit_parent(c, p);

		p->action =
			above && (above->place == COMMIT_IN_NEW || above->place == COMMIT_IN_COPY) ?
				COMMIT_COPY_IN :
				COMMIT_COPY;
		p = above;
	}
}

static int report_other_type(const struct commit *c, const struct commit_item *item)
{
	const struct commit_item *p = item;
	_cleanup_path_text_ struct path_text text = { 0 }, above = { 0 };
	_cleanup_free_ char *shown = NULL, *shown_above = NULL;

	/* The top-most one, which the lower has as something else. */
	for (const struct commit_item *q = commit_parent(c, p); q && q->place == COMMIT_IN_OTHER;
	     q = commit_parent(c, q))
		p = q;
	if (!path_text_set(&text, item->path, NULL) || !path_text_set(&above, p->path, NULL) ||
	    text_escape(text.text.text, &shown) < 0 ||
	    text_escape(above.text.text, &shown_above) < 0)
		return -ENOMEM;
	return log_error(
		-EPERM,
		"%s cannot be written alone: on flash, %s is not a directory (%s); commit that",
		shown, shown_above, change_type_to_string(p->change.lower_type));
}

/* Of a path in a directory that the lower has as well. */
static void decide_in_lower(struct commit_item *item, bool wanted)
{
	bool dir = commit_is_dir(item), whole = false;

	switch (item->change.kind) {
	case CHANGE_ADDED:
	case CHANGE_REPLACED:
		whole = true;
		break;
	case CHANGE_MODIFIED:
		whole = !dir || item->change.opaque;
		break;
	case CHANGE_ATTRIBUTES:
		whole = !dir;
		item->action = wanted && dir ? COMMIT_ATTRIBUTES : COMMIT_NOTHING;
		break;
	case CHANGE_DELETED:
		item->action = wanted ? COMMIT_GONE : COMMIT_NOTHING;
		break;
	case CHANGE_NONE:
	case CHANGE_COPIED:
		whole = !dir && item->flags_differ;
		item->action = wanted && dir && item->flags_differ ? COMMIT_ATTRIBUTES :
								     COMMIT_NOTHING;
		break;
	case CHANGE_UNKNOWN:
	case _CHANGE_KIND_MAX:
		break;
	}
	if (whole && wanted)
		item->action = COMMIT_COPY;
	if (!dir)
		return;
	item->place = item->action == COMMIT_COPY	   ? COMMIT_IN_COPY :
		      item->change.kind == CHANGE_ADDED	   ? COMMIT_IN_NEW :
		      item->change.kind == CHANGE_REPLACED ? COMMIT_IN_OTHER :
							     COMMIT_IN_LOWER;
}

static void decide_in_copy(const struct commit *c, struct commit_item *item, bool wanted)
{
	/* A whiteout in it is of what the copy does not have anyway. */
	if (wanted && item->change.kind != CHANGE_DELETED)
		item->action = COMMIT_COPY_IN;
	item->place = item->action == COMMIT_COPY_IN ? COMMIT_IN_COPY : COMMIT_IN_NEW;
	if (item->action == COMMIT_COPY_IN)
		need_parents(c, item);
}

static int decide_one(struct commit *c, struct commit_item *item)
{
	const struct commit_item *parent = commit_parent(c, item);
	bool wanted = item->asked && item->reason == COMMIT_WANTED;

	switch (parent ? parent->place : COMMIT_IN_LOWER) {
	case COMMIT_IN_LOWER:
		decide_in_lower(item, wanted && (commit_is_dir(item) || !item->later));
		break;
	case COMMIT_IN_COPY:
	case COMMIT_IN_NEW:
		decide_in_copy(c, item, wanted);
		break;
	case COMMIT_IN_OTHER:
		item->place = COMMIT_IN_OTHER;
		if (wanted)
			return report_other_type(c, item);
		break;
	case COMMIT_IN_NOTHING:
		item->reason = parent->reason;
		item->place = COMMIT_IN_NOTHING;
		break;
	}
	if (item->reason == COMMIT_STARTS_EMPTY || item->reason == COMMIT_PERSIST ||
	    item->reason == COMMIT_RESERVED)
		item->place = COMMIT_IN_NOTHING;
	return 0;
}

/* The files of the upper that have several names, or had in the lower. */
struct linked {
	struct inodes inodes;
	struct names_of {
		size_t copied;	    /* names that are written */
		size_t same;	    /* names of which nothing differs, */
		ino_t lower;	    /* of this file of the lower */
		bool lowers_differ; /* they are names of several */
	} * of;
};

static bool is_linked(const struct commit_item *i)
{
	return !commit_is_dir(i) && (i->links > 1 || i->lower_links > 1) &&
	       (i->change.kind == CHANGE_COPIED || commit_is_copied(i));
}

static int find_linked(struct linked *all, const struct commit_item *i, struct names_of **ret)
{
	const struct stat st = { .st_dev = i->device, .st_ino = i->inode };
	struct inode *inode;
	int new = inodes_find(&all->inodes, &st, &inode);

	if (new < 0 || (new > 0 && array_reserve(all->of, inode->id) < 0))
		return -ENOMEM;
	if (new > 0)
		all->of[inode->id] = (struct names_of){ .lower = i->lower_inode };
	*ret = &all->of[inode->id];
	return 0;
}

static int count_names(struct commit *c, struct linked *all)
{
	for (size_t i = 0; i < c->n; i++) {
		const struct commit_item *item = &c->items[i];
		struct names_of *of;

		if (!is_linked(item))
			continue;
		if (find_linked(all, item, &of) < 0)
			return -ENOMEM;
		of->copied += commit_is_copied(item);
		of->same += item->change.kind == CHANGE_COPIED && of->lower == item->lower_inode;
		of->lowers_differ |= of->lower != item->lower_inode;
	}
	return 0;
}

/*
 * A name of which nothing differs is written as well if it is not a name of the same file: when another name is
 * written, when it was linked to it, or when copying up has torn it off its other names.
 */
static int decide_links(struct commit *c, struct linked *all)
{
	int err = count_names(c, all);

	for (size_t i = 0; i < c->n && err >= 0; i++) {
		struct commit_item *item = &c->items[i];
		struct names_of *of;

		if (!is_linked(item) || item->action != COMMIT_NOTHING || !item->asked ||
		    item->reason != COMMIT_WANTED)
			continue;
		err = find_linked(all, item, &of);
		if (err >= 0 &&
		    (of->copied > 0 || of->lowers_differ || of->same != item->lower_links))
			item->action = COMMIT_COPY;
	}
	return err;
}

static size_t count_actions(const struct commit *c)
{
	size_t n = 0;

	for (size_t i = 0; i < c->n; i++)
		n += c->items[i].action != COMMIT_NOTHING;
	return n;
}

/* Not changes by themselves: the times of directories, and .updated. */
static void decide_later(struct commit *c)
{
	for (size_t i = 0; i < c->n; i++) {
		struct commit_item *item = &c->items[i];
		bool wanted = item->asked && item->reason == COMMIT_WANTED;

		if (!wanted || !item->later || item->action != COMMIT_NOTHING)
			continue;
		if (!commit_is_dir(item))
			decide_in_lower(item, true);
		else if (item->place == COMMIT_IN_LOWER)
			item->action = COMMIT_TIME;
	}
}

/* Is it a further name of a file that was met before? Returns 1, 0 or -ENOMEM. */
static int is_further_name(struct inodes *met, const struct commit_item *item)
{
	const struct stat st = { .st_dev = item->device, .st_ino = item->inode };
	struct inode *inode;
	int new = item->links > 1 ? inodes_find(met, &st, &inode) : 1;

	return new < 0 ? new : new == 0;
}

/* Without its holes. */
static uint64_t stored_bytes(const struct commit_item *item)
{
	return item->used < item->size ? item->used : item->size;
}

static int sum_up(struct commit *c)
{
	struct inodes met = { 0 };
	int further = 0;

	for (size_t i = 0; i < c->n && further >= 0; i++) {
		struct commit_item *item = &c->items[i];

		c->total.deleted += item->action == COMMIT_GONE;
		c->total.attributes += item->action == COMMIT_ATTRIBUTES;
		if (!commit_is_copied(item))
			continue;
		further = is_further_name(&met, item);
		item->further_name = further > 0;
		c->total.files++;
		c->total.bytes += further > 0 ? 0 : stored_bytes(item);
	}
	inodes_done(&met);
	return further < 0 ? further : 1;
}

int commit_decide(struct commit *c)
{
	struct linked all = { 0 };
	int err = 0;

	for (size_t i = 0; i < c->n && err >= 0; i++)
		err = decide_one(c, &c->items[i]);
	if (err >= 0)
		err = decide_links(c, &all);
	inodes_done(&all.inodes);
	free(all.of);
	if (err < 0 || count_actions(c) == 0)
		return err;
	decide_later(c);
	return sum_up(c);
}

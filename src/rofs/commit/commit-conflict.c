/* SPDX-License-Identifier: MIT */
/* rofs commit: what was changed on flash meanwhile, which a commit would undo in part. */
#include <string.h>

#include "basic/text.h"
#include "rofs/commit/commit.h"
#include "system/log.h"
#include "transaction/kept.h"

#define NAMED_MAX 10u

static bool is_by_chroot(const struct kept *k, const char *path)
{
	const struct record *r = kept_find(k, path);

	return r && r->kind == TRANSACTION_CHROOT;
}

/* What is below is replaced, too, unless only attributes are. */
static bool is_conflict(const struct kept *k, const struct commit_item *item, const char *path)
{
	if (item->action == COMMIT_NOTHING || item->action == COMMIT_TIME)
		return false;
	if (is_by_chroot(k, path))
		return true;
	return (item->action == COMMIT_COPY || item->action == COMMIT_GONE) &&
	       kept_has_below(k, path, TRANSACTION_CHROOT);
}

static int report(const char *path, size_t n)
{
	_cleanup_free_ char *shown = NULL;

	if (n > NAMED_MAX)
		return -EPERM;
	if (text_escape(path, &shown) < 0)
		return -ENOMEM;
	return log_error(
		-EPERM,
		"%s was changed on flash by rofs chroot since boot; rofs revert it, or reboot before you commit it",
		shown);
}

int commit_check_conflicts(struct commit *c)
{
	_cleanup_kept_ struct kept kept = { 0 };
	_cleanup_path_text_ struct path_text text = { 0 };
	size_t n = 0;
	int err = kept_read_records(c->changes.loaded.root.root_fd, &kept);

	if (err < 0)
		return log_error(err, "cannot read earlier transactions: %s", strerror(-err));
	for (size_t i = 0; kept.n > 0 && i < c->n; i++) {
		const char *path = path_text_set(&text, c->items[i].path, NULL);

		if (!path)
			return log_error(-ENOMEM, "out of memory");
		if (is_conflict(&kept, &c->items[i], path) && report(path, ++n) == -ENOMEM)
			return -ENOMEM;
	}
	if (n > NAMED_MAX)
		log_error(0, "%zu further paths were changed in the same way", n - NAMED_MAX);
	return n > 0 ? -EPERM : 0;
}

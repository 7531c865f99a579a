/* SPDX-License-Identifier: MIT */
#include "rofs/chroot/told.h"

#include <string.h>

#include "basic/text.h"
#include "system/log.h"
#include "transaction/conflict.h"
#include "transaction/kept.h"

#define NAMED_MAX 20u /* of more, only their number */

struct telling {
	size_t n;
};

static int tell(void *data, const char *path)
{
	struct telling *t = data;
	_cleanup_free_ char *shown = NULL;

	if (t->n++ >= NAMED_MAX)
		return 0;
	if (text_escape(path, &shown) < 0)
		return -ENOMEM;
	log_warning(
		"%s: changed on flash now, but an earlier change in its overlay hides that; reboot, "
		"or rofs revert it",
		shown);
	return 0;
}

static const struct record *find_record(const struct kept *k, unsigned number)
{
	for (size_t i = 0; i < k->n; i++)
		if (k->records[i].number == number)
			return &k->records[i];
	return NULL;
}

void told_conflicts(const struct chroot *c, unsigned number)
{
	_cleanup_kept_ struct kept kept = { 0 };
	struct telling t = { 0 };
	const struct record *r;
	int err = kept_read_records(c->loaded.root.root_fd, &kept);

	r = err < 0 ? NULL : find_record(&kept, number);
	if (err >= 0 && !r)
		err = -ENOENT;
	if (err >= 0)
		err = conflict_find(c->loaded.root.root_fd, &c->loaded.plan, r, tell, &t);
	if (err < 0)
		log_warning("the overlays were not compared with what was written: %s",
			    strerror(-err));
	if (t.n > NAMED_MAX)
		log_warning("%zu more paths are hidden in the same way", t.n - NAMED_MAX);
}

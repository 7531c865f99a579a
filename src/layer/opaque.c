/* SPDX-License-Identifier: MIT */
#include "layer/opaque.h"

#include <fcntl.h>

#include "basic/io.h"
#include "layer/names.h"

/* Returns 1, 0, or -errno. */
static int is_hidden(int upper_fd, const char *name)
{
	struct stat st;

	if (fstatat(upper_fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? 1 : -errno;
	return change_is_whiteout(&st);
}

static int is_any_hidden(int upper_fd, const struct names *lower)
{
	int hidden = 0;

	for (size_t i = 0; i < lower->n && hidden == 0; i++)
		hidden = is_hidden(upper_fd, lower->sorted[i]);
	return hidden;
}

int opaque_hides(const struct upper_entry *e)
{
	_cleanup_close_ int upper = open_dir_at(e->upper_dir, e->name),
			    lower = open_dir_at(e->lower_dir, e->name);
	struct names names = { 0 };
	int err;

	if (upper < 0 || lower < 0)
		return upper < 0 ? upper : lower;
	err = names_read(lower, &names);
	if (err >= 0)
		err = is_any_hidden(upper, &names);
	names_done(&names);
	return err;
}

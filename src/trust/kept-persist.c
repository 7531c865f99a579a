/* SPDX-License-Identifier: MIT */
#include "trust/kept-persist.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "basic/beneath.h"
#include "basic/macro.h"
#include "basic/mount-point.h"
#include "basic/path.h"
#include "basic/text.h"
#include "conf/conf.h"
#include "trust/link.h"

int kept_persist_check(struct way *w, int dir_fd, const struct plan_persist *p)
{
	mode_t type = p->conf->kind == PERSIST_FILE ? S_IFREG : S_IFDIR;
	struct stat st;

	if (fstatat(dir_fd, strrchr(p->directory, '/') + 1, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? 0 : -errno;
	if ((st.st_mode & S_IFMT) == type)
		return 1;
	return way_refuse(w, -EEXIST, "%s is not a %s; expected one, or nothing", p->what,
			  persist_kind_to_string(p->conf->kind));
}

/*
 * The overlay that the path is in is bound to its own path only after this, if it is on the same
 * partition; so a link is looked for in the merged mount.
 */
static const struct plan_overlay *merged_above(int root_fd, const struct plan *plan,
					       const char *path)
{
	const struct plan_overlay *found = NULL;

	/* In path order: the last one is the nearest. */
	for (size_t i = 0; i < plan->n_overlays; i++)
		if (path_is_below(path, plan->overlays[i].path))
			found = &plan->overlays[i];
	return found && mount_point_at(root_fd, found->merged) ? found : NULL;
}

int kept_persist_check_path(struct way *w, const struct plan *plan, const struct plan_persist *p)
{
	const struct plan_overlay *o = merged_above(w->root_fd, plan, p->path);
	_cleanup_free_ char *path = NULL, *why = NULL;
	_cleanup_close_ int fd = -1;

	if (text_format(&path, "%s%s", o ? o->merged : "",
			o ? p->path + strlen(o->path) : p->path) < 0)
		return -ENOMEM;
	fd = open_beneath(w->root_fd, path, O_PATH);
	if (fd != -ELOOP)
		return 0;
	link_explain(w->root_fd, path, fd, &why);
	return why ? way_refuse(w, fd, "%s", why) : fd;
}

/* SPDX-License-Identifier: MIT */
/* What the NFS server of the kernel exports. */
#include "rofs/check/check.h"
#include "system/exports.h"

/*
 * The kernel refuses an overlay without nfs_export=on, fs/overlayfs/super.c, and that needs index=on,
 * with which the lower could not be changed.
 */
static int check_export(void *data, const struct nfs_export *e)
{
	struct checking *c = data;
	_cleanup_free_ char *resolved = NULL;
	const struct conf_section *s;
	struct place place;
	int err;

	err = rootfs_resolve(&c->l->root, e->path, &resolved);
	if (err < 0)
		return err == -ENOMEM ? err : 0;
	place = check_place_of(c, resolved);
	if (place.kind != PLACE_OVERLAY)
		return 0;
	s = &place.overlay->conf->section;
	check_add(c, PROBLEM_EXPORT_REFUSED, s,
		  (struct pos){ check_file_name(c, e->file), e->line },
		  "%s is exported over NFS, but it is on [Overlay %s], and the kernel refuses to "
		  "export an overlay; add [Persist %s]",
		  e->path, s->name, place.bind ? place.bind->spec : resolved);
	return 0;
}

int check_exports(struct checking *c)
{
	return exports_each(&c->l->root, check_export, c);
}

/* SPDX-License-Identifier: MIT */
/* What the NFS server of the kernel exports. */
#include "basic/path.h"
#include "rofs/check/check.h"
#include "system/exports.h"

/* struct exported - an export, and where its path leads */
struct exported {
	const struct nfs_export *export;
	const char *resolved;
	struct pos pos;
};

/*
 * The kernel refuses an overlay without nfs_export=on, fs/overlayfs/super.c, and that needs index=on,
 * with which the lower could not be changed.
 */
static void report_refused(struct checking *c, const struct exported *x, const struct place *place)
{
	const struct conf_section *s = &place->overlay->conf->section;
	const char *path = place->bind ? place->bind->spec : x->resolved;

	check_add(c, PROBLEM_EXPORT_REFUSED, s, x->pos,
		  "%s is exported over NFS, but it is on [Overlay %s], and the kernel refuses to "
		  "export an overlay; %s [Persist %s]",
		  x->export->path, s->name, check_add_persist(place->overlay, path), path);
}

/* Clients go on below what is mounted there: nfsd_cross_mnt() in fs/nfsd/vfs.c. */
static void report_crossed(struct checking *c, const struct exported *x)
{
	const struct plan *p = &c->l->plan;

	for (size_t i = 0; i < p->n_overlays; i++) {
		const struct conf_section *s = &p->overlays[i].conf->section;

		if (path_is_below(p->overlays[i].path, x->resolved))
			check_add(c, PROBLEM_EXPORT_REFUSED, s, x->pos,
				  "%s is exported over NFS with crossmnt, but the kernel refuses "
				  "to export [Overlay %s], which is below it: clients see its "
				  "lower without the changes; if they need the changes, remove the "
				  "overlay and add [Persist %s]",
				  x->export->path, s->name, p->overlays[i].path);
	}
}

static int check_export(void *data, const struct nfs_export *e)
{
	struct checking *c = data;
	_cleanup_free_ char *resolved = NULL;
	struct exported x = { .export = e };
	struct place place;
	int err;

	err = rootfs_resolve(&c->l->root, e->path, &resolved);
	if (err < 0)
		return err == -ENOMEM ? err : 0;
	x.resolved = resolved;
	x.pos = (struct pos){ check_file_name(c, e->file), e->line };
	place = check_place_of(c, resolved);
	if (place.kind == PLACE_OVERLAY)
		report_refused(c, &x, &place);
	if (e->crossmnt)
		report_crossed(c, &x);
	return 0;
}

int check_exports(struct checking *c)
{
	return exports_each(&c->l->root, check_export, c);
}

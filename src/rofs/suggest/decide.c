/* SPDX-License-Identifier: MIT */
#include "rofs/suggest/decide.h"

#include <string.h>

#include "basic/file-system.h"
#include "basic/path.h"
#include "basic/text.h"
#include "rofs/suggest/deciding.h"

bool deciding_has_host(const struct deciding *x)
{
	return x->host_line || x->host_device;
}

bool deciding_is_always_overlaid(const char *path)
{
	return strcmp(path, "/etc") == 0 || strcmp(path, "/var") == 0;
}

const struct data_line *deciding_line_of(const struct deciding *x, const char *path)
{
	for (size_t i = 0; i < x->n_lines; i++)
		if (path_is_at_or_below(path, x->lines[i].entry->dir))
			return &x->lines[i];
	return NULL;
}

bool deciding_is_lower(const struct deciding *x, const struct fstab_entry *e)
{
	size_t i = (size_t)(e - x->m->facts->fstab);

	/* Without the overlay, the line stays in force. */
	if (machine_refusal(x->m, CONF_OVERLAY, e->dir))
		return false;
	return (deciding_is_always_overlaid(e->dir) || x->on_root[i]) && !fstab_is_network(e) &&
	       !fstab_is_bind(e) && strcmp(e->type, "tmpfs") != 0 &&
	       file_system_by_name(e->type)->layer != LAYER_NEVER;
}

const struct fstab_entry *deciding_fstab_keeps(const struct deciding *x, const char *path)
{
	const struct fstab_entry *e = fstab_at_or_above(&x->fstab, path);

	return e && deciding_is_lower(x, e) ? NULL : e;
}

bool deciding_is_kept(const struct deciding *x, const char *path)
{
	if (deciding_fstab_keeps(x, path))
		return true;
	for (size_t i = 0; i < x->n_kept && deciding_has_host(x); i++)
		if (path_is_at_or_below(path, x->kept[i]->path))
			return true;
	return false;
}

static int explain(struct deciding *x, enum conf_kind kind, const char *path, bool *ret)
{
	_cleanup_diag_ struct diag d = { 0 };
	const struct pos nowhere = { 0 };
	int err = conf_check_path(kind, path, nowhere, &d);

	if (err == -ENOMEM || d.failed)
		return -ENOMEM;
	*ret = err >= 0;
	return *ret ? 0 : suggested_text_add(&x->s->notes, "Left out: %s.", d.entries[0].text);
}

int deciding_can_be_named(struct deciding *x, enum conf_kind kind, const char *path, bool *ret)
{
	const struct machine_refusal *refusal = machine_refusal(x->m, kind, path);
	size_t n = strlen(path);

	if (refusal) {
		*ret = false;
		return suggested_text_add(&x->s->notes, "Left out: %s", refusal->why);
	}
	if (n > NAME_BYTES_MAX) {
		*ret = false;
		return suggested_text_add(
			&x->s->notes, "Left out: a path of %zu bytes, which begins with %.100s.", n,
			path);
	}
	/* A blank at its end would be taken for one beside the name. */
	if (n > 0 && (path[n - 1] == ' ' || path[n - 1] == '\\')) {
		*ret = false;
		return suggested_text_add(
			&x->s->notes,
			"Left out: \"%s\", which ends in a blank or a backslash, as no section can.",
			path);
	}
	return explain(x, kind, path, ret);
}

static void deciding_done(struct deciding *x)
{
	for (size_t i = 0; i < x->n_lines; i++) {
		free(x->lines[i].options);
		free(x->lines[i].requires);
		free(x->lines[i].after);
	}
	free(x->lines);
	free(x->kept);
	free(x->overlays);
	free(x->on_root);
	fstab_index_done(&x->fstab);
}

int decide(const struct machine *m, struct suggestion *ret)
{
	static int (*const steps[])(struct deciding *) = {
		decide_on_root,
		decide_lines,
		decide_kept,
		decide_host,
		decide_overlays,
		decide_root,
		decide_overlay_sections,
		decide_partition_sections,
		decide_persist_sections,
		decide_intro,
		decide_steps,
	};
	_cleanup_(deciding_done) struct deciding x = { .m = m, .s = ret };
	int err = fstab_index_build(m->facts, &x.fstab);

	for (size_t i = 0; i < ELEMENTSOF(steps) && err >= 0; i++)
		err = steps[i](&x);
	return err;
}

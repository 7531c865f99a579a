/* SPDX-License-Identifier: MIT */
#include "plan/claims.h"

#include <string.h>

#include "basic/path.h"

static const char *kind_of(const struct claim *c)
{
	return conf_kind_to_string(c->section->kind);
}

static const char *path_of(const struct claim *c)
{
	return c->fact->resolved ? c->fact->resolved : c->section->name;
}

static int compare(const void *a, const void *b)
{
	const struct claim *x = a, *y = b;
	int order = path_compare(path_of(x), path_of(y));

	if (order)
		return order;
	return x->section->order < y->section->order ? -1 : 1;
}

static int compare_path(const void *path, const void *claim)
{
	return path_compare(path, path_of(claim));
}

/*
 * The path is planned as declared, as at a boot at which there was no such link yet: nothing is ever
 * mounted through it.
 */
static void tell_untrusted(const struct claim *c, struct diag *d)
{
	diag_error(
		d, c->section->pos,
		"[%s %s]: the path leads through a symbolic link that users other than root could have "
		"made or moved, so nothing is mounted there; expected a link that root owns, in "
		"directories to which only root can write",
		kind_of(c), c->section->name);
}

static void check_alone(struct claim *c, const bool *left_out, struct diag *d)
{
	struct pos pos = c->section->pos;

	c->refused = c->section->invalid || left_out[c->section->order];
	if (c->refused)
		return;

	if (c->fact->type == PATH_UNKNOWN) {
		diag_error(d, pos, "[%s %s]: the path cannot be resolved: %s", kind_of(c),
			   c->section->name, strerror(-c->fact->error));
		c->refused = true;
		return;
	}
	if (c->fact->untrusted)
		tell_untrusted(c, d);
	if (strcmp(path_of(c), c->section->name) == 0)
		return; /* checked when it was read */

	if (conf_check_path(c->section->kind, path_of(c), pos, d) < 0) {
		diag_note(d, pos, "%s is a symbolic link, or below one, and resolves to %s",
			  c->section->name, path_of(c));
		c->refused = true;
	}
}

static void refuse_twice(struct claim *c, const struct claim *first, struct diag *d)
{
	if (strcmp(c->section->name, first->section->name) == 0)
		diag_error(d, c->section->pos,
			   "[%s %s]: this path is declared twice; the first declaration applies",
			   kind_of(c), c->section->name);
	else
		diag_error(
			d, c->section->pos,
			"[%s %s]: this is the same directory as %s, through a symbolic link; the first declaration applies",
			kind_of(c), c->section->name, first->section->name);
	diag_note(d, first->section->pos, "first declared here");
	c->refused = true;
}

static void refuse_below_persist(struct claim *c, const struct claim *persist, struct diag *d)
{
	diag_error(d, c->section->pos,
		   "[%s %s] is below [Persist %s]; nothing may be declared below a persist",
		   kind_of(c), c->section->name, persist->section->name);
	diag_note(d, persist->section->pos, "the persist is declared here");
	c->refused = true;
}

/* Is clean @path at or below DIR/NAME? */
static bool is_in(const char *path, const char *dir, const char *name)
{
	size_t n = strlen(dir), len = strlen(name);

	return path_is_below(path, dir) && strncmp(path + n + 1, name, len) == 0 &&
	       (path[n + 1 + len] == '\0' || path[n + 1 + len] == '/');
}

static void refuse_in_layers(struct claim *c, const struct claim *overlay, struct diag *d)
{
	diag_error(
		d, c->section->pos,
		"[Overlay %s] would have its layers inside those of [Overlay %s], in /rofs/rw%s; "
		"expected a name other than upper and work",
		c->section->name, overlay->section->name, path_of(c));
	diag_note(d, overlay->section->pos, "the other overlay is declared here");
	c->refused = true;
}

/*
 * Sorted so that parents come right before what is below them: the chain of .above is the stack of
 * open parents.
 */
static void check_together(struct claim *claims, size_t n, struct diag *d)
{
	const struct claim *open = NULL;

	for (size_t i = 0; i < n; i++) {
		struct claim *c = &claims[i];

		if (c->refused)
			continue;
		while (open && !path_is_at_or_below(path_of(c), path_of(open)))
			open = open->above;

		if (open && strcmp(path_of(c), path_of(open)) == 0) {
			refuse_twice(c, open, d);
			continue;
		}
		if (open && open->section->kind == CONF_PERSIST) {
			refuse_below_persist(c, open, d);
			continue;
		}
		if (open && c->section->kind == CONF_OVERLAY &&
		    (is_in(path_of(c), path_of(open), "upper") ||
		     is_in(path_of(c), path_of(open), "work"))) {
			refuse_in_layers(c, open, d);
			continue;
		}
		c->above = open;
		open = c;
	}
}

int claims_build(const struct conf *conf, const struct facts *facts, const bool *left_out,
		 struct diag *d, struct claim **ret, size_t *ret_n)
{
	size_t n = conf->n_overlays + conf->n_persists, k = 0;
	struct claim *claims = calloc(n + 1, sizeof(*claims));

	if (!claims)
		return -ENOMEM;

	for (size_t i = 0; i < conf->n_overlays; i++)
		claims[k++] = (struct claim){ .section = &conf->overlays[i]->section,
					      .fact = &facts->overlays[i] };
	for (size_t i = 0; i < conf->n_persists; i++)
		claims[k++] = (struct claim){ .section = &conf->persists[i]->section,
					      .fact = &facts->persists[i] };

	for (size_t i = 0; i < n; i++)
		check_alone(&claims[i], left_out, d);
	qsort(claims, n, sizeof(*claims), compare);
	check_together(claims, n, d);

	*ret = claims;
	*ret_n = n;
	return 0;
}

void claim_refuse(struct claim *c, enum refusal why, size_t first, const struct diag *d)
{
	c->refused = true;
	c->refusal = why;
	c->first = first;
	c->last = d->n_entries;
}

bool claims_exist(const struct claim *claims, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (!claims[i].refused)
			return true;
	return false;
}

const struct claim *claims_on(const struct claim *claims, size_t n, const char *path, size_t *ret_n)
{
	const struct claim *c = bsearch(path, claims, n, sizeof(*claims), compare_path), *end = c;

	*ret_n = 0;
	if (!c)
		return NULL;
	while (c > claims && compare_path(path, c - 1) == 0)
		c--;
	while (end < claims + n && compare_path(path, end) == 0)
		end++;
	*ret_n = (size_t)(end - c);
	return c;
}

const struct claim *claims_find(const struct claim *claims, size_t n, const char *path)
{
	size_t same;
	const struct claim *c = claims_on(claims, n, path, &same);

	/* Of several on one path, the first that was not refused. */
	for (size_t i = 0; i < same; i++)
		if (!c[i].refused)
			return &c[i];
	return NULL;
}

const struct claim *claims_at_or_above(const struct claim *claims, size_t n, char *path)
{
	for (char *slash; path[0]; *slash = '\0') {
		const struct claim *c = claims_find(claims, n, path);

		if (c)
			return c;
		slash = strrchr(path, '/');
		if (!slash)
			break;
	}
	return NULL;
}

const struct claim *claims_overlay_above(const struct claim *claims, size_t n, const char *path)
{
	_cleanup_free_ char *dir = strdup(path);
	char *slash;

	while (dir && (slash = strrchr(dir, '/'))) {
		const struct claim *c;

		*slash = '\0';
		c = bsearch(dir, claims, n, sizeof(*claims), compare_path);
		if (c && c->section->kind == CONF_OVERLAY)
			return c;
	}
	return NULL;
}

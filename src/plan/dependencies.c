/* SPDX-License-Identifier: MIT */
#include "plan/dependencies.h"

#include <string.h>

#include "basic/macro.h"
#include "basic/path.h"
#include "basic/strbuf.h"
#include "basic/text.h"
#include "basic/value.h"
#include "plan/fstab.h"
#include "plan/unit-name.h"

#define PREFIX "x-systemd."

void dependencies_done(struct plan_dependencies *d)
{
	for (size_t i = 0; i < d->n; i++)
		free(d->list[i].name);
	free(d->list);
	*d = (struct plan_dependencies){ 0 };
}

/* Takes @name over, also on failure. */
static int add(struct plan_dependencies *d, enum dependency kind, char *name)
{
	if (!name || array_reserve(d->list, d->n) < 0) {
		free(name);
		return -ENOMEM;
	}
	d->list[d->n++] = (struct plan_dependency){ kind, name };
	return 0;
}

/* What is waited for, and may be said more than once in other words. */
static bool is_first(enum dependency kind)
{
	return kind == DEPENDENCY_REQUIRES || kind == DEPENDENCY_WANTS || kind == DEPENDENCY_AFTER;
}

/* By what they are about; of those that are the same, the one that was said first. */
static int compare_subjects(const void *a, const void *b)
{
	const struct plan_dependency *x = *(struct plan_dependency *const *)a,
				     *y = *(struct plan_dependency *const *)b;
	int order = strcmp(x->name, y->name);

	if (order == 0 && !(is_first(x->kind) && is_first(y->kind)))
		order = (int)x->kind - (int)y->kind;
	return order != 0 ? order : x < y ? -1 : x > y;
}

static bool is_same_subject(const struct plan_dependency *x, const struct plan_dependency *y)
{
	return strcmp(x->name, y->name) == 0 &&
	       (x->kind == y->kind || (is_first(x->kind) && is_first(y->kind)));
}

/* Frees the name of each that another one says. @sorted: by compare_subjects() */
static void mark_doubles(struct plan_dependency **sorted, size_t n)
{
	struct plan_dependency *kept = NULL;

	for (size_t i = 0; i < n; i++) {
		struct plan_dependency *x = sorted[i];

		if (!kept || !is_same_subject(kept, x)) {
			kept = x;
			continue;
		}
		/* The lower is the stronger. */
		if (x->kind < kept->kind)
			kept->kind = x->kind;
		free(x->name);
		x->name = NULL;
	}
}

int dependencies_simplify(struct plan_dependencies *d)
{
	_cleanup_free_ struct plan_dependency **sorted = calloc(d->n + 1, sizeof(*sorted));
	size_t n = 0;

	if (!sorted)
		return -ENOMEM;
	for (size_t i = 0; i < d->n; i++)
		sorted[i] = &d->list[i];
	qsort(sorted, d->n, sizeof(struct plan_dependency *), compare_subjects);
	mark_doubles(sorted, d->n);
	for (size_t i = 0; i < d->n; i++)
		if (d->list[i].name)
			d->list[n++] = d->list[i];
	d->n = n;
	return 0;
}

int dependencies_add_words(struct plan_dependencies *d, enum dependency kind, const char *words)
{
	for (const char *s = words; s && *(s += strspn(s, " \t"));) {
		size_t n = strcspn(s, " \t");

		if (add(d, kind, strndup(s, n)) < 0)
			return -ENOMEM;
		s += n;
	}
	return 0;
}

/* The next of the options, without the backslashes before commas and backslashes; NULL: no more. */
static int next_option(const char **options, char **ret)
{
	_cleanup_strbuf_ struct strbuf b = { 0 };
	const char *s = *options;

	*ret = NULL;
	if (!*s)
		return 0;
	for (; *s && *s != ','; s++) {
		if (*s == '\\' && (s[1] == ',' || s[1] == '\\'))
			s++;
		strbuf_add_char(&b, *s);
	}
	*options = s + (*s == ',');
	return strbuf_take(&b, ret);
}

/* The layers of an overlay are mounted below /rofs, by the path of the overlay. */
static const char *path_of_layer(const char *path)
{
	static const char *const dirs[] = { "/rofs/ro", "/rofs/rw", "/rofs/overlay" };

	for (size_t i = 0; i < ELEMENTSOF(dirs); i++)
		if (path_is_below(path, dirs[i]))
			return path + strlen(dirs[i]);
	return path;
}

/* Some of these wait for a lower, and none of them makes a device. */
static bool is_rofs_prepare(const char *unit)
{
	return strncmp(unit, "rofs-prepare", strlen("rofs-prepare")) == 0 &&
	       strcmp(strrchr(unit, '.'), ".service") == 0;
}

int dependencies_is_own(const char *unit, const char *dir, bool *ret)
{
	_cleanup_free_ char *path = NULL;
	int err = unit_name_to_path(unit, &path);

	if (err >= 0)
		*ret = path ? path_is_at_or_below(path_of_layer(path), dir) : is_rofs_prepare(unit);
	return err;
}

static int not_a_unit(const struct fstab_entry *e, const char *option, struct diag *diag)
{
	diag_warning(diag, fstab_pos(e), "%s does not name a unit, so it is ignored", option);
	return 0;
}

static int add_unit(struct plan_dependencies *d, enum dependency kind, const char *value,
		    const struct fstab_entry *e, const char *option, struct diag *diag)
{
	_cleanup_free_ char *unit = NULL;
	bool own;
	int err;

	err = unit_name_mangle(value, ".mount", &unit);
	if (err < 0)
		return err;
	if (!unit)
		return not_a_unit(e, option, diag);
	err = dependencies_is_own(unit, e->dir, &own);
	return err < 0 || own ? err : add(d, kind, TAKE_PTR(unit));
}

static int add_path(struct plan_dependencies *d, const char *value, const struct fstab_entry *e,
		    const char *option, struct diag *diag)
{
	_cleanup_free_ char *path = strdup(value);

	if (!path)
		return -ENOMEM;
	if (*path != '/' || path_has_dotdot(path))
		return not_a_unit(e, option, diag);
	path_clean(path);
	if (path_is_at_or_below(path_of_layer(path), e->dir))
		return 0;
	return add(d, DEPENDENCY_REQUIRES_MOUNTS_FOR, TAKE_PTR(path));
}

/* WantsMountsFor= is of systemd 256: the same in the words of all versions. */
static int add_wanted_mounts(struct plan_dependencies *d, const char *value,
			     const struct fstab_entry *e, const char *option, struct diag *diag)
{
	_cleanup_free_ char *path = strdup(value);
	int err = 0;

	if (!path)
		return -ENOMEM;
	if (*path != '/' || path_has_dotdot(path))
		return not_a_unit(e, option, diag);
	path_clean(path);
	for (char *end = path; err >= 0 && *end && path[1];) {
		char next;

		end = strchrnul(end + 1, '/');
		next = *end;
		*end = '\0';
		err = add_unit(d, DEPENDENCY_WANTS, path, e, option, diag);
		*end = next;
	}
	return err;
}

/* Of WantedBy and RequiredBy, systemd takes the names as they are. */
static int add_puller(struct plan_dependencies *d, enum dependency kind, const char *value,
		      const struct fstab_entry *e, const char *option, struct diag *diag)
{
	if (!value_is_unit(value, strlen(value)))
		return not_a_unit(e, option, diag);
	return add(d, kind, strdup(value));
}

static const struct {
	const char *name;
	enum dependency kind;
} options[] = {
	{ "requires", DEPENDENCY_REQUIRES },
	{ "wants", DEPENDENCY_WANTS },
	{ "after", DEPENDENCY_AFTER },
	{ "before", DEPENDENCY_BEFORE },
	{ "requires-mounts-for", DEPENDENCY_REQUIRES_MOUNTS_FOR },
	{ "wants-mounts-for", _DEPENDENCY_MAX },
	{ "wanted-by", DEPENDENCY_WANTED_BY },
	{ "required-by", DEPENDENCY_REQUIRED_BY },
};

static int add_value(struct plan_dependencies *d, enum dependency kind, const char *value,
		     const struct fstab_entry *e, const char *option, struct diag *diag)
{
	switch (kind) {
	case DEPENDENCY_REQUIRES_MOUNTS_FOR:
		return add_path(d, value, e, option, diag);
	case DEPENDENCY_WANTED_BY:
	case DEPENDENCY_REQUIRED_BY:
		return add_puller(d, kind, value, e, option, diag);
	case _DEPENDENCY_MAX:
		return add_wanted_mounts(d, value, e, option, diag);
	case DEPENDENCY_REQUIRES:
	case DEPENDENCY_WANTS:
	case DEPENDENCY_AFTER:
	case DEPENDENCY_BEFORE:
		break;
	}
	return add_unit(d, kind, value, e, option, diag);
}

static int add_option(struct plan_dependencies *d, const char *option, const struct fstab_entry *e,
		      struct diag *diag)
{
	const char *name = option + strlen(PREFIX), *value;

	if (strncmp(option, PREFIX, strlen(PREFIX)) != 0 || !(value = strchr(name, '=')))
		return 0;
	for (size_t i = 0; i < ELEMENTSOF(options); i++)
		if (strlen(options[i].name) == (size_t)(value - name) &&
		    strncmp(options[i].name, name, (size_t)(value - name)) == 0)
			return add_value(d, options[i].kind, value + 1, e, option, diag);
	return 0;
}

int dependencies_add_fstab(struct plan_dependencies *d, const struct fstab_entry *e,
			   struct diag *diag)
{
	const char *rest = e->options;

	for (;;) {
		_cleanup_free_ char *option = NULL;
		int err = next_option(&rest, &option);

		if (err < 0 || !option)
			return err;
		err = add_option(d, option, e, diag);
		if (err < 0)
			return err;
	}
}

int dependencies_timeout(const char *list, const char *name, uint64_t *ret)
{
	size_t n = strlen(name);

	*ret = 0;
	for (;;) {
		_cleanup_free_ char *option = NULL;
		int err = next_option(&list, &option);

		if (err < 0 || !option)
			return err;
		/* The last one counts. */
		if (strncmp(option, name, n) == 0 && option[n] == '=' &&
		    value_usec(option + n + 1, ret) < 0)
			*ret = 0;
	}
}

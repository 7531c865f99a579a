/* SPDX-License-Identifier: MIT */
/* Directories that systemd makes for services, and the links that it makes to them. */
#include <string.h>

#include "basic/path.h"
#include "basic/path-set.h"
#include "basic/strbuf.h"
#include "basic/text.h"
#include "rofs/check/check.h"
#include "system/unit-file.h"
#include "system/unit-specifiers.h"

/* struct service - a service while its directories are looked at */
struct service {
	struct checking *c;
	const char *name;
	bool has_dynamic_user;
	const char *key; /* StateDirectory, ... */
	const char *base;
	struct path_set *told; /* sections that have been reported: a unit may have several names */
};

/* struct link - a link that systemd makes to a directory of the service */
struct link {
	const char *path, *target;
	bool is_named; /* the unit says "DIRECTORY:LINK"; otherwise it is the link to private/ */
};

static void report(const struct service *x, const struct link *l, const struct conf_section *s,
		   const char *path)
{
	const char *kind = conf_kind_to_string(s->kind), *below = path + strlen(l->path);

	if (l->is_named)
		check_add(x->c, PROBLEM_DIRECTORY_PRIVATE, s, s->pos,
			  "[%s %s]: %s makes %s a link to its %s=, %s, and fails to start if %s is "
			  "a mount point; expected [%s %s%s]",
			  kind, s->name, x->name, l->path, x->key, l->target, path, kind, l->target,
			  below);
	else
		check_add(x->c, PROBLEM_DIRECTORY_PRIVATE, s, s->pos,
			  "[%s %s]: %s has DynamicUser=yes, so its %s= is %s, and it fails to "
			  "start if %s is a mount point; expected [%s %s%s]",
			  kind, s->name, x->name, x->key, l->target, path, kind, l->target, below);
}

static int check_section(const struct service *x, const struct link *l,
			 const struct conf_section *s, const char *path)
{
	if (!path_is_at_or_below(path, l->path) || path_set_has(x->told, s->name))
		return 0;
	report(x, l, s, path);
	return path_set_add(x->told, s->name);
}

/* systemd cannot make a link where a directory exists: symlink_idempotent() of systemd. */
static int check_link(const struct service *x, const struct link *l)
{
	const struct plan *p = &x->c->l->plan;
	int err = 0;

	for (size_t i = 0; i < p->n_overlays && err >= 0; i++)
		err = check_section(x, l, &p->overlays[i].conf->section, p->overlays[i].path);
	for (size_t i = 0; i < p->n_persists && err >= 0; i++)
		err = check_section(x, l, &p->persists[i].conf->section, p->persists[i].path);
	return err;
}

/* A persist above the link would keep the link alone. */
static int check_above(const struct service *x, const struct link *l)
{
	const struct plan *p = &x->c->l->plan;
	int err = 0;

	for (size_t i = 0; i < p->n_persists && err >= 0; i++) {
		const struct conf_section *s = &p->persists[i].conf->section;
		const char *path = p->persists[i].path;

		if (!path_is_below(l->path, path) || !path_is_below(path, x->base) ||
		    check_place_of(x->c, l->target).kind == PLACE_PERSIST ||
		    path_set_has(x->told, s->name))
			continue;
		check_add(
			x->c, PROBLEM_DIRECTORY_PRIVATE, s, s->pos,
			"[Persist %s]: %s has DynamicUser=yes, so its %s= is %s, which is not kept: "
			"%s is a link to it; expected [Persist %s/private%s]",
			s->name, x->name, x->key, l->target, l->path, x->base,
			path + strlen(x->base));
		err = path_set_add(x->told, s->name);
	}
	return err;
}

/* The path of a directory or of a link; NULL: systemd refuses it, or only it knows what % means. */
static int make_path(const struct service *x, const char *written, char **ret)
{
	_cleanup_free_ char *name = NULL;
	int err = unit_specifiers_expand(written, x->name, NULL, &name);

	*ret = NULL;
	if (err != 0)
		return err < 0 ? err : 0;
	path_clean(name);
	if (!*name || *name == '/' || path_has_dotdot(name))
		return 0;
	return text_format(ret, "%s/%s", x->base, name);
}

/*
 * With DynamicUser=yes the directory is below private/, and where the service looks for it is a link to
 * there. A directory that is in the place of the link is moved, which fails with a mount point:
 * setup_exec_directory() of systemd, src/core/exec-invoke.c.
 */
static int check_directory(const struct service *x, const char *directory, const char *name)
{
	_cleanup_free_ char *public = NULL, *private = NULL, *link = NULL;
	int err = make_path(x, directory, &public);

	if (err < 0 || !public)
		return err;
	err = text_format(&private, "%s/private%s", x->base, public + strlen(x->base));
	if (err >= 0 && x->has_dynamic_user)
		err = check_link(x, &(struct link){ public, private, false });
	if (err >= 0 && x->has_dynamic_user)
		err = check_above(x, &(struct link){ public, private, false });
	if (err >= 0)
		err = make_path(x, name, &link);
	if (err < 0 || !link)
		return err;
	return check_link(x, &(struct link){ link, x->has_dynamic_user ? private : public, true });
}

/* @word: "DIRECTORY", or with a further link and flags "DIRECTORY:LINK:ro"; modified. */
static int check_word(const struct service *x, char *word)
{
	const char *directory = strsep(&word, ":"), *link = strsep(&word, ":");

	return check_directory(x, directory, link ? link : "");
}

static int check_value(const struct service *x, const char *value)
{
	while (*(value += strspn(value, " \t"))) {
		bool quoted = *value == '"' || *value == '\'';
		const char *end = *value == '"' ? "\"" : quoted ? "'" : " \t";
		size_t n = strcspn(value + quoted, end);
		_cleanup_free_ char *word = strndup(value + quoted, n);
		int err = word ? check_word(x, word) : -ENOMEM;

		if (err < 0)
			return err;
		value += quoted + n;
		value += quoted && *value;
	}
	return 0;
}

static bool has_dynamic_user(const struct unit_file *u)
{
	const struct unit_setting *e = unit_file_last(u, "Service", "DynamicUser");
	bool yes = false;

	return e && value_boolean(e->value, &yes) == 0 && yes;
}

static int check_service(struct checking *c, const struct unit_dirs *dirs, const char *name,
			 struct path_set *told)
{
	static const struct {
		const char *key, *base;
	} directories[] = {
		{ "StateDirectory", "/var/lib" },
		{ "CacheDirectory", "/var/cache" },
		{ "LogsDirectory", "/var/log" },
	};
	_cleanup_unit_file_ struct unit_file u = { 0 };
	int err = unit_file_read(dirs, name, &u);

	if (err < 0 || u.is_masked)
		return err;
	for (size_t i = 0; i < ELEMENTSOF(directories); i++) {
		const struct service x = {
			c, name, has_dynamic_user(&u), directories[i].key, directories[i].base, told
		};
		const struct unit_setting *e = NULL;

		while (err >= 0 && (e = unit_file_next(&u, "Service", x.key, e)))
			err = check_value(&x, e->value);
	}
	return err;
}

/* @name: of any type: a timer, a socket or a path starts the service of the same name. */
static int check_instance(struct checking *c, const struct unit_dirs *dirs, const char *name,
			  struct path_set *told)
{
	_cleanup_free_ char *service = NULL;
	int err = text_format(&service, "%.*s.service", (int)(strrchr(name, '.') - name), name);

	return err < 0 ? err : check_service(c, dirs, service, told);
}

int check_services(struct checking *c)
{
	_cleanup_unit_dirs_ struct unit_dirs dirs = unit_dirs_open(&c->l->root, UNIT_ORIGIN_IMAGE);
	_cleanup_unit_names_ struct unit_names files = { 0 }, instances = { 0 };
	_cleanup_path_set_ struct path_set told = { 0 };
	int err = unit_dirs_list(&dirs, ".service", &files);

	for (size_t i = 0; i < files.n && err >= 0; i++)
		err = check_service(c, &dirs, files.list[i], &told);
	if (err >= 0)
		err = unit_dirs_instances(&dirs, &instances);
	for (size_t i = 0; i < instances.n && err >= 0; i++)
		err = check_instance(c, &dirs, instances.list[i], &told);
	return err;
}

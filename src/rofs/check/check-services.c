/* SPDX-License-Identifier: MIT */
/* Directories that systemd makes for services with DynamicUser=yes. */
#include <string.h>

#include "basic/path.h"
#include "basic/path-set.h"
#include "basic/strbuf.h"
#include "basic/text.h"
#include "rofs/check/check.h"
#include "system/unit-file.h"

/* struct service - a service while its directories are looked at */
struct service {
	struct checking *c;
	const char *name;
	const char *key; /* StateDirectory, ... */
	const char *base;
	struct path_set *told; /* sections that have been reported: a unit may have several names */
};

/*
 * The directory is below private/, and where the service looks for it is a link to there. A directory
 * that is in the place of the link is moved, which fails with a mount point: setup_exec_directory() of
 * systemd, src/core/exec-invoke.c.
 */
static int check_section(const struct service *x, const struct conf_section *s, const char *path,
			 const char *directory)
{
	_cleanup_free_ char *public = NULL;
	int err = text_format(&public, "%s/%s", x->base, directory);

	if (err < 0 || !path_is_at_or_below(path, public) || path_set_has(x->told, s->name))
		return err;
	check_add(x->c, PROBLEM_DIRECTORY_PRIVATE, s, s->pos,
		  "[%s %s]: %s has DynamicUser=yes, so its %s= is %s/private/%s, and it fails to "
		  "start if %s is a mount point; expected [%s %s/private/%s]",
		  conf_kind_to_string(s->kind), s->name, x->name, x->key, x->base, directory, path,
		  conf_kind_to_string(s->kind), x->base, path + strlen(x->base) + 1);
	return path_set_add(x->told, s->name);
}

static int check_directory(const struct service *x, const char *directory)
{
	const struct plan *p = &x->c->l->plan;
	int err = 0;

	for (size_t i = 0; i < p->n_overlays && err >= 0; i++)
		err = check_section(x, &p->overlays[i].conf->section, p->overlays[i].path,
				    directory);
	for (size_t i = 0; i < p->n_persists && err >= 0; i++)
		err = check_section(x, &p->persists[i].conf->section, p->persists[i].path,
				    directory);
	return err;
}

/* Adds what a specifier stands for. False: only systemd knows. */
static bool add_specifier(struct strbuf *b, char specifier, const char *unit)
{
	size_t stem = strlen(unit) - strlen(".service");

	switch (specifier) {
	case '%':
		strbuf_add_char(b, '%');
		return true;
	case 'n':
		strbuf_add(b, unit);
		return true;
	case 'N':
		strbuf_add_n(b, unit, stem);
		return true;
	case 'p':
		strbuf_add_n(b, unit, strcspn(unit, "@") < stem ? strcspn(unit, "@") : stem);
		return true;
	default:
		return false;
	}
}

/* @word: "NAME", or "NAME:LINK" for a further link; @n bytes. */
static int check_word(const struct service *x, const char *word, size_t n)
{
	_cleanup_strbuf_ struct strbuf b = { 0 };
	_cleanup_free_ char *directory = NULL;
	int err;

	for (size_t i = 0; i < n && word[i] != ':'; i++) {
		if (word[i] != '%')
			strbuf_add_char(&b, word[i]);
		else if (!add_specifier(&b, word[++i], x->name))
			return 0;
	}
	strbuf_add(&b, "");
	err = strbuf_take(&b, &directory);
	if (err < 0)
		return err;
	path_clean(directory);
	if (!*directory || *directory == '/' || path_has_dotdot(directory))
		return 0;
	return check_directory(x, directory);
}

static int check_value(const struct service *x, const char *value)
{
	while (*value) {
		size_t n = strcspn(value, " \t\"'");
		int err = n > 0 ? check_word(x, value, n) : 0;

		if (err < 0)
			return err;
		value += n + strspn(value + n, " \t\"'");
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

	if (err < 0 || u.is_masked || !has_dynamic_user(&u))
		return err;
	for (size_t i = 0; i < ELEMENTSOF(directories); i++) {
		const struct service x = { c, name, directories[i].key, directories[i].base, told };
		const struct unit_setting *e = NULL;

		while (err >= 0 && (e = unit_file_next(&u, "Service", x.key, e)))
			err = check_value(&x, e->value);
	}
	return err;
}

int check_services(struct checking *c)
{
	_cleanup_unit_dirs_ struct unit_dirs dirs = unit_dirs_open(&c->l->root, UNIT_ORIGIN_IMAGE);
	_cleanup_unit_names_ struct unit_names names = { 0 };
	_cleanup_path_set_ struct path_set told = { 0 };
	int err = unit_dirs_list(&dirs, ".service", &names);

	for (size_t i = 0; i < names.n && err >= 0; i++)
		err = check_service(c, &dirs, names.list[i], &told);
	return err;
}

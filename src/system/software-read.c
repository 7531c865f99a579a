/* SPDX-License-Identifier: MIT */
#include "system/software-read.h"

#include <string.h>

#include "basic/path.h"
#include "basic/text.h"
#include "system/homes.h"
#include "system/setting-path.h"
#include "system/setting-read.h"
#include "system/unit-presence.h"

/* struct value - what a setting says; owned */
struct value {
	char *path; /* clean */
	char *file;
	unsigned line;
};

struct values {
	struct value *items;
	size_t n;
};

/* struct finding - one directory of some software, while the settings that move it are read */
struct finding {
	const struct rootfs *r;
	const struct unit_dirs *dirs;
	struct software_places *places;
	const struct software *software;
	const struct software_data *data;
	const struct home *home;       /* NULL: not in a home directory */
	const struct setting *setting; /* that is read */
	struct values values;
	bool installed;
};

static void values_clear(struct values *v)
{
	for (size_t i = 0; i < v->n; i++) {
		free(v->items[i].path);
		free(v->items[i].file);
	}
	v->n = 0;
}

static void values_done(struct values *v)
{
	values_clear(v);
	free(v->items);
}

static bool exists(const struct rootfs *r, const char *path)
{
	_cleanup_free_ char *resolved = NULL;
	struct stat st;

	return rootfs_resolve(r, path, &resolved) == 0 && rootfs_stat(r, resolved, &st) == 0;
}

static int add_value(void *data, const char *value, const char *file, unsigned line)
{
	struct finding *x = data;
	struct value v = { .line = line };
	int found = setting_value_path(x->r, x->setting, x->home, value, &v.path);

	if (found <= 0)
		return found;
	if (x->setting->count == SETTING_COUNT_LAST)
		values_clear(&x->values);
	v.file = strdup(file);
	if (!v.file || array_reserve(x->values.items, x->values.n) < 0) {
		free(v.path);
		free(v.file);
		return -ENOMEM;
	}
	x->values.items[x->values.n++] = v;
	return 0;
}

static struct software_place *find_place(struct software_places *p, const char *path)
{
	for (size_t i = 0; i < p->n; i++)
		if (strcmp(p->items[i].path, path) == 0)
			return &p->items[i];
	return NULL;
}

/* Links followed; as it is where they lead nowhere. */
static int resolve(const struct rootfs *r, const char *path, char **ret)
{
	int err = rootfs_resolve(r, path, ret);

	return err < 0 && err != -ENOMEM ? text_format(ret, "%s", path) : err;
}

static void place_done(struct software_place *p)
{
	free(p->path);
	free(p->dir);
	free(p->file);
}

static int fill_place(const struct finding *x, const char *fallback, const struct value *v,
		      struct software_place *ret)
{
	const char *path = v ? v->path : fallback;
	int err = resolve(x->r, path, &ret->path);

	if (err >= 0)
		err = resolve(x->r, path_is_at_or_below(path, fallback) ? fallback : path,
			      &ret->dir);
	if (err >= 0 && v)
		err = text_format(&ret->file, "%s", v->file);
	/* A link may lead out of the directory. */
	if (err >= 0 && !path_is_at_or_below(ret->path, ret->dir)) {
		free(ret->dir);
		ret->dir = strdup(ret->path);
		err = ret->dir ? 0 : -ENOMEM;
	}
	return err;
}

/* @v: NULL: where it is by default. */
static int add_place(struct finding *x, const char *fallback, const struct value *v)
{
	struct software_place place = {
		.software = x->software,
		.data = x->data,
		.line = v ? v->line : 0,
		.installed = x->installed,
	};
	struct software_place *known;
	int err = fill_place(x, fallback, v, &place);

	if (err < 0) {
		place_done(&place);
		return err;
	}
	known = find_place(x->places, place.path);
	if (known) {
		/* What is installed rather than what is not. */
		if (place.installed && !known->installed) {
			struct software_place old = *known;

			*known = place;
			place = old;
		}
		place_done(&place);
		return 0;
	}
	if (array_reserve(x->places->items, x->places->n) < 0) {
		place_done(&place);
		return -ENOMEM;
	}
	x->places->items[x->places->n++] = place;
	return 0;
}

/* Where it is unless something moves it. */
static int find_default(const struct finding *x, char **ret)
{
	_cleanup_free_ char *path = NULL;
	int err = setting_path(x->home, x->data->path, &path);

	if (err < 0)
		return err;
	if (x->data->alternative && !exists(x->r, path) && exists(x->r, x->data->alternative))
		return text_format(ret, "%s", x->data->alternative);
	*ret = TAKE_PTR(path);
	return 0;
}

static int find_places(struct finding *x)
{
	_cleanup_free_ char *fallback = NULL;
	int err = find_default(x, &fallback);

	for (size_t i = 0; i < ELEMENTSOF(x->data->settings) && err >= 0; i++) {
		x->setting = &x->data->settings[i];
		if (x->setting->file)
			err = setting_read(x->dirs, x->setting, x->home, add_value, x);
	}
	if (err < 0)
		return err;
	/* Of each user only what there is. */
	if (x->values.n == 0 && x->home && !x->installed && !exists(x->r, fallback))
		return 0;
	if (x->values.n == 0)
		return add_place(x, fallback, NULL);
	for (size_t i = 0; i < x->values.n; i++) {
		err = add_place(x, fallback, &x->values.items[i]);
		if (err < 0)
			return err;
	}
	return 0;
}

static bool has_program(const struct rootfs *r, const char *name)
{
	static const char *const dirs[] = {
		"/usr/bin", "/usr/sbin", "/usr/local/bin", "/usr/local/sbin", "/bin", "/sbin",
	};

	for (size_t i = 0; i < ELEMENTSOF(dirs); i++)
		if (rootfs_has(r, dirs[i], name))
			return true;
	return false;
}

/* A path in a home directory that stands for a unit. */
static int look_in_home(const struct rootfs *r, const struct home *home, const char *path,
			struct unit_presence *p)
{
	_cleanup_free_ char *expanded = NULL;
	int err;

	if (!home)
		return 0;
	err = setting_path(home, path, &expanded);
	p->installed = p->installed || (err >= 0 && exists(r, expanded));
	return err;
}

/* Of a template, whose instances the administrator names, there is no unit of its own. */
static int look_for_unit(const struct unit_dirs *dirs, const char *name, struct unit_presence *p)
{
	int stem = (int)(strrchr(name, '.') - name);
	_cleanup_free_ char *template_name = NULL;
	int err = unit_presence_add(dirs, name, p);

	if (err < 0 || p->installed || p->masked || strchr(name, '@'))
		return err;
	err = text_format(&template_name, "%.*s@%s", stem, name, name + stem);
	return err < 0 ? err : unit_presence_add(dirs, template_name, p);
}

static int look_for(const struct unit_dirs *dirs, const struct software *s, const struct home *home,
		    struct unit_presence *ret)
{
	for (size_t i = 0; i < ELEMENTSOF(s->units) && s->units[i]; i++) {
		const char *name = s->units[i];
		int err = name[0] == '~' ? look_in_home(dirs->root, home, name, ret) :
					   look_for_unit(dirs, name, ret);

		if (err < 0)
			return err;
	}
	/* A program without a unit is started by hand, or by another; with masked ones it is not. */
	for (size_t i = 0; i < ELEMENTSOF(s->programs) && s->programs[i] && !ret->masked; i++)
		ret->installed = ret->installed || has_program(dirs->root, s->programs[i]);
	return 0;
}

static int read_software(struct finding *x, const struct home *home)
{
	struct unit_presence p = { 0 };
	int err = look_for(x->dirs, x->software, home, &p);

	x->home = home;
	x->installed = p.installed;
	for (size_t i = 0; i < ELEMENTSOF(x->software->data) && err >= 0; i++) {
		x->data = &x->software->data[i];
		if (!x->data->path)
			break;
		err = find_places(x);
		values_clear(&x->values);
	}
	return err;
}

static int read_all(struct finding *x, const struct homes *homes)
{
	int err = 0;

	for (size_t i = 0; err >= 0 && (x->software = software_get(i)); i++) {
		if (x->software->data[0].path[0] != '~') {
			err = read_software(x, NULL);
			continue;
		}
		for (size_t j = 0; j < homes->n && err >= 0; j++)
			err = read_software(x, &homes->items[j]);
	}
	return err;
}

int software_read(const struct rootfs *r, struct software_places *ret)
{
	_cleanup_software_places_ struct software_places places = { 0 };
	_cleanup_homes_ struct homes homes = { 0 };
	_cleanup_unit_dirs_ struct unit_dirs dirs = unit_dirs_open(r, UNIT_ORIGIN_IMAGE);
	struct finding x = { .r = r, .dirs = &dirs, .places = &places };
	int err = homes_read(r, &homes);

	if (err >= 0)
		err = read_all(&x, &homes);
	values_done(&x.values);
	if (err < 0)
		return err;
	*ret = TAKE_STRUCT(places);
	return 0;
}

void software_places_done(struct software_places *p)
{
	for (size_t i = 0; i < p->n; i++)
		place_done(&p->items[i]);
	free(p->items);
	*p = (struct software_places){ 0 };
}

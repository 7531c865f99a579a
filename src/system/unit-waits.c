/* SPDX-License-Identifier: MIT */
#include "system/unit-waits.h"

#include <string.h>

#include "basic/path.h"
#include "basic/text.h"
#include "basic/value.h"
#include "plan/unit-name.h"

#define DEPTH_MAX 3u /* how far to follow what a unit waits for */

/* What is being looked through, for the unit that is named in the configuration. */
struct reading {
	const struct unit_dirs *dirs;
	const char *name;
	struct facts *facts;
};

static int read_unit(struct reading *g, const struct unit_file *u, unsigned depth);

/* Takes @mount over, also on failure. */
static int add(struct reading *g, char *mount)
{
	struct facts *f = g->facts;
	_cleanup_free_ char *owned = mount, *unit = strdup(g->name);

	if (!unit || array_reserve(f->waits, f->n_waits) < 0)
		return -ENOMEM;
	f->waits[f->n_waits++] = (struct unit_wait){ TAKE_PTR(unit), TAKE_PTR(owned) };
	return 0;
}

/* systemd adds the order for it, and for the mounts above. */
static int add_path(struct reading *g, const char *path)
{
	_cleanup_free_ char *clean = strdup(path);
	char *mount;
	int err;

	if (!clean)
		return -ENOMEM;
	path_clean(clean);
	if (clean[0] != '/' || path_has_dotdot(clean) || strchr(clean, '%'))
		return 0;
	err = unit_name_from_path(clean, ".mount", &mount);
	if (err < 0)
		return err == -ENAMETOOLONG ? 0 : err;
	return add(g, mount);
}

static bool is_mount(const char *name)
{
	const char *type = strrchr(name, '.');

	return type && (strcmp(type, ".mount") == 0 || strcmp(type, ".automount") == 0);
}

/* A mount that is declared is always started; of others, only what is pulled in is waited for. */
static int follow(struct reading *g, const struct unit_file *u, const char *name, unsigned depth)
{
	_cleanup_unit_file_ struct unit_file next = { 0 };
	int err;

	if (!value_is_unit(name, strlen(name)))
		return 0;
	if (is_mount(name))
		return add(g, strdup(name));
	if (depth >= DEPTH_MAX || !unit_file_pulls_in(u, name))
		return 0;
	err = unit_file_read(g->dirs, name, &next);
	return err < 0 || next.is_masked ? err : read_unit(g, &next, depth + 1);
}

/* Each word. @key: section, key, and what the path begins with; NULL: the words are units */
static int read_key(struct reading *g, const struct unit_file *u, unsigned depth,
		    const char *const key[3])
{
	const struct unit_setting *s = NULL;

	while ((s = unit_file_next(u, key[0], key[1], s))) {
		_cleanup_free_ char *words = strdup(s->value);
		char *state, *word;
		int err = words ? 0 : -ENOMEM;

		for (word = words ? strtok_r(words, " \t\"'", &state) : NULL; word && err >= 0;
		     word = strtok_r(NULL, " \t\"'", &state)) {
			_cleanup_free_ char *path = NULL;

			if (!key[2]) {
				err = follow(g, u, word, depth);
				continue;
			}
			err = text_format(&path, "%s%s", key[2], word);
			if (err >= 0)
				err = add_path(g, path);
		}
		if (err < 0)
			return err;
	}
	return 0;
}

static int read_unit(struct reading *g, const struct unit_file *u, unsigned depth)
{
	/* The directories: unit_add_exec_dependencies() of systemd. */
	static const char *const keys[][3] = {
		{ "Unit", "After", NULL },
		{ "Unit", "RequiresMountsFor", "" },
		{ "Unit", "WantsMountsFor", "" },
		{ "Service", "WorkingDirectory", "" },
		{ "Service", "StateDirectory", "/var/lib/" },
		{ "Service", "CacheDirectory", "/var/cache/" },
		{ "Service", "LogsDirectory", "/var/log/" },
	};
	int err = 0;

	for (size_t i = 0; i < ELEMENTSOF(keys) && err >= 0; i++)
		err = read_key(g, u, depth, keys[i]);
	return err;
}

int unit_waits_read(const struct unit_dirs *d, const char *name, const struct unit_file *u,
		    struct facts *f)
{
	struct reading g = { d, name, f };

	return read_unit(&g, u, 1);
}

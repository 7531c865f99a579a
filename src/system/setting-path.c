/* SPDX-License-Identifier: MIT */
#include "system/setting-path.h"

#include <fnmatch.h>
#include <limits.h>
#include <string.h>

#include "basic/io.h"
#include "basic/path.h"
#include "basic/strbuf.h"
#include "basic/text.h"

/* What a value says for one user. */
static int expand_variables(const struct home *home, const char *value, char **ret)
{
	const struct {
		const char *name, *value;
	} variables[] = {
		{ "~", home->dir },	 { "$HOME", home->dir },    { "${HOME}", home->dir },
		{ "$USER", home->user }, { "${USER}", home->user }, { "$UID", home->uid },
	};
	_cleanup_strbuf_ struct strbuf b = { 0 };

	while (*value) {
		size_t i, n = 0;

		for (i = 0; i < ELEMENTSOF(variables) && !n; i++)
			if (strncmp(value, variables[i].name, strlen(variables[i].name)) == 0)
				n = strlen(variables[i].name);
		if (n)
			strbuf_add(&b, variables[i - 1].value);
		else
			strbuf_add_char(&b, *value);
		value += n ? n : 1;
	}
	strbuf_add(&b, "");
	return strbuf_take(&b, ret);
}

/* In RAM, as it is meant. */
static bool is_volatile(const char *path)
{
	return path_is_below(path, "/run") || path_is_at_or_below(path, "/dev/shm");
}

static bool is_place(const char *path)
{
	return path[0] == '/' && path[1] && strlen(path) < PATH_MAX && !path_has_dotdot(path) &&
	       (!path_is_api(path) || is_volatile(path));
}

/* The directory of a file. */
static void end_at_directory(char *path)
{
	char *slash = strrchr(path, '/');

	if (slash)
		*slash = '\0';
}

/* The part of the path that is the same for all users. "": there is none. */
static void end_at_user(char *path)
{
	char *start = path + strspn(path, "abcdefghijklmnopqrstuvwxyz"), *variable;

	if (start > path && *start == ':')
		memmove(path, start + 1, strlen(start));
	path[strcspn(path, ":")] = '\0';
	variable = strchr(path, '%');
	if (variable) {
		*variable = '\0';
		end_at_directory(path);
	}
}

struct unwritten {
	const char *pattern;
	bool found;
};

static int match_unwritten(void *data, const char *name)
{
	struct unwritten *x = data;

	if (strcmp(name, "lost+found") == 0)
		return 0;
	x->found = fnmatch(x->pattern, name, 0) == 0;
	return x->found ? 0 : -ENOTEMPTY;
}

static bool is_unwritten(const struct rootfs *r, const char *path, const char *pattern)
{
	struct unwritten x = { .pattern = pattern };
	_cleanup_free_ char *resolved = NULL;

	return rootfs_resolve(r, path, &resolved) == 0 &&
	       each_name(rootfs_open_dir(r, resolved), match_unwritten, &x) >= 0 && x.found;
}

int setting_value_path(const struct rootfs *r, const struct setting *s, const struct home *home,
		       const char *value, char **ret)
{
	_cleanup_free_ char *path = NULL;
	int err = home ? expand_variables(home, value, &path) : text_format(&path, "%s", value);

	if (err < 0)
		return err;
	if (s->is_file)
		end_at_directory(path);
	if (s->is_mail_location)
		end_at_user(path);
	path_clean(path);
	if (!is_place(path) || (s->unwritten && is_unwritten(r, path, s->unwritten)))
		return 0;
	*ret = TAKE_PTR(path);
	return 1;
}

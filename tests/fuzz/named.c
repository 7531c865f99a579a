/* SPDX-License-Identifier: MIT */
/* Units and paths that Requires= and After= of a partition name, and the x-systemd options of fstab. */
#include "judge.h"

#include <string.h>

#include "basic/macro.h"
#include "basic/path.h"

#define PREFIX "x-systemd."

static const char *const of_units[] = { PREFIX "requires=", PREFIX "wants=", PREFIX "after=",
					PREFIX "before=", NULL };
static const char *const of_paths[] = { PREFIX "requires-mounts-for=", NULL };
static const char *const of_wanted_paths[] = { PREFIX "wants-mounts-for=", NULL };
static const char *const of_wants[] = { PREFIX "wanted-by=", NULL };
static const char *const of_requires[] = { PREFIX "required-by=", NULL };

/*
 * Goes past what @c is in a unit name: itself, \xNN, or '-' for a slash. In the name of a path, '-' and
 * '\' are never themselves.
 */
static bool skip_byte(const char **unit, char c, bool of_path)
{
	char escape[8];

	snprintf(escape, sizeof(escape), "\\x%02x", (unsigned)(unsigned char)c);
	if (strncmp(*unit, escape, strlen(escape)) == 0)
		*unit += strlen(escape);
	else if (c == '/' ? **unit == '-' : **unit == c && !(of_path && strchr("-\\", c)))
		++*unit;
	else
		return false;
	return true;
}

static bool is_type(const char *unit, bool of_path)
{
	return strcmp(unit, ".mount") == 0 || (of_path ? strcmp(unit, ".device") == 0 : !*unit);
}

/* Is it the mount or the device unit of @path? */
static bool is_of_path(const char *unit, const char *path)
{
	_cleanup_free_ char *clean = join(path, "");
	const char *s = clean + 1;

	path_clean(clean);
	if (!*s)
		return strcmp(unit, "-.mount") == 0;
	for (; *s; s++)
		if (!skip_byte(&unit, *s, true))
			return false;
	return is_type(unit, true);
}

/* Does @value mean @unit? A name without a type is that of a mount unit, whatever is in it. */
static bool is_meant(const char *unit, const char *value)
{
	if (strcmp(unit, value) == 0)
		return true;
	if (*value == '/')
		return is_of_path(unit, value);
	for (; *value; value++)
		if (!skip_byte(&unit, *value, false))
			return false;
	return is_type(unit, false);
}

/* Are the path and those above it mounted? */
static bool is_meant_by_path(const char *unit, const char *value)
{
	_cleanup_free_ char *path = join(value, "");

	for (char *slash; *path == '/' && path[1]; *slash = '\0') {
		if (is_of_path(unit, path))
			return true;
		slash = strrchr(path, '/');
	}
	return false;
}

static bool is_same_value(const char *name, const char *value)
{
	return strcmp(name, value) == 0;
}

static bool is_same_path(const char *name, const char *value)
{
	_cleanup_free_ char *path = join(value, "");

	path_clean(path);
	return *path == '/' && strcmp(name, path) == 0;
}

/* A backslash is before a comma, and before a backslash, that are part of the value. */
static char *next_option(const char **options)
{
	char *option = join(*options, ""), *to = option;
	const char *s = *options;

	for (; *s && *s != ','; s++) {
		s += *s == '\\' && s[1] && strchr(",\\", s[1]);
		*to++ = *s;
	}
	*to = '\0';
	*options = s + (*s == ',');
	return option;
}

static bool names(const char *options, const char *const *keys, const char *name,
		  bool (*means)(const char *name, const char *value))
{
	while (*options) {
		_cleanup_free_ char *option = next_option(&options);

		for (const char *const *key = keys; *key; key++)
			if (strncmp(option, *key, strlen(*key)) == 0 &&
			    means(name, option + strlen(*key)))
				return true;
	}
	return false;
}

static bool is_in_fstab(const struct check *c, const char *const *keys, const char *name,
			bool (*means)(const char *name, const char *value))
{
	for (size_t i = 0; i < c->facts->n_fstab; i++)
		if (names(c->facts->fstab[i].options, keys, name, means))
			return true;
	return false;
}

static bool is_word_of(const char *words, const char *name)
{
	_cleanup_free_ char *copy = join(words ? words : "", "");
	char *state, *word;

	for (word = strtok_r(copy, " \t", &state); word; word = strtok_r(NULL, " \t", &state))
		if (strcmp(word, name) == 0)
			return true;
	return false;
}

bool is_named_unit(const struct check *c, const char *name)
{
	for (size_t i = 0; i < c->conf->n_partitions; i++)
		if (is_word_of(c->conf->partitions[i]->requires, name) ||
		    is_word_of(c->conf->partitions[i]->after, name))
			return true;
	return is_in_fstab(c, of_units, name, is_meant) ||
	       is_in_fstab(c, of_wanted_paths, name, is_meant_by_path);
}

bool is_named_path(const struct check *c, const char *path)
{
	return is_in_fstab(c, of_paths, path, is_same_path);
}

bool is_named_link(const struct check *c, const char *name)
{
	static const char lower[] = "/rofs-ro-";
	_cleanup_free_ char *directory = copy_n(name, strcspn(name, "/")), *by = NULL;
	bool required = ends_with(directory, ".requires");

	if (strncmp(name + strlen(directory), lower, strlen(lower)) != 0 ||
	    !(required || ends_with(directory, ".wants")))
		return false;
	by = copy_n(directory, (size_t)(strrchr(directory, '.') - directory));
	return is_in_fstab(c, required ? of_requires : of_wants, by, is_same_value);
}

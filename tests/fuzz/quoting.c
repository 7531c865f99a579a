/* SPDX-License-Identifier: MIT */
/*
 * Names and values read back into what they stand for: specifiers, escapes, unit names, device paths.
 */
#include "judge.h"

#include <stdlib.h>
#include <string.h>

#include "basic/macro.h"

/* @sign starts something that is replaced, unless it is doubled. */
char *undouble(const char *s, char sign)
{
	char *copy = copy_n(s, strlen(s)), *to = copy;

	for (; *s; s++) {
		check_that(*s != sign || s[1] == sign, "a sign that is not doubled", s);
		*to++ = *s;
		s += *s == sign;
	}
	*to = '\0';
	return copy;
}

/* Specifiers: nothing but %% is meant. */
char *unpercent(const char *s)
{
	return undouble(s, '%');
}

/* Slashes together count as one, and those at the end do not count. */
char *simplify(const char *s)
{
	char *copy = copy_n(s, strlen(s)), *to = copy;

	for (; *s; s++)
		if (*s != '/' || to == copy || to[-1] != '/')
			*to++ = *s;
	while (to > copy + 1 && to[-1] == '/')
		to--;
	*to = '\0';
	return copy;
}

bool same_path(const char *value, const char *path)
{
	_cleanup_free_ char *a = simplify(value), *b = simplify(path);

	return strcmp(a, b) == 0;
}

/* \xNN becomes the byte it stands for. With @dashes also '-' becomes '/': a unit name back into its path. */
static char *unescape(const char *s, size_t n, bool dashes)
{
	char *copy = copy_n(s, n), *to = copy;

	for (const char *p = copy; *p; p++) {
		unsigned byte = 0;

		if (*p == '-' && dashes) {
			*to++ = '/';
		} else if (*p == '\\') {
			check_that(p[1] == 'x' && sscanf(p + 2, "%2x", &byte) == 1 && byte,
				   "broken escape", s);
			*to++ = (char)byte;
			p += 3;
		} else {
			*to++ = *p;
		}
	}
	*to = '\0';
	return copy;
}

bool ends_with(const char *s, const char *end)
{
	return strlen(s) >= strlen(end) && strcmp(s + strlen(s) - strlen(end), end) == 0;
}

char *path_of_unit(const char *name, const char *suffix)
{
	_cleanup_free_ char *path = NULL;

	check_that(ends_with(name, suffix), suffix, name);
	path = unescape(name, strlen(name) - strlen(suffix), true);
	return join("/", path);
}

/* fstab may have quotes around a tag's value. */
static bool is_quoted(const char *s, const char *plain)
{
	size_t n = strlen(plain);

	return strchr("\"'", *s) && *s && strlen(s) == n + 2 && s[n + 1] == *s &&
	       strncmp(s + 1, plain, n) == 0;
}

/* Is @path where udev puts @device? */
bool is_device(const char *path, const char *device)
{
	static const char *const tags[][2] = {
		{ "LABEL=", "/dev/disk/by-label/" },
		{ "UUID=", "/dev/disk/by-uuid/" },
		{ "PARTLABEL=", "/dev/disk/by-partlabel/" },
		{ "PARTUUID=", "/dev/disk/by-partuuid/" },
	};

	for (size_t i = 0; i < ELEMENTSOF(tags); i++) {
		_cleanup_free_ char *value = NULL;
		size_t n = strlen(tags[i][1]);

		if (strncmp(device, tags[i][0], strlen(tags[i][0])) != 0)
			continue;
		device += strlen(tags[i][0]);
		if (strncmp(path, tags[i][1], n) != 0) /* an empty value leaves the directory */
			return (!*device || is_quoted(device, "")) && same_path(path, tags[i][1]);
		value = unescape(path + n, SIZE_MAX, false);
		return strcmp(value, device) == 0 || is_quoted(device, value);
	}
	return strncmp(device, "/dev/", 5) == 0 && same_path(path, device);
}

/* One word of a command line: \xNN is a byte, $$ and %% are single ones. */
char *command_word(const char *s)
{
	_cleanup_free_ char *dollars = undouble(s, '$'), *word = unpercent(dollars);
	char *copy = copy_n(word, strlen(word)), *to = copy;

	check_that(strpbrk(s, " \t\"'") == NULL, "more than one word", s);
	for (const char *from = word; *from; from++) {
		*to = *from;
		if (*from == '\\') {
			check_that(from[1] == 'x' && from[2] && from[3], "an escape", from);
			*to = (char)strtoul((char[]){ from[2], from[3], 0 }, NULL, 16);
			from += 3;
		}
		to++;
	}
	*to = '\0';
	return copy;
}

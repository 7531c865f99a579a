/* SPDX-License-Identifier: MIT */
#include "basic/path.h"

#include <string.h>

#include "basic/macro.h"

void path_clean(char *path)
{
	const char *from = path;
	char *to = path;
	bool absolute = *path == '/';

	while (*from) {
		size_t n;

		from += strspn(from, "/");
		n = strcspn(from, "/");
		if (n == 0)
			break;
		if (n == 1 && *from == '.') {
			from++;
			continue;
		}

		if (to > path || absolute)
			*to++ = '/';
		memmove(to, from, n);
		to += n;
		from += n;
	}

	if (to == path && absolute)
		*to++ = '/';
	*to = '\0';
}

bool path_has_dotdot(const char *path)
{
	while (*path) {
		size_t n;

		path += strspn(path, "/");
		n = strcspn(path, "/");
		if (n == 2 && path[0] == '.' && path[1] == '.')
			return true;
		path += n;
	}
	return false;
}

bool path_is_below(const char *path, const char *dir)
{
	size_t n = strlen(dir);

	if (n == 1 && *dir == '/')
		return path[0] == '/' && path[1];

	return strncmp(path, dir, n) == 0 && path[n] == '/';
}

bool path_is_at_or_below(const char *path, const char *dir)
{
	return strcmp(path, dir) == 0 || path_is_below(path, dir);
}

/* '/' sorts below every other byte, only the end of the string is lower. */
static unsigned rank(char c)
{
	if (c == '\0')
		return 0;
	if (c == '/')
		return 1;
	return (unsigned)(unsigned char)c + 1;
}

int path_compare(const char *a, const char *b)
{
	while (*a && *a == *b)
		a++, b++;

	return (int)rank(*a) - (int)rank(*b);
}

bool path_is_api(const char *path)
{
	static const char *const api[] = { "/proc", "/sys", "/dev", "/run", "/rofs" };

	for (size_t i = 0; i < ELEMENTSOF(api); i++)
		if (path_is_at_or_below(path, api[i]))
			return true;
	return false;
}

size_t path_count_before(const void *sorted, size_t n, size_t size, const char *path)
{
	size_t low = 0, high = n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		const char *const *element = (const void *)((const char *)sorted + middle * size);

		if (path_compare(*element, path) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

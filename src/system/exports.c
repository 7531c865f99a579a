/* SPDX-License-Identifier: MIT */
#include "system/exports.h"

#include <fnmatch.h>
#include <string.h>

#include "basic/path.h"
#include "basic/text.h"
#include "system/dir-names.h"

#define EXPORTS_D	  "/etc/exports.d"
#define EXPORTS_BYTES_MAX ((size_t)1 << 20)
#define FILES_MAX	  1000u

struct reading {
	const struct rootfs *root;
	int (*found)(void *data, const struct nfs_export *e);
	void *data;
};

/* Decodes a backslash and three octal digits. */
static char *decode(char *to, const char **from)
{
	const char *at = *from;

	if (strspn(at, "01234567") < 3) {
		*to = '\\';
		return to + 1;
	}
	*to = (char)((at[0] - '0') << 6 | (at[1] - '0') << 3 | (at[2] - '0'));
	*from = at + 3;
	return to + 1;
}

/* Takes the next field at *@next, in place; it may be quoted. NULL: there is none. */
static char *take_field(char **next)
{
	char *field = *next + strspn(*next, " \t"), *to = field, end;
	const char *from = field;
	bool quoted = false;

	if (*field == '\0' || *field == '#')
		return NULL;
	while (*from && (quoted || !strchr(" \t#", *from))) {
		char c = *from++;

		if (c == '"')
			quoted = !quoted;
		else if (c == '\\')
			to = decode(to, &from);
		else
			*to++ = c;
	}
	end = *from;
	*next += from - *next;
	*next += end == ' ' || end == '\t';
	*to = '\0';
	return field;
}

static bool has_option(const char *options, const char *option)
{
	size_t n = strlen(option);

	for (; *options; options += options[0] == ',') {
		size_t len = strcspn(options, ",)");

		if (len == n && strncmp(options, option, n) == 0)
			return true;
		options += len;
		if (*options == ')')
			break;
	}
	return false;
}

/* A field behind the path: "CLIENT", "CLIENT(OPTIONS)" or, for all that follow, "-OPTIONS". */
static bool crosses_mounts(const char *field)
{
	const char *options = strchr(field, '(');

	if (*field == '-' || options)
		return has_option(*field == '-' ? field + 1 : options + 1, "crossmnt");
	return false;
}

/* Ends the line, and joins it with what follows a backslash at its end. */
static char *take_line(char **next, unsigned *lines)
{
	char *line = *next, *at = line;

	for (; *at; at++) {
		if (at[0] == '\\' && at[1] == '\n') {
			at[0] = at[1] = ' ';
			++*lines;
		}
		if (*at == '\n')
			break;
	}
	++*lines;
	*next = *at ? at + 1 : NULL;
	*at = '\0';
	return line;
}

static int read_line(const struct reading *r, const char *file, unsigned number, char *line)
{
	char *path = take_field(&line);
	struct nfs_export e = { path, file, number, false };

	if (!path)
		return 0;
	path_clean(path);
	if (path[0] != '/' || path_has_dotdot(path))
		return 0;
	for (const char *field; (field = take_field(&line));)
		e.crossmnt = e.crossmnt || crosses_mounts(field);
	return r->found(r->data, &e);
}

static int read_file(const struct reading *r, const char *file)
{
	_cleanup_free_ char *text = NULL;
	unsigned lines = 0;
	size_t len;
	int err = rootfs_read(r->root, file, EXPORTS_BYTES_MAX, &text, &len);

	if (err < 0)
		return err == -ENOMEM ? err : 0;
	for (char *next = text; next && err >= 0;) {
		unsigned number = lines + 1;

		err = read_line(r, file, number, take_line(&next, &lines));
	}
	return err;
}

int exports_each(const struct rootfs *r, int (*found)(void *data, const struct nfs_export *e),
		 void *data)
{
	_cleanup_dir_names_ struct dir_names names = { 0 };
	const struct reading x = { r, found, data };
	int err = read_file(&x, "/etc/exports");

	if (err >= 0)
		err = dir_names_read(r, EXPORTS_D, "?*.exports", FNM_PERIOD, FILES_MAX, &names);
	for (size_t i = 0; i < names.n && err >= 0; i++) {
		_cleanup_free_ char *file = NULL;

		err = text_format(&file, EXPORTS_D "/%s", names.list[i]);
		if (err >= 0)
			err = read_file(&x, file);
	}
	return err;
}

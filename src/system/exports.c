/* SPDX-License-Identifier: MIT */
#include "system/exports.h"

#include <fnmatch.h>
#include <string.h>

#include "basic/io.h"
#include "basic/path.h"
#include "basic/text.h"

#define EXPORTS_BYTES_MAX ((size_t)1 << 20)

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

/* Takes the first field of a line, in place: a path, which may be quoted. */
static char *first_field(char *line)
{
	const char *from = line + strspn(line, " \t");
	char *to = line;
	bool quoted = false;

	while (*from && (quoted || !strchr(" \t#", *from))) {
		char c = *from++;

		if (c == '"')
			quoted = !quoted;
		else if (c == '\\')
			to = decode(to, &from);
		else
			*to++ = c;
	}
	*to = '\0';
	return line;
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
	char *path = first_field(line);

	path_clean(path);
	if (path[0] != '/' || path_has_dotdot(path))
		return 0;
	return r->found(r->data, &(struct nfs_export){ path, file, number });
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

static int read_name(void *data, const char *name)
{
	_cleanup_free_ char *file = NULL;
	int err;

	if (fnmatch("*.exports", name, FNM_PERIOD) != 0)
		return 0;
	err = text_format(&file, "/etc/exports.d/%s", name);
	return err < 0 ? err : read_file(data, file);
}

int exports_each(const struct rootfs *r, int (*found)(void *data, const struct nfs_export *e),
		 void *data)
{
	struct reading x = { r, found, data };
	int err = read_file(&x, "/etc/exports");

	if (err >= 0)
		err = each_name(rootfs_open_dir(r, "/etc/exports.d"), read_name, &x);
	return err == -ENOMEM ? err : 0;
}

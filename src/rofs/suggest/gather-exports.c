/* SPDX-License-Identifier: MIT */
/* Directories that are exported over NFS: exports(5). */
#include <string.h>

#include "basic/io.h"
#include "basic/text.h"
#include "rofs/suggest/gather.h"

#define EXPORTS_BYTES_MAX ((size_t)1 << 20)

struct reading {
	const struct loaded *l;
	struct machine *m;
};

static bool is_octal(const char *s)
{
	return s[0] >= '0' && s[0] <= '3' && s[1] >= '0' && s[1] <= '7' && s[2] >= '0' &&
	       s[2] <= '7';
}

/* Takes the path at the beginning of a line out of its quotes and octal escapes, in place. */
static void read_path(char *line)
{
	bool quoted = *line == '"';
	char *to = line, *from = line + quoted;

	while (*from && (quoted ? *from != '"' : !strchr(" \t", *from))) {
		if (*from == '\\' && is_octal(from + 1)) {
			*to++ = (char)((from[1] - '0') << 6 | (from[2] - '0') << 3 |
				       (from[3] - '0'));
			from += 4;
		} else {
			*to++ = *from++;
		}
	}
	*to = '\0';
}

/* Lines that end in a backslash go on: clients, mostly, but a path is never cut. */
static int read_lines(const struct reading *r, char *text)
{
	bool goes_on = false;

	for (char *line = text, *next; line; line = next) {
		bool is_more = goes_on;
		size_t n;
		int err;

		next = strchr(line, '\n');
		if (next)
			*next++ = '\0';
		n = strlen(line);
		goes_on = n > 0 && line[n - 1] == '\\';
		line += strspn(line, " \t");
		if (is_more || (*line != '/' && *line != '"'))
			continue;
		read_path(line);
		err = gather_path(r->l, r->m, line, USE_EXPORT, "the NFS server", NULL);
		if (err < 0)
			return err;
	}
	return 0;
}

static int read_exports(const struct reading *r, const char *path)
{
	_cleanup_free_ char *text = NULL;
	size_t n;
	int err = rootfs_read(&r->l->root, path, EXPORTS_BYTES_MAX, &text, &n);

	if (err < 0)
		return err == -ENOMEM ? err : 0;
	return read_lines(r, text);
}

static int read_one(void *data, const char *name)
{
	_cleanup_free_ char *path = NULL;
	size_t n = strlen(name);
	int err;

	if (*name == '.' || n < 8 || strcmp(name + n - 8, ".exports") != 0)
		return 0;
	err = text_format(&path, "/etc/exports.d/%s", name);
	return err < 0 ? err : read_exports(data, path);
}

int gather_exports(const struct loaded *l, struct machine *m)
{
	struct reading r = { l, m };
	int err = read_exports(&r, "/etc/exports");

	if (err >= 0)
		err = each_name(rootfs_open_dir(&l->root, "/etc/exports.d"), read_one, &r);
	return err == -ENOMEM ? err : 0;
}

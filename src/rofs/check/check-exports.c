/* SPDX-License-Identifier: MIT */
/* What the NFS server of the kernel exports. */
#include <fnmatch.h>
#include <string.h>

#include "basic/io.h"
#include "basic/path.h"
#include "basic/text.h"
#include "rofs/check/check.h"

#define EXPORTS_MAX ((size_t)1024 * 1024) /* bytes */

/* struct exports - one file of exports(5) while it is read */
struct exports {
	struct checking *c;
	const char *file;
	unsigned line;
};

/*
 * The kernel refuses an overlay without nfs_export=on, fs/overlayfs/super.c, and that needs index=on,
 * with which the lower could not be changed.
 */
static int check_export(const struct exports *x, char *path)
{
	_cleanup_free_ char *resolved = NULL;
	const struct conf_section *s;
	struct place place;
	int err;

	path_clean(path);
	if (path[0] != '/' || path_has_dotdot(path))
		return 0;
	err = rootfs_resolve(&x->c->l->root, path, &resolved);
	if (err < 0)
		return err == -ENOMEM ? err : 0;
	place = check_place_of(x->c, resolved);
	if (place.kind != PLACE_OVERLAY)
		return 0;
	s = &place.overlay->conf->section;
	check_add(x->c, PROBLEM_EXPORT_REFUSED, s, (struct pos){ x->file, x->line },
		  "%s is exported over NFS, but it is on [Overlay %s], and the kernel refuses to "
		  "export an overlay; add [Persist %s]",
		  path, s->name, resolved);
	return 0;
}

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
static char *take_line(struct exports *x, char **next, unsigned *lines)
{
	char *line = *next, *at = line;

	x->line = *lines + 1;
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

static int check_file(struct checking *c, const char *path)
{
	_cleanup_free_ char *text = NULL;
	struct exports x = { .c = c, .file = check_file_name(c, path) };
	unsigned lines = 0;
	char *next;
	size_t len;
	int err = rootfs_read(&c->l->root, path, EXPORTS_MAX, &text, &len);

	if (err < 0)
		return err == -ENOMEM ? err : 0;
	for (next = text; next && err >= 0;)
		err = check_export(&x, first_field(take_line(&x, &next, &lines)));
	return err;
}

static int check_name(void *data, const char *name)
{
	struct checking *c = data;
	_cleanup_free_ char *path = NULL;
	int err;

	if (fnmatch("*.exports", name, FNM_PERIOD) != 0)
		return 0;
	err = text_format(&path, "/etc/exports.d/%s", name);
	return err < 0 ? err : check_file(c, path);
}

int check_exports(struct checking *c)
{
	int err = check_file(c, "/etc/exports");

	if (err >= 0)
		err = each_name(rootfs_open_dir(&c->l->root, "/etc/exports.d"), check_name, c);
	return err == -ENOMEM ? err : 0;
}

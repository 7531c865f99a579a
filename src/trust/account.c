/* SPDX-License-Identifier: MIT */
#include "trust/account.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "basic/text.h"
#include "system/rootfs.h"

#define FILE_BYTES_MAX ((size_t)16 * 1024 * 1024) /* groups of a company with all their members */

static const struct {
	const char *path, *key, *what;
} files[] = {
	[ACCOUNT_USER] = { "/etc/passwd", "User", "user" },
	[ACCOUNT_GROUP] = { "/etc/group", "Group", "group" },
};

/* The field of a line after its n-th colon. Returns NULL if there is none; else @ret_len is set. */
static const char *field(const char *line, size_t n, size_t len, size_t *ret_len)
{
	const char *end = line + len, *colon;

	for (; n > 0; n--) {
		line = memchr(line, ':', (size_t)(end - line));
		if (!line++)
			return NULL;
	}
	colon = memchr(line, ':', (size_t)(end - line));
	*ret_len = (size_t)((colon ? colon : end) - line);
	return line;
}

/* The highest ID means "leave as it is" to chown(2). */
static int parse_id(const char *s, size_t len, uint32_t *ret)
{
	uint64_t id = 0;

	if (len == 0)
		return -EINVAL;
	for (size_t i = 0; i < len; i++) {
		if (s[i] < '0' || s[i] > '9')
			return -EINVAL;
		id = 10 * id + (uint64_t)(s[i] - '0');
		if (id >= UINT32_MAX)
			return -EINVAL;
	}
	*ret = (uint32_t)id;
	return 0;
}

/* passwd(5) and group(5): NAME:PASSWORD:ID:... The first line of a name counts, as for getpwnam(3). */
static int find(const char *text, size_t len, const char *name, uint32_t *ret)
{
	const char *end = text + len;
	size_t name_len = strlen(name), id_len;

	for (const char *line = text, *next; line < end; line = next + 1) {
		const char *id;

		next = memchr(line, '\n', (size_t)(end - line));
		if (!next)
			next = end;
		if ((size_t)(next - line) <= name_len || line[name_len] != ':' ||
		    memcmp(line, name, name_len) != 0)
			continue;
		id = field(line, 2, (size_t)(next - line), &id_len);
		return id ? parse_id(id, id_len, ret) : -EINVAL;
	}
	return -ENOENT;
}

static int read_accounts(int root_fd, const char *path, char **ret, size_t *ret_len)
{
	_cleanup_rootfs_ struct rootfs r = ROOTFS_INIT;
	int err = rootfs_open_at(root_fd, ".", &r);

	return err < 0 ? err : rootfs_read(&r, path, FILE_BYTES_MAX, ret, ret_len);
}

/* Whether or not it needs a lookup. */
static bool is_number(const char *name, uint32_t *ret)
{
	char *end;

	*ret = (uint32_t)strtoul(name, &end, 10);
	return !*end;
}

int account_find(int root_fd, enum account kind, const char *name, uint32_t *ret, char **ret_why)
{
	const char *path = files[kind].path;
	_cleanup_free_ char *text = NULL;
	size_t len = 0;
	int err;

	if (is_number(name, ret))
		return 0;
	err = read_accounts(root_fd, path, &text, &len);
	if (err < 0)
		return text_format(ret_why, "cannot read %s: %s", path, strerror(-err)), err;
	err = find(text, len, name, ret);
	if (err == -ENOENT)
		text_format(ret_why,
			    "%s=%s: no such %s in %s of the root file system; names that are "
			    "defined elsewhere must be given as numbers",
			    files[kind].key, name, files[kind].what, path);
	else if (err < 0)
		text_format(ret_why, "%s: the ID of %s is not a number from 0 to 4294967294", path,
			    name);
	return err;
}

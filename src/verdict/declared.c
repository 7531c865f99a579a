/* SPDX-License-Identifier: MIT */
#include "verdict/declared.h"

#include <stdlib.h>
#include <string.h>

#define BTRFS_TOP_LEVEL 5u

static const char *const layers[] = { "lowerdir", "upperdir", "workdir" };

static const struct {
	const char *word;
	bool also_in_ram;
} foreign_features[] = {
	{ "volatile", true }, /* what is written may never reach the upper */
	{ "fsync=volatile", true },
	{ "metacopy=on", true },
	{ "redirect_dir=on", true },
	{ "redirect_dir=follow", false }, /* what "off" does where the kernel always follows */
	{ "userxattr", true },
};

unsigned declared_lacks(const struct observed_mount *m, const char *options)
{
	unsigned has = mount_flags(m->options);

	/* The file system is, through whatever mount. */
	if (observed_is_read_only(m))
		has |= MOUNT_READ_ONLY;
	return mount_flags(options) & ~has;
}

/* The value of "NAME=VALUE", @len bytes long. NULL: there is none. */
static const char *value_of(const char *options, const char *name, size_t *len)
{
	size_t n = strlen(name);

	for (const char *s = options; *s;) {
		size_t word = strcspn(s, ",");

		/* After a value it may begin with the comma: an empty word. */
		if (word > n && strncmp(s, name, n) == 0 && s[n] == '=') {
			*len = word - n - 1;
			return s + n + 1;
		}
		s += word + (s[word] == ',');
	}
	return NULL;
}

/*
 * The new interface for mounts lets a program give each lower on its own, as "lowerdir+". Ours have
 * one, so NULL if there are more.
 */
static const char *layer_of(const char *options, const char *name, size_t *len)
{
	const char *value = value_of(options, name, len);
	size_t ignored;

	if (value || strcmp(name, "lowerdir") != 0)
		return value;
	value = value_of(options, "lowerdir+", len);
	return value && !value_of(value + *len, "lowerdir+", &ignored) ? value : NULL;
}

bool declared_has_layers(const struct observed_mount *m, const char *options)
{
	for (size_t i = 0; i < ELEMENTSOF(layers); i++) {
		size_t n = 0, k = 0;
		const char *declared = layer_of(options, layers[i], &n),
			   *observed = layer_of(m->fs_options, layers[i], &k);

		if (!declared || !observed || n != k || memcmp(declared, observed, n) != 0)
			return false;
	}
	return true;
}

void declared_add_layers(struct strbuf *b, const char *options)
{
	const char *comma = "";

	for (size_t i = 0; i < ELEMENTSOF(layers); i++) {
		size_t n;
		const char *value = layer_of(options, layers[i], &n);

		if (!value)
			continue;
		strbuf_addf(b, "%s%s=", comma, layers[i]);
		strbuf_add_n(b, value, n);
		comma = ",";
	}
}

static bool is_foreign(const char *word, size_t n, bool kept)
{
	for (size_t i = 0; i < ELEMENTSOF(foreign_features); i++)
		if (strlen(foreign_features[i].word) == n &&
		    strncmp(word, foreign_features[i].word, n) == 0)
			return kept || foreign_features[i].also_in_ram;
	return false;
}

/* The first such word at or behind @s, @len bytes long. NULL: there is none. */
static const char *find_foreign(const char *s, bool kept, size_t *len)
{
	while (*s) {
		*len = strcspn(s, ",");
		if (is_foreign(s, *len, kept))
			return s;
		s += *len + (s[*len] == ',');
	}
	return NULL;
}

bool declared_has_foreign_features(const char *fs_options, bool kept)
{
	size_t n;

	return find_foreign(fs_options, kept, &n) != NULL;
}

void declared_add_foreign_features(struct strbuf *b, const char *fs_options, bool kept)
{
	const char *comma = "", *s = fs_options;
	size_t n;

	while ((s = find_foreign(s, kept, &n))) {
		strbuf_add(b, comma);
		strbuf_add_n(b, s, n);
		comma = ",";
		s += n;
	}
}

/* Takes "/directory" off the end of the first @len bytes of @root. Returns false if it is not there. */
static bool cut_directory(const char *root, size_t *len, const char *directory, size_t n)
{
	for (; n > 0 && *directory == '/'; directory++)
		n--;
	while (n > 0 && directory[n - 1] == '/')
		n--;
	if (n == 0)
		return true;
	if (*len <= n || root[*len - n - 1] != '/' || memcmp(root + *len - n, directory, n) != 0)
		return false;
	*len -= n + 1;
	return true;
}

/* Do both name the same number of a subvolume, or does one of them name none? */
static bool has_subvolume_id(const struct observed_mount *m, const char *options)
{
	size_t n;
	const char *declared = value_of(options, "subvolid", &n),
		   *observed = value_of(m->fs_options, "subvolid", &n);
	unsigned long long id = declared ? strtoull(declared, NULL, 0) : 0;

	/* 0 is another name for the top of the file system. */
	return !declared || !observed ||
	       (id ? id : BTRFS_TOP_LEVEL) == strtoull(observed, NULL, 10);
}

/* @len: how much of m->root names the subvolume, or what of it is mounted. */
static bool is_subvolume(const struct observed_mount *m, const char *options, size_t len)
{
	size_t n, k = 0;
	const char *declared = value_of(options, "subvol", &n),
		   *observed = value_of(m->fs_options, "subvol", &k);

	/* In the table it is the last option, so what follows is a name with a comma. */
	if (observed && !observed[k] && (k > 1 ? k : 0) != len)
		return false;
	return has_subvolume_id(m, options) &&
	       (!declared || (cut_directory(m->root, &len, declared, n) && len == 0));
}

bool declared_is_whole(const struct observed_mount *m, const char *options)
{
	size_t len = strcmp(m->root, "/") == 0 ? 0 : strlen(m->root), n = 0;
	/* mount(8) can show only a directory of any file system. */
	const char *directory = value_of(options, "X-mount.subdir", &n);

	if (directory && !cut_directory(m->root, &len, directory, n))
		return false;
	return strcmp(m->type, "btrfs") == 0 ? is_subvolume(m, options, len) : len == 0;
}

bool declared_shows(const struct observed_mount *m, const struct observed_mount *from,
		    const char *path)
{
	const char *above = from && strcmp(from->root, "/") != 0 ? from->root : "";
	size_t n = strlen(above);

	if (strcmp(path, "/") == 0)
		return strcmp(m->root, *above ? above : "/") == 0;
	return strncmp(m->root, above, n) == 0 && strcmp(m->root + n, path) == 0;
}

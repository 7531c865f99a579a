/* SPDX-License-Identifier: MIT */
/* Options= of an overlay and of a partition. */
#include "conf/conf-options.h"

#include <string.h>

#include "basic/text.h"
#include "conf/conf.h"

/* The word behind the next comma, empty behind the last one; NULL after the last word. */
static const char *next_word(const char *s)
{
	s = strchr(s, ',');
	return s ? s + 1 : NULL;
}

static bool in_list(const char *word, size_t n, const char *const *words, size_t n_words)
{
	for (size_t i = 0; i < n_words; i++)
		if (strlen(words[i]) == n && strncmp(word, words[i], n) == 0)
			return true;
	return false;
}

/* An option, without its value, that says what there is a key for. */
struct instead {
	const char *option, *key;
};

/* The key to use instead of the option at @word; NULL: there is none. */
static const char *key_instead(const char *word, const struct instead *list, size_t n_list)
{
	size_t n = strcspn(word, ",=");

	for (size_t i = 0; i < n_list; i++)
		if (strlen(list[i].option) == n && strncmp(word, list[i].option, n) == 0)
			return list[i].key;
	return NULL;
}

/* The section that the field of a key is in. */
static const struct conf_section *section_of(const void *field, const struct conf_key *key)
{
	return (const void *)((const char *)field - key->offset);
}

/*
 * One word of Options=. @instead: the key that says the same, with a blank and the section behind it if
 * that is another one; NULL: there is none.
 */
static int refuse_option(const struct conf_key *key, const void *field, struct pos pos,
			 struct diag *d, const char *value, const char *word, const char *instead,
			 const char *expected)
{
	const struct conf_section *s = section_of(field, key);
	int n = (int)strcspn(word, ",");

	return diag_error(d, pos, "[%s%s%s]: %s=%s: '%.*s' is not allowed here; %s %s",
			  conf_kind_to_string(s->kind), *s->name ? " " : "", s->name, key->name,
			  value, n, word, instead ? "use" : "expected",
			  instead ? instead : expected);
}

/*
 * The flags that belong to a mount, not to a file system: they are all that can be set on a merged
 * mount.
 */
int conf_set_overlay_options(void *field, const char *value, struct pos pos,
			     const struct conf_key *key, struct diag *d)
{
	static const char *const flags[] = {
		"nosuid",      "suid",	      "nodev",	   "dev",     "noexec",
		"exec",	       "nosymfollow", "symfollow", "noatime", "relatime",
		"strictatime", "nodiratime",  "ro",	   "rw",
	};
	static const struct instead keys[] = {
		{ "size", "Size=" },	      { "nr_inodes", "Inodes= in [Memory]" },
		{ "upperdir", "Partition=" }, { "workdir", "Partition=" },
		{ "nofail", "IfMissing=" },
	};

	for (const char *s = *value ? value : NULL; s; s = next_word(s)) {
		size_t n = strcspn(s, ",");

		if (!in_list(s, n, flags, ELEMENTSOF(flags)))
			return refuse_option(
				key, field, pos, d, value, s,
				key_instead(s, keys, ELEMENTSOF(keys)),
				"ro, rw, nosuid, suid, nodev, dev, noexec, exec, nosymfollow, "
				"symfollow, noatime, relatime, strictatime, nodiratime");
	}
	return conf_set_string(field, value);
}

static bool is_systemd_option(const char *word)
{
	return strncmp(word, "x-systemd.", 10) == 0 || strncmp(word, "x-initrd.", 9) == 0 ||
	       strncmp(word, "comment=systemd.", 16) == 0;
}

int conf_set_partition_options(void *field, const char *value, struct pos pos,
			       const struct conf_key *key, struct diag *d)
{
	static const char *const refused[] = {
		"auto",	 "noauto", "nofail", "fail",	"user",	   "users",
		"owner", "group",  "bind",   "rbind",	"move",	   "remount",
		"loop",	 "shared", "slave",  "private", "_netdev",
	};
	static const struct instead keys[] = {
		{ "nofail", "IfMissing= in [Persist] or [Overlay]" },
		{ "fail", "IfMissing= in [Persist] or [Overlay]" },
		{ "x-systemd.requires", "Requires=" },
		{ "x-systemd.after", "After=" },
		{ "x-systemd.device-timeout", "Timeout=" },
		{ "x-systemd.makefs", "Format=" },
		{ "x-systemd.growfs", "Grow=" },
	};

	const struct conf_section *section = section_of(field, key);

	/*
	 * systemd 247 takes a backslash for a broken escape, libmount a quote for part of the
	 * value.
	 */
	if (text_has_control(value) || strpbrk(value, " \\\"'"))
		return diag_error(
			d, pos,
			"[Partition%s%s]: %s=%s is invalid; expected mount options separated by commas, "
			"without blanks, quotes or backslashes",
			*section->name ? " " : "", section->name, key->name, value);

	for (const char *s = *value ? value : NULL; s; s = next_word(s)) {
		size_t n = strcspn(s, ",");

		if (n == 0 || in_list(s, n, refused, ELEMENTSOF(refused)) || is_systemd_option(s))
			return refuse_option(key, field, pos, d, value, s,
					     key_instead(s, keys, ELEMENTSOF(keys)),
					     "options of the file system");
	}
	return conf_set_string(field, value);
}

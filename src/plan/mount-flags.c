/* SPDX-License-Identifier: MIT */
#include "plan/mount-flags.h"

#include <stdbool.h>
#include <string.h>

#include "basic/macro.h"
#include "basic/text.h"

static const struct {
	const char *word;
	unsigned set, clear;
} words[] = {
	/* In the order of what mount_flags_add() writes. */
	{ "nosuid", MOUNT_NOSUID, 0 },
	{ "nodev", MOUNT_NODEV, 0 },
	{ "noexec", MOUNT_NOEXEC, 0 },
	{ "nosymfollow", MOUNT_NOSYMFOLLOW, 0 },
	{ "ro", MOUNT_READ_ONLY, 0 },
	{ "suid", 0, MOUNT_NOSUID },
	{ "dev", 0, MOUNT_NODEV },
	{ "exec", 0, MOUNT_NOEXEC },
	{ "symfollow", 0, MOUNT_NOSYMFOLLOW },
	{ "rw", 0, MOUNT_READ_ONLY },
	/* Whoever mounts it; FILESYSTEM-INDEPENDENT MOUNT OPTIONS in mount(8). */
	{ "user", MOUNT_NOSUID | MOUNT_NODEV | MOUNT_NOEXEC, 0 },
	{ "users", MOUNT_NOSUID | MOUNT_NODEV | MOUNT_NOEXEC, 0 },
	{ "owner", MOUNT_NOSUID | MOUNT_NODEV, 0 },
	{ "group", MOUNT_NOSUID | MOUNT_NODEV, 0 },
};

/*
 * Since util-linux 2.39, the value of a flag says to which mounts it applies: nosuid=recursive. Those of
 * who mounts it have another meaning with one, as in user=bob.
 */
static bool is_word(size_t i, const char *word, size_t n)
{
	size_t len = strlen(words[i].word);
	bool is_one_flag = !(words[i].set & MOUNT_NOSUID) || words[i].set == MOUNT_NOSUID;

	if (n < len || strncmp(words[i].word, word, len) != 0)
		return false;
	return n == len || (is_one_flag && word[len] == '=');
}

/* Index into words; ELEMENTSOF(words): it is another word. */
static size_t find(const char *word, size_t n)
{
	size_t i = 0;

	while (i < ELEMENTSOF(words) && !is_word(i, word, n))
		i++;
	return i;
}

/* @ret_named: those that some word sets or clears. */
static unsigned read_words(const char *options, unsigned *ret_named)
{
	unsigned flags = 0;

	*ret_named = 0;
	for (const char *s = options; *s;) {
		size_t n = text_option_length(s), i = find(s, n);

		if (i < ELEMENTSOF(words)) {
			flags = (flags | words[i].set) & ~words[i].clear;
			*ret_named |= words[i].set | words[i].clear;
		}
		s += n + (s[n] == ',');
	}
	return flags;
}

unsigned mount_flags(const char *options)
{
	unsigned named;

	return read_words(options, &named);
}

unsigned mount_flags_named(const char *options)
{
	unsigned named;

	read_words(options, &named);
	return named;
}

void mount_flags_add(struct strbuf *b, unsigned flags)
{
	for (size_t i = 0; i < ELEMENTSOF(words) && words[i].clear == 0; i++)
		if (flags & words[i].set) {
			strbuf_addf(b, "%s%s", b->len ? "," : "", words[i].word);
			flags &= ~words[i].set;
		}
}

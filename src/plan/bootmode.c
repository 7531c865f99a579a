/* SPDX-License-Identifier: MIT */
#include "plan/bootmode.h"

#include <errno.h>
#include <string.h>

#include "basic/macro.h"
#include "basic/value.h"

static bool is_one_of(const char *s, size_t n, const char *const *words, size_t n_words)
{
	for (size_t i = 0; i < n_words; i++)
		if (strlen(words[i]) == n && memcmp(s, words[i], n) == 0)
			return true;
	return false;
}

#define IS_ONE_OF(s, n, ...)                                      \
	is_one_of((s), (n), (const char *const[]){ __VA_ARGS__ }, \
		  ELEMENTSOF(((const char *const[]){ __VA_ARGS__ })))

/* Length of the word at s; a blank inside double quotes does not end it. */
static size_t word_length(const char *s)
{
	bool quoted = false;
	size_t n;

	for (n = 0; s[n] && (quoted || !strchr(" \t\n", s[n])); n++)
		if (s[n] == '"')
			quoted = !quoted;
	return n;
}

static bool is_recovery(const char *s, size_t n)
{
	return IS_ONE_OF(s, n, "single", "s", "S", "1", "rescue", "emergency", "recovery",
			 "systemd.unit=rescue.target", "systemd.unit=emergency.target");
}

struct boot boot_decide(const char *cmdline, bool in_initrd)
{
	struct boot off = { .mode = BOOT_OFF }, recovery = { .mode = BOOT_RECOVERY },
		    normal = { .mode = BOOT_NORMAL };
	bool switched_on = false, switched_off = false;

	for (const char *s = cmdline; *s;) {
		size_t n;

		s += strspn(s, " \t\n");
		n = word_length(s);
		if (IS_ONE_OF(s, n, "rofs=off", "rofs=no", "rofs=0")) {
			off.word = s;
			off.word_len = (int)n;
			switched_off = true;
			switched_on = false;
		} else if (IS_ONE_OF(s, n, "rofs=on", "rofs=yes", "rofs=1")) {
			switched_on = true;
			switched_off = false;
		} else if (is_recovery(s, n)) {
			recovery.word = s;
			recovery.word_len = (int)n;
		}
		s += n;
	}

	if (in_initrd)
		return (struct boot){ .mode = BOOT_INITRD };

	return switched_off ? off : (!switched_on && recovery.word ? recovery : normal);
}

/* The last word that is @word or, with "=" at the end of that, begins with it. NULL: there is none. */
static const char *find_word(const char *cmdline, const char *word, size_t *ret_len)
{
	size_t wanted = strlen(word);
	bool any_value = wanted > 0 && word[wanted - 1] == '=';
	const char *found = NULL;

	for (const char *s = cmdline; *s;) {
		size_t n;

		s += strspn(s, " \t\n");
		n = word_length(s);
		if (strncmp(s, word, wanted) == 0 && (n == wanted || (n > wanted && any_value))) {
			found = s;
			*ret_len = n;
		}
		s += n;
	}
	return found;
}

bool boot_has_word(const char *cmdline, const char *word)
{
	size_t n;

	return find_word(cmdline, word, &n) != NULL;
}

/* Of ro and rw, the last one counts. */
bool boot_mounts_writable(const char *cmdline)
{
	size_t n;
	const char *rw = find_word(cmdline, "rw", &n), *ro = find_word(cmdline, "ro", &n);

	return rw && (!ro || rw > ro);
}

int boot_value(const char *cmdline, const char *name, char **ret)
{
	const char *s;
	size_t n;

	*ret = NULL;
	s = find_word(cmdline, name, &n);
	if (!s)
		return 0;
	s += strlen(name);
	n -= strlen(name);
	if (n > 1 && s[0] == '"' && s[n - 1] == '"') {
		s++;
		n -= 2;
	}
	*ret = strndup(s, n);
	return *ret ? 0 : -ENOMEM;
}

/* Is it the last fsck.mode= of the kernel command line, as a whole word? */
static bool is_fsck_mode(const char *cmdline, const char *word)
{
	size_t n;
	const char *mode = find_word(cmdline, "fsck.mode=", &n);

	return mode && n == strlen(word) && memcmp(mode, word, n) == 0;
}

bool boot_skips_fsck(const char *cmdline)
{
	return boot_has_word(cmdline, "fastboot") || is_fsck_mode(cmdline, "fsck.mode=skip");
}

const char *boot_forces_fsck(const char *cmdline)
{
	static const char mode[] = "fsck.mode=force", word[] = "forcefsck";

	if (is_fsck_mode(cmdline, mode))
		return mode;
	return boot_has_word(cmdline, word) ? word : NULL;
}

static bool begins_with_name(const char *s, const char *name)
{
	for (; *name; s++, name++)
		if (*s != *name && !(*s == '_' && *name == '-'))
			return false;
	return true;
}

/* A copy of @n bytes without double quotes. */
static char *unquote(const char *s, size_t n)
{
	char *copy = strndup(s, n), *to = copy;

	for (const char *from = copy; copy && *from; from++)
		if (*from != '"')
			*to++ = *from;
	if (copy)
		*to = '\0';
	return copy;
}

int boot_each_value(const char *cmdline, const char *name,
		    int (*each)(void *data, const char *value), void *data)
{
	int err = 0;

	for (const char *s = cmdline; *s && err >= 0;) {
		_cleanup_free_ char *word = NULL;
		size_t n;

		s += strspn(s, " \t\n");
		n = word_length(s);
		word = unquote(s, n);
		if (!word)
			return -ENOMEM;
		if (begins_with_name(word, name))
			err = each(data, word + strlen(name));
		s += n;
	}
	return err;
}

static int read_switch(void *data, const char *value)
{
	bool *on = data;

	/* "fstab" alone is yes; what is no boolean, or has a longer name, says nothing. */
	if (!*value)
		*on = true;
	else if (*value == '=')
		value_boolean(value + 1, on);
	return 0;
}

int boot_reads_fstab(const char *cmdline, bool *ret)
{
	*ret = true;
	return boot_each_value(cmdline, "fstab", read_switch, ret);
}

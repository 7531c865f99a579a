/* SPDX-License-Identifier: MIT */
#include "basic/value.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

#include "basic/macro.h"

int value_boolean(const char *s, bool *ret)
{
	static const char *const yes[] = { "1", "yes", "y", "true", "t", "on" };
	static const char *const no[] = { "0", "no", "n", "false", "f", "off" };

	for (size_t i = 0; i < ELEMENTSOF(yes); i++)
		if (strcasecmp(s, yes[i]) == 0)
			return *ret = true, 0;
	for (size_t i = 0; i < ELEMENTSOF(no); i++)
		if (strcasecmp(s, no[i]) == 0)
			return *ret = false, 0;
	return -EINVAL;
}

/* Digits only: strtoull() would take signs, blanks and hexadecimal. */
static int read_digits(const char **s, unsigned base, uint64_t *ret)
{
	const char *p = *s;
	uint64_t n = 0;

	for (; *p >= '0' && *p < (char)('0' + base); p++)
		if (__builtin_mul_overflow(n, base, &n) ||
		    __builtin_add_overflow(n, (uint64_t)(*p - '0'), &n))
			return -ERANGE;
	if (p == *s)
		return -EINVAL;

	*s = p;
	*ret = n;
	return 0;
}

static unsigned suffix_shift(char c)
{
	switch (c) {
	case 'K':
		return 10;
	case 'M':
		return 20;
	case 'G':
		return 30;
	default:
		return 0;
	}
}

int value_count(const char *s, uint64_t *ret)
{
	unsigned shift;
	uint64_t n;
	int err;

	err = read_digits(&s, 10, &n);
	if (err < 0)
		return err;

	shift = suffix_shift(*s);
	if (shift)
		s++;
	if (*s)
		return -EINVAL;
	if (n == 0)
		return -EINVAL;
	if (n > (uint64_t)INT64_MAX >> shift)
		return -ERANGE;

	*ret = n << shift;
	return 0;
}

int value_size(const char *s, struct size *ret)
{
	const char *p = s;
	uint64_t n;
	int err;

	err = read_digits(&p, 10, &n);
	if (err < 0)
		return err;
	if (strcmp(p, "%") == 0) {
		if (n < 1 || n > 100)
			return -ERANGE;
		*ret = (struct size){ .percent = (unsigned)n };
		return 0;
	}

	err = value_count(s, &n);
	if (err < 0)
		return err;
	*ret = (struct size){ .bytes = n };
	return 0;
}

static uint64_t unit_usec(const char *s, size_t n)
{
	static const struct {
		const char *name;
		uint64_t usec;
	} units[] = {
		{ "", 1000000 },	 { "s", 1000000 },
		{ "sec", 1000000 },	 { "second", 1000000 },
		{ "seconds", 1000000 },	 { "ms", 1000 },
		{ "msec", 1000 },	 { "us", 1 },
		{ "usec", 1 },		 { "m", 60000000 },
		{ "min", 60000000 },	 { "minute", 60000000 },
		{ "minutes", 60000000 }, { "h", 3600000000 },
		{ "hr", 3600000000 },	 { "hour", 3600000000 },
		{ "hours", 3600000000 },
	};

	for (size_t i = 0; i < ELEMENTSOF(units); i++)
		if (strlen(units[i].name) == n && strncmp(units[i].name, s, n) == 0)
			return units[i].usec;
	return 0;
}

int value_usec(const char *s, uint64_t *ret)
{
	uint64_t total = 0;

	if (strcmp(s, "infinity") == 0)
		return *ret = USEC_INFINITY, 0;

	do {
		uint64_t n, usec;
		size_t len;
		int err;

		err = read_digits(&s, 10, &n);
		if (err < 0)
			return err;
		s += strspn(s, " ");
		len = strspn(s, "abcdefghijklmnopqrstuvwxyz");
		usec = unit_usec(s, len);
		if (usec == 0)
			return -EINVAL;
		if (__builtin_mul_overflow(n, usec, &n) || __builtin_add_overflow(total, n, &total))
			return -ERANGE;
		s += len;
		s += strspn(s, " ");
	} while (*s);

	if (total == 0)
		return -EINVAL;
	if (total == USEC_INFINITY)
		return -ERANGE;

	*ret = total;
	return 0;
}

int value_mode(const char *s, unsigned *ret)
{
	uint64_t n;
	int err;

	err = read_digits(&s, 8, &n);
	if (err < 0)
		return err;
	if (*s)
		return -EINVAL;
	if (n > 07777)
		return -ERANGE;

	*ret = (unsigned)n;
	return 0;
}

/* SPDX-License-Identifier: MIT */
#include "basic/value.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

#include "basic/macro.h"

#define UNIT_BYTES_MAX 255u /* systemd's UNIT_NAME_MAX less the NUL */

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

#define DAY_USEC UINT64_C(86400000000)

static uint64_t unit_usec(const char *s, size_t n)
{
	static const struct {
		const char *name;
		uint64_t usec;
	} units[] = {
		{ "", 1000000 },
		{ "s", 1000000 },
		{ "sec", 1000000 },
		{ "second", 1000000 },
		{ "seconds", 1000000 },
		{ "ms", 1000 },
		{ "msec", 1000 },
		{ "us", 1 },
		{ "usec", 1 },
		{ "m", 60000000 },
		{ "min", 60000000 },
		{ "minute", 60000000 },
		{ "minutes", 60000000 },
		{ "h", 3600000000 },
		{ "hr", 3600000000 },
		{ "hour", 3600000000 },
		{ "hours", 3600000000 },
		{ "d", DAY_USEC },
		{ "day", DAY_USEC },
		{ "days", DAY_USEC },
		{ "w", 7 * DAY_USEC },
		{ "week", 7 * DAY_USEC },
		{ "weeks", 7 * DAY_USEC },
		{ "M", 2629800000000 },
		{ "month", 2629800000000 },
		{ "months", 2629800000000 },
		{ "y", 31557600000000 },
		{ "year", 31557600000000 },
		{ "years", 31557600000000 },
	};

	for (size_t i = 0; i < ELEMENTSOF(units); i++)
		if (strlen(units[i].name) == n && strncmp(units[i].name, s, n) == 0)
			return units[i].usec;
	return 0;
}

/* The digits behind a point; what they come to is known with the unit. */
static int skip_fraction(const char **s, const char **ret)
{
	*ret = NULL;
	if (**s != '.')
		return 0;
	*ret = ++*s;
	*s += strspn(*s, "0123456789");
	return *s == *ret ? -EINVAL : 0;
}

static uint64_t fraction_usec(const char *digits, uint64_t usec)
{
	uint64_t total = 0;

	for (; digits && *digits >= '0' && *digits <= '9' && usec > 0; digits++) {
		total += usec * (uint64_t)(*digits - '0') / 10;
		usec /= 10;
	}
	return total;
}

/* One number with its unit. */
static int read_span(const char **s, uint64_t *ret, bool *ret_zero)
{
	const char *fraction, *p = *s;
	uint64_t n, usec;
	size_t len;
	int err;

	err = read_digits(&p, 10, &n);
	if (err >= 0)
		err = skip_fraction(&p, &fraction);
	if (err < 0)
		return err;
	p += strspn(p, " ");
	len = strspn(p, "abcdefghijklmnopqrstuvwxyzM");
	usec = unit_usec(p, len);
	if (usec == 0)
		return -EINVAL;
	*ret_zero = n == 0 && (!fraction || fraction[strspn(fraction, "0")] < '0');
	if (__builtin_mul_overflow(n, usec, &n) ||
	    __builtin_add_overflow(n, fraction_usec(fraction, usec), &n))
		return -ERANGE;
	p += len;
	*s = p + strspn(p, " ");
	*ret = n;
	return 0;
}

int value_usec(const char *s, uint64_t *ret)
{
	bool zero = true;
	uint64_t total = 0;

	if (strcmp(s, "infinity") == 0)
		return *ret = USEC_INFINITY, 0;

	do {
		bool is_zero;
		uint64_t n;
		int err = read_span(&s, &n, &is_zero);

		if (err < 0)
			return err;
		if (__builtin_add_overflow(total, n, &total))
			return -ERANGE;
		zero = zero && is_zero;
	} while (*s);

	if (zero)
		return *ret = USEC_INFINITY, 0;
	if (total == 0)
		return -EINVAL; /* less than can be counted */
	if (total == USEC_INFINITY)
		return -ERANGE;

	*ret = total;
	return 0;
}

static bool is_unit_type(const char *s, size_t n)
{
	static const char *const types[] = { "service", "socket", "target",    "device",
					     "mount",	"swap",	  "automount", "timer",
					     "path",	"slice",  "scope" };

	for (size_t i = 0; i < ELEMENTSOF(types); i++)
		if (strlen(types[i]) == n && strncmp(types[i], s, n) == 0)
			return true;
	return false;
}

bool value_is_unit(const char *s, size_t n)
{
	static const char valid[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				    "0123456789:-_.\\@";
	const char *dot = memrchr(s, '.', n), *at;

	if (n > UNIT_BYTES_MAX || !dot || dot == s || *s == '@' || strspn(s, valid) < n)
		return false;
	at = memchr(s, '@', n);
	return (!at || at + 1 < dot) && is_unit_type(dot + 1, n - (size_t)(dot + 1 - s));
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

/* SPDX-License-Identifier: MIT */
#include "basic/calendar.h"

#include <string.h>
#include <strings.h>

#include "basic/macro.h"

#define DIGITS		 "0123456789"
#define LETTERS		 "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define WORD_BYTES_MAX	 64u /* of the expression without its time zone: the longest in use has 20 */
#define NUMBER_BYTES_MAX 4u  /* a year */
#define YEAR_MIN	 1970u
#define YEAR_MAX	 2199u

/* A number; no more digits than a year has. */
static bool read_number(const char **s, unsigned *ret)
{
	size_t n = strspn(*s, DIGITS);

	if (n == 0 || n > NUMBER_BYTES_MAX)
		return false;
	*ret = 0;
	for (size_t i = 0; i < n; i++)
		*ret = *ret * 10 + (unsigned)((*s)[i] - '0');
	*s += n;
	return true;
}

/* The microseconds behind a second. ".." is a range. */
static void skip_fraction(const char **s)
{
	size_t n = **s == '.' ? strspn(*s + 1, DIGITS) : 0;

	if (n > 0)
		*s += 1 + n;
}

struct range {
	unsigned min, max;
	bool has_fraction;
};

/* Years of two digits are of this century or the last one. */
static unsigned whole_year(unsigned n)
{
	return n < 70 ? 2000 + n : n < 100 ? 1900 + n : n;
}

static bool read_value(const char **s, const struct range *r, unsigned *ret)
{
	if (!read_number(s, ret))
		return false;
	if (r->max == YEAR_MAX)
		*ret = whole_year(*ret);
	if (*ret < r->min || *ret > r->max)
		return false;
	if (r->has_fraction)
		skip_fraction(s);
	return true;
}

/* "/N": from here on, each N. @ret: 0 if there is none. */
static bool read_step(const char **s, const struct range *r, unsigned *ret)
{
	*ret = 0;
	if (**s != '/')
		return true;
	(*s)++;
	if (!read_number(s, ret) || (*ret == 0 && !r->has_fraction))
		return false;
	if (r->has_fraction)
		skip_fraction(s);
	return true;
}

/* "N", "N..N", "N/N" or "N..N/N". */
static bool read_item(const char **s, const struct range *r)
{
	unsigned start, stop, step;

	if (!read_value(s, r, &start))
		return false;
	if (strncmp(*s, "..", 2) != 0)
		return read_step(s, r, &step) && start + step <= r->max;
	*s += 2;
	if (!read_value(s, r, &stop) || start > stop || (r->has_fraction && start == stop))
		return false;
	return read_step(s, r, &step);
}

/* "*", or items with commas between them. */
static bool read_list(const char **s, const struct range *r)
{
	if (**s == '*')
		return (*s)++, true;
	while (read_item(s, r)) {
		if (**s != ',')
			return true;
		(*s)++;
	}
	return false;
}

static bool is_end(const char *s)
{
	return *s == '\0' || *s == ' ';
}

/* "Y-M-D", "M-D", or the same with ~D, which counts from the end of the month. */
static bool read_date(const char **s)
{
	static const struct range year = { YEAR_MIN, YEAR_MAX, false }, month = { 1, 12, false },
				  day = { 1, 31, false }, from_end = { 1, 28, false };
	const char *t = *s;
	bool last;

	/* With a year in front? */
	if (read_list(&t, &year) && *t == '-' && (t++, read_list(&t, &month)) &&
	    (*t == '-' || *t == '~')) {
		*s = t;
	} else {
		t = *s;
		if (!read_list(&t, &month) || (*t != '-' && *t != '~'))
			return false;
		*s = t;
	}
	last = **s == '~';
	(*s)++;
	return read_list(s, last ? &from_end : &day) && is_end(*s);
}

/* "H:M" or "H:M:S". */
static bool read_time(const char **s)
{
	static const struct range hour = { 0, 23, false }, minute = { 0, 59, false },
				  second = { 0, 59, true };

	if (!read_list(s, &hour) || **s != ':')
		return false;
	(*s)++;
	if (!read_list(s, &minute))
		return false;
	if (**s == '\0')
		return true;
	if (**s != ':')
		return false;
	(*s)++;
	return read_list(s, &second) && **s == '\0';
}

/* The weekday that @s begins with, from Monday: its number, or -1. @ret: length of its name. */
static int find_weekday(const char *s, size_t *ret)
{
	static const char *const names[] = {
		"Monday", "Mon",    "Tuesday", "Tue",	   "Wednesday", "Wed",	  "Thursday",
		"Thu",	  "Friday", "Fri",     "Saturday", "Sat",	"Sunday", "Sun",
	};

	for (size_t i = 0; i < ELEMENTSOF(names); i++)
		if (strncasecmp(s, names[i], strlen(names[i])) == 0)
			return *ret = strlen(names[i]), (int)i / 2;
	return -1;
}

/* Between the ends of a range: "..", or "-" as in old expressions. Returns its length, 0: it is none. */
static size_t range_length(const char *s)
{
	return *s == '-' ? 1 : strncmp(s, "..", 2) == 0 ? 2 : 0;
}

/* "Mon", "Mon,Wed", "Mon..Fri", with what follows. */
static bool read_weekdays(const char **s)
{
	size_t n, range = 0;
	int day, first = -1; /* of a range */

	if (find_weekday(*s, &n) < 0)
		return true;
	while ((day = find_weekday(*s, &n)) >= 0) {
		if (day < first)
			return false;
		*s += n;
		range = first >= 0 ? 0 : range_length(*s);
		first = range > 0 ? day : -1;
		if (is_end(*s))
			break;
		if (range == 0 && **s != ',')
			return false;
		*s += range > 0 ? range : 1;
	}
	/* A comma may come last, a range may not. */
	if (range > 0 || !is_end(*s))
		return false;
	*s += strspn(*s, " ");
	return true;
}

static bool is_shorthand(const char *s)
{
	static const char *const words[] = {
		"minutely",	"hourly",	 "daily",     "monthly",    "weekly",
		"yearly",	"annually",	 "quarterly", "biannually", "bi-annually",
		"semiannually", "semi-annually", "anually",
	};

	for (size_t i = 0; i < ELEMENTSOF(words); i++)
		if (strcasecmp(s, words[i]) == 0)
			return true;
	return false;
}

/* Without a time zone. */
static bool is_plain(const char *s)
{
	const char *t;

	if (*s == '\0' || is_shorthand(s))
		return *s != '\0';
	if (*s == '@') {
		s += 1 + strspn(s + 1, DIGITS);
		skip_fraction(&s);
		return *s == '\0' && s[-1] != '@';
	}
	if (!read_weekdays(&s))
		return false;
	t = s;
	if (read_date(&t)) {
		s = t + strspn(t, " ");
		return *s == '\0' || read_time(&s);
	}
	return *s == '\0' || read_time(&s);
}

/* "UTC", "Europe/Berlin", "Etc/GMT+3" */
static bool is_zone(const char *s)
{
	return *s && strchr(LETTERS, *s) && s[strspn(s, LETTERS DIGITS "_+-/")] == '\0';
}

bool calendar_is_valid(const char *s)
{
	const char *last = strrchr(s, ' ');
	char plain[WORD_BYTES_MAX];

	if (is_plain(s))
		return true;
	if (!last || !is_zone(last + 1) || (size_t)(last - s) >= sizeof(plain))
		return false;
	memcpy(plain, s, (size_t)(last - s));
	plain[last - s] = '\0';
	return is_plain(plain);
}

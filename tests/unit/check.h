/* SPDX-License-Identifier: MIT */
#pragma once

/* Counts what was checked, says where something was not as expected, goes on. main() ends in `return check_done();`. */

#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

struct check {
	unsigned n_checks;
	unsigned n_failures;
	const char *label; /* of the row of a table that is checked, NULL: none */
};

/* One for all files of a test. */
__attribute__((weak)) struct check check;

static inline bool check_told(bool ok, const char *file, int line)
{
	check.n_checks++;
	if (ok)
		return true;

	check.n_failures++;
	fprintf(stderr, "%s:%d: ", file, line);
	if (check.label)
		fprintf(stderr, "[%s] ", check.label);
	return false;
}

static inline bool check_true(bool ok, const char *expression, const char *file, int line)
{
	if (!check_told(ok, file, line))
		fprintf(stderr, "not so: %s\n", expression);
	return ok;
}

static inline bool check_equal(intmax_t seen, intmax_t expected, const char *expression,
			       const char *file, int line)
{
	if (check_told(seen == expected, file, line))
		return true;
	fprintf(stderr, "%s is %jd, expected %jd\n", expression, seen, expected);
	return false;
}

static inline bool check_string(const char *seen, const char *expected, const char *expression,
				const char *file, int line)
{
	bool same = seen && expected ? strcmp(seen, expected) == 0 : seen == expected;

	if (check_told(same, file, line))
		return true;
	fprintf(stderr, "%s is\n  %s\nexpected\n  %s\n", expression, seen ? seen : "(null)",
		expected ? expected : "(null)");
	return false;
}

#define CHECK(expression)	  check_true((expression), #expression, __FILE__, __LINE__)
#define CHECK_INT(seen, expected) check_equal((seen), (expected), #seen, __FILE__, __LINE__)
#define CHECK_STR(seen, expected) check_string((seen), (expected), #seen, __FILE__, __LINE__)
#define CHECK_EACH(row, table)                      \
	for (__typeof__(&(table)[0]) row = (table); \
	     row < (table) + sizeof(table) / sizeof((table)[0]); row++)

/* The same numbers in each run: a failure can be repeated. */
static inline uint32_t check_random(uint32_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 17;
	*state ^= *state << 5;
	return *state;
}

/* A random string of up to @max letters of @alphabet. @buffer: max + 1 bytes. */
static inline char *check_random_string(uint32_t *state, const char *alphabet, size_t max,
					char *buffer)
{
	size_t n = check_random(state) % (max + 1);

	for (size_t i = 0; i < n; i++)
		buffer[i] = alphabet[check_random(state) % strlen(alphabet)];
	buffer[n] = '\0';
	return buffer;
}

static inline int check_done(void)
{
	fprintf(stderr, "%u checks, %u failed\n", check.n_checks, check.n_failures);
	return check.n_failures > 0;
}

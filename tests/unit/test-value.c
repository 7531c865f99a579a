/* SPDX-License-Identifier: MIT */
#include "basic/value.h"

#include <errno.h>

#include "check.h"

static void test_boolean(void)
{
	static const struct {
		const char *input;
		int err;
		bool expected;
	} rows[] = {
		{ "yes", 0, true },	 { "YES", 0, true },	 { "y", 0, true },
		{ "1", 0, true },	 { "true", 0, true },	 { "t", 0, true },
		{ "on", 0, true },	 { "no", 0, false },	 { "n", 0, false },
		{ "0", 0, false },	 { "False", 0, false },	 { "f", 0, false },
		{ "off", 0, false },	 { "", -EINVAL, 0 },	 { "2", -EINVAL, 0 },
		{ "maybe", -EINVAL, 0 }, { "yes ", -EINVAL, 0 },
	};

	CHECK_EACH(row, rows)
	{
		bool seen = false;

		check.label = row->input;
		CHECK_INT(value_boolean(row->input, &seen), row->err);
		CHECK_INT(seen, row->expected);
	}
	check.label = NULL;
}

static void test_count(void)
{
	static const struct {
		const char *input;
		int err;
		uint64_t expected;
	} rows[] = {
		{ "1", 0, 1 },
		{ "007", 0, 7 },
		{ "1K", 0, 1024 },
		{ "3M", 0, 3 << 20 },
		{ "2G", 0, UINT64_C(2) << 30 },
		{ "9223372036854775807", 0, INT64_MAX },
		{ "9223372036854775808", -ERANGE, 0 },
		{ "18446744073709551616", -ERANGE, 0 },
		{ "99999999999999999999999", -ERANGE, 0 },
		{ "8589934591G", 0, UINT64_C(8589934591) << 30 },
		{ "8589934592G", -ERANGE, 0 },
		{ "0", -EINVAL, 0 },
		{ "0K", -EINVAL, 0 },
		{ "", -EINVAL, 0 },
		{ "K", -EINVAL, 0 },
		{ "-1", -EINVAL, 0 },
		{ "+1", -EINVAL, 0 },
		{ " 1", -EINVAL, 0 },
		{ "1 K", -EINVAL, 0 },
		{ "1k", -EINVAL, 0 },
		{ "1KB", -EINVAL, 0 },
		{ "1KiB", -EINVAL, 0 },
		{ "1T", -EINVAL, 0 },
		{ "1.5G", -EINVAL, 0 },
		{ "0x10", -EINVAL, 0 },
		{ "1%", -EINVAL, 0 },
	};

	CHECK_EACH(row, rows)
	{
		uint64_t seen = 0;

		check.label = row->input;
		CHECK_INT(value_count(row->input, &seen), row->err);
		CHECK_INT(seen, row->expected);
	}
	check.label = NULL;
}

static void test_size(void)
{
	static const struct {
		const char *input;
		int err;
		struct size expected;
	} rows[] = {
		{ "64M", 0, { .bytes = 64 << 20 } },
		{ "1", 0, { .bytes = 1 } },
		{ "1%", 0, { .percent = 1 } },
		{ "100%", 0, { .percent = 100 } },
		{ "0%", -ERANGE, { 0 } },
		{ "101%", -ERANGE, { 0 } },
		{ "50 %", -EINVAL, { 0 } },
		{ "50%%", -EINVAL, { 0 } },
		{ "%", -EINVAL, { 0 } },
		{ "-5%", -EINVAL, { 0 } },
		{ "0", -EINVAL, { 0 } },
		{ "half", -EINVAL, { 0 } },
		{ "18446744073709551617%", -ERANGE, { 0 } },
	};

	CHECK_EACH(row, rows)
	{
		struct size seen = { 0 };

		check.label = row->input;
		CHECK_INT(value_size(row->input, &seen), row->err);
		CHECK_INT(seen.bytes, row->expected.bytes);
		CHECK_INT(seen.percent, row->expected.percent);
	}
	check.label = NULL;
}

static void test_usec(void)
{
	static const struct {
		const char *input;
		int err;
		uint64_t expected;
	} rows[] = {
		{ "15", 0, 15000000 },
		{ "15s", 0, 15000000 },
		{ "15 s", 0, 15000000 },
		{ "15sec", 0, 15000000 },
		{ "1min 30s", 0, 90000000 },
		{ "1min30s", 0, 90000000 },
		{ "1m", 0, 60000000 },
		{ "2h", 0, 7200000000 },
		{ "500ms", 0, 500000 },
		{ "7us", 0, 7 },
		{ "infinity", 0, USEC_INFINITY },
		{ "0", 0, USEC_INFINITY },
		{ "0s 0ms", 0, USEC_INFINITY },
		{ "0infinity", -EINVAL, 0 },
		{ "1d", 0, 86400000000 },
		{ "2 days", 0, 172800000000 },
		{ "1w", 0, 604800000000 },
		{ "1M", 0, 2629800000000 },
		{ "1 year", 0, 31557600000000 },
		{ "1.5s", 0, 1500000 },
		{ "0.25min 1s", 0, 16000000 },
		{ "1.0000000000000000000000005s", 0, 1000000 },
		{ "0.0000001s", -EINVAL, 0 },
		{ "1.s", -EINVAL, 0 },
		{ ".5s", -EINVAL, 0 },
		{ "", -EINVAL, 0 },
		{ "s", -EINVAL, 0 },
		{ "-1s", -EINVAL, 0 },
		{ "1x", -EINVAL, 0 },
		{ "1 month", 0, 2629800000000 },
		{ "1s,2s", -EINVAL, 0 },
		{ "18446744073709551616us", -ERANGE, 0 },
		{ "18446744073709551615us", -ERANGE, 0 },
		{ "18446744073709551614us 2us", -ERANGE, 0 },
		{ "99999999999999h", -ERANGE, 0 },
	};

	CHECK_EACH(row, rows)
	{
		uint64_t seen = 0;

		check.label = row->input;
		CHECK_INT(value_usec(row->input, &seen), row->err);
		CHECK_INT(seen, row->expected);
	}
	check.label = NULL;
}

static void test_unit(void)
{
	static const struct {
		const char *input;
		bool expected;
	} rows[] = {
		{ "a.service", true },
		{ "a@b.service", true },
		{ "a@b@c.service", true },
		{ "-.mount", true },
		{ "a\\x2db.mount", true },
		{ "a.b.target", true },
		{ ".service", false },
		{ "a@.service", false },
		{ "@a.service", false },
		{ "a", false },
		{ "a.", false },
		{ "a.servic", false },
		{ "a.services", false },
		{ "a/b.service", false },
		{ "a b.service", false },
		{ "a%i.service", false },
		{ "", false },
		{ "a\xc3\xa4.service", false },
		{ "a.snapshot", false },
	};
	char name[300];

	CHECK_EACH(row, rows)
	{
		check.label = row->input;
		CHECK_INT(value_is_unit(row->input, strlen(row->input)), row->expected);
	}
	check.label = NULL;
	CHECK(value_is_unit("a.target b", 8));
	memset(name, 'a', sizeof(name));
	memcpy(name + 255 - 8, ".service", 9);
	CHECK(value_is_unit(name, 255));
	memcpy(name + 256 - 8, ".service", 9);
	name[255 - 8] = 'a';
	CHECK(!value_is_unit(name, 256));
}

static void test_mode(void)
{
	static const struct {
		const char *input;
		int err;
		unsigned expected;
	} rows[] = {
		{ "0750", 0, 0750 },  { "755", 0, 0755 },
		{ "0", 0, 0 },	      { "07777", 0, 07777 },
		{ "1777", 0, 01777 }, { "10000", -ERANGE, 0 },
		{ "8", -EINVAL, 0 },  { "0758", -EINVAL, 0 },
		{ "", -EINVAL, 0 },   { "u=rwx", -EINVAL, 0 },
		{ "-1", -EINVAL, 0 }, { "7777777777777777777777777", -ERANGE, 0 },
	};

	CHECK_EACH(row, rows)
	{
		unsigned seen = 0;

		check.label = row->input;
		CHECK_INT(value_mode(row->input, &seen), row->err);
		CHECK_INT(seen, row->expected);
	}
	check.label = NULL;
}

int main(void)
{
	test_boolean();
	test_count();
	test_size();
	test_usec();
	test_unit();
	test_mode();
	return check_done();
}

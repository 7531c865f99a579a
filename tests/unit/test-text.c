/* SPDX-License-Identifier: MIT */
#include "basic/text.h"

#include "basic/macro.h"
#include "check.h"

static void test_utf8(void)
{
	static const struct {
		const char *bytes;
		size_t n;
		bool expected;
	} rows[] = {
		{ "", 0, true },
		{ "plain", 5, true },
		{ "a\0b", 3, true },
		{ "\xc3\xa4", 2, true },
		{ "\xc3", 1, false },
		{ "\xa4", 1, false },
		{ "\xc0\xaf", 2, false },	  /* overlong */
		{ "\xc1\xbf", 2, false },	  /* overlong */
		{ "\xe0\x80\xaf", 3, false },	  /* overlong */
		{ "\xe0\xa0\x80", 3, true },	  /* U+0800 */
		{ "\xed\x9f\xbf", 3, true },	  /* U+D7FF */
		{ "\xed\xa0\x80", 3, false },	  /* surrogate */
		{ "\xee\x80\x80", 3, true },	  /* U+E000 */
		{ "\xf0\x80\x80\xaf", 4, false }, /* overlong */
		{ "\xf0\x90\x80\x80", 4, true },  /* U+10000 */
		{ "\xf4\x8f\xbf\xbf", 4, true },  /* U+10FFFF */
		{ "\xf4\x90\x80\x80", 4, false }, /* U+110000 */
		{ "\xf5\x80\x80\x80", 4, false },
		{ "\xfe", 1, false },
		{ "\xff", 1, false },
		{ "\xe2\x82", 2, false }, /* cut */
		{ "\xe2\x82x", 3, false },
		{ "\xc3\xa4\xc3", 3, false },
	};

	CHECK_EACH(row, rows)
	{
		check.label = row->bytes;
		CHECK_INT(text_is_utf8(row->bytes, row->n), row->expected);
	}
	check.label = NULL;
}

/* Each code point, encoded by hand, is well-formed exactly when it is no surrogate. */
static void test_all_code_points(void)
{
	for (uint32_t c = 0x80; c <= 0x10ffff; c++) {
		char s[4];
		size_t n;

		if (c < 0x800) {
			s[0] = (char)(0xc0 | c >> 6);
			s[1] = (char)(0x80 | (c & 0x3f));
			n = 2;
		} else if (c < 0x10000) {
			s[0] = (char)(0xe0 | c >> 12);
			s[1] = (char)(0x80 | (c >> 6 & 0x3f));
			s[2] = (char)(0x80 | (c & 0x3f));
			n = 3;
		} else {
			s[0] = (char)(0xf0 | c >> 18);
			s[1] = (char)(0x80 | (c >> 12 & 0x3f));
			s[2] = (char)(0x80 | (c >> 6 & 0x3f));
			s[3] = (char)(0x80 | (c & 0x3f));
			n = 4;
		}
		if (text_is_utf8(s, n) != (c < 0xd800 || c > 0xdfff) || text_is_utf8(s, n - 1))
			CHECK_INT(c, -1);
	}
	CHECK(true);
}

static void test_next(void)
{
	static const struct {
		const char *s;
		size_t n;
		uint32_t c;
	} rows[] = {
		{ "a", 1, 'a' },
		{ "\xc2\x9b", 2, 0x9b },
		{ "\xe2\x82\xac!", 3, 0x20ac },
		{ "\xf0\x9f\x98\x80", 4, 0x1f600 },
		{ "\xe2\x82", 0, 0 },
		{ "\x9b", 0, 0 },
	};

	CHECK_EACH(row, rows)
	{
		uint32_t c = 0;

		check.label = row->s;
		CHECK_INT(text_next(row->s, &c), row->n);
		CHECK_INT(c, row->c);
	}
	check.label = NULL;
}

static void test_control(void)
{
	CHECK(!text_has_control(""));
	CHECK(!text_has_control("plain text \xc3\xa4~"));
	CHECK(text_has_control("a\tb"));
	CHECK(text_has_control("a\nb"));
	CHECK(text_has_control("\x1b[1m"));
	CHECK(text_has_control("\x7f"));
	CHECK(text_has_control("a\xc2\x80"));
	CHECK(text_has_control("\xc2\x9f"));
	CHECK(!text_has_control("\xc2\xa0"));
	CHECK(!text_has_control("\xff\x9b")); /* no character at all */
}

static void test_escape(void)
{
	static const struct {
		const char *input, *expected;
	} rows[] = {
		{ "", "" },
		{ "/etc/plain file", "/etc/plain file" },
		{ "\xc3\xa4\xf0\x9f\x98\x80", "\xc3\xa4\xf0\x9f\x98\x80" },
		{ "a\nb\x1b[2J\x7f", "a\\x0ab\\x1b[2J\\x7f" },
		{ "a\\x0a", "a\\x5cx0a" },
		{ "a\\b\\", "a\\b\\" },
		{ "\\\x1b", "\\\\x1b" },
		{ "\xff\xc3", "\\xff\\xc3" },
		{ "\xe2\x82", "\\xe2\\x82" }, /* cut off */
		{ "\xc2\x9b"
		  "2J",
		  "\\xc2\\x9b"
		  "2J" }, /* CSI as one character */
		{ "\xc2\xa0", "\xc2\xa0" },
		{ "\xed\xa0\x80", "\\xed\\xa0\\x80" }, /* surrogate */
	};

	CHECK_EACH(row, rows)
	{
		_cleanup_free_ char *shown = NULL;

		check.label = row->expected;
		CHECK_INT(text_escape(row->input, &shown), 0);
		CHECK_STR(shown, row->expected);
	}
	check.label = NULL;
}

static void test_ascii(void)
{
	_cleanup_strbuf_ struct strbuf b = { 0 };

	/* NUL and control characters are for others to judge. */
	text_add_ascii(&b, "a\0\x1b\x7f\x80\xc3\x9b\xff", 8);
	CHECK_INT((int)b.len, 4 + 4 * 4);
	CHECK(memcmp(b.text, "a\0\x1b\x7f\\x80\\xc3\\x9b\\xff", b.len) == 0);
}

static void test_closest(void)
{
	static const char *const words[] = { "Size",	   NULL,      "Partition", "Directory",
					     "StartEmpty", "Options", "IfMissing" };
	static const struct {
		const char *word, *expected;
	} rows[] = {
		{ "Szie", "Size" },
		{ "size", "Size" },
		{ "Sise", "Size" },
		{ "Sizes", "Size" },
		{ "Siz", "Size" },
		{ "Partiton", "Partition" },
		{ "partitoin", "Partition" },
		{ "Option", "Options" },
		{ "Start-Empty", "StartEmpty" },
		{ "Startempty", "StartEmpty" },
		{ "Volume", NULL },
		{ "", NULL },
		{ "Si", NULL },
		{ "Upper", NULL },
		{ "Directoryy", "Directory" },
		{ "ThisIsLongerThanAnyKeyCouldEverBeAndMore", NULL },
	};

	CHECK_EACH(row, rows)
	{
		check.label = row->word;
		CHECK_STR(text_closest(row->word, words, ELEMENTSOF(words)), row->expected);
	}
	check.label = NULL;
	CHECK_STR(text_closest("Size", words, 0), NULL);
}

int main(void)
{
	test_utf8();
	test_all_code_points();
	test_next();
	test_control();
	test_escape();
	test_ascii();
	test_closest();
	return check_done();
}

/* SPDX-License-Identifier: MIT */
#include "basic/strbuf.h"

#include "check.h"

static void test_empty(void)
{
	struct strbuf b = { 0 };
	_cleanup_free_ char *s = NULL;

	CHECK_INT(strbuf_take(&b, &s), 0);
	CHECK_STR(s, "");
	CHECK(b.text == NULL);
}

static void test_pieces(void)
{
	struct strbuf b = { 0 };
	_cleanup_free_ char *s = NULL;

	strbuf_add(&b, "one");
	strbuf_add_char(&b, ' ');
	strbuf_add_n(&b, "two and more", 3);
	strbuf_addf(&b, " %d%%", 3);
	CHECK_INT(b.len, 10);
	CHECK_INT(strbuf_take(&b, &s), 0);
	CHECK_STR(s, "one two 3%");
}

static void test_error_sticks(void)
{
	struct strbuf b = { .failed = true };
	char *s = NULL;

	strbuf_add(&b, "lost");
	strbuf_addf(&b, "%s", "lost");
	CHECK_INT(strbuf_take(&b, &s), -ENOMEM);
	CHECK(s == NULL);
	CHECK(!b.failed);
}

/* Whatever the size of the pieces, the text is their sum. */
static void test_sizes(void)
{
	for (size_t piece = 1; piece < 600; piece += 7) {
		char text[600];
		struct strbuf b = { 0 };
		_cleanup_free_ char *s = NULL;

		memset(text, 'x', sizeof(text));
		for (int i = 0; i < 20; i++)
			strbuf_add_n(&b, text, piece);
		CHECK_INT(b.len, 20 * piece);
		CHECK(b.size > b.len);
		CHECK_INT(strbuf_take(&b, &s), 0);
		CHECK_INT(strspn(s, "x"), 20 * piece);
	}
}

int main(void)
{
	test_empty();
	test_pieces();
	test_error_sticks();
	test_sizes();
	return check_done();
}

/* SPDX-License-Identifier: MIT */
#include "software/setting.h"

#include "basic/macro.h"
#include "basic/strbuf.h"
#include "check.h"
#include "software/software.h"

static int note(void *data, const char *value, unsigned line)
{
	strbuf_addf(data, "%u:%s;", line, value);
	return 0;
}

static int note_include(void *data, const char *value)
{
	strbuf_addf(data, "+%s;", value);
	return 0;
}

/* "3:/srv;" for each value. */
static void check_found(struct setting s, const char *text, const char *expected)
{
	_cleanup_strbuf_ struct strbuf b = { 0 };
	_cleanup_free_ char *copy = strdup(text);

	check.label = text;
	CHECK_INT(setting_find(&s, copy, &(struct setting_visitor){ note, note_include, &b }), 0);
	CHECK_STR(b.len ? b.text : "", expected);
	check.label = NULL;
}

static void test_lines(void)
{
	static const struct {
		const char *section, *key, *text, *expected;
	} rows[] = {
		{ NULL, "dir", "dir /srv", "1:/srv;" },
		{ NULL, "dir", "\n\tdir  \"/srv/a b\"\n", "2:/srv/a b;" },
		{ NULL, "dir", "# dir /x\n;dir /x\n//dir /x\n", "" },
		{ NULL, "dir", "dir = '/srv' # why\n", "1:/srv;" },
		{ NULL, "dir", "dir=/srv\t# why\r\ndir : /b#c\n", "1:/srv;2:/b#c;" },
		{ NULL, "dir", "dirs /x\nmy-dir /x\ndir\ndir =\n=/x\n", "" },
		{ NULL, "dir", "[a]\ndir /x\n", "" },
		{ "a", "dir", "dir /x\n[b]\ndir /x\n[ a ]\ndir = /srv\n[b]\ndir /x", "5:/srv;" },
		{ "a a-*", "dir", "[a-1]\ndir=/1\n[ab]\ndir=/x\n[a]\ndir=/2\n", "2:/1;6:/2;" },
		{ "a", "dir", "[a\ndir=/srv\n", "2:/srv;" },
		{ "a", "dir", "[[a.b]]\ndir=/x\n", "" },
		{ "storage", "dbPath", "net:\n  dbPath: /x\nstorage:\n  dbPath: /srv\n",
		  "4:/srv;" },
		{ "storage", "dbPath", "storage:\n  dbPath: '/srv'\nx: 1\n  dbPath: /x\n",
		  "2:/srv;" },
		{ NULL, "data-dir", "node:\n  data-dir: /x\ndata-dir: /srv\n", "3:/srv;" },
		{ "m", "-", "m:\n - a\n - b c\n- d\nn:\n - e\n", "2:a;3:b c;4:d;" },
		{ "m", "-", "m: [a, 'b', [c, d], e f] # x\nn: [g]\n", "1:a;1:b;1:[c, d];1:e f;" },
		{ "m", "-", "m: []\nm: [\nm: [ ,, ]\nm: {a: b}\n", "" },
		{ "m", "k", "m: {k: a}\nm: { x: [k: z], 'k': \"b, c\" }\n", "1:a;2:b, c;" },
		{ "m", "k", "m = {k = '/srv'}\nm: {k\nm: {k: 'a\nm: {}}\nn: {k: x}\n",
		  "1:/srv;3:'a;" },
		{ NULL, "dir",
		  "\"dir\": /a\n 'dir' = '/b'\n\"dir\" /c\n\"dirs\": /x\n\"dir: /x\n\"\": /x\n",
		  "1:/a;2:/b;3:/c;" },
		{ "s", "dir", "\"s\":\n  'dir': /a\n\"t\":\n  dir: /x\n", "2:/a;" },
		{ NULL, "dir", "dir \"/srv\n", "1:\"/srv;" },
		{ NULL, "dir", "", "" },
	};

	for (size_t i = 0; i < ELEMENTSOF(rows); i++)
		check_found((struct setting){ SETTING_LINES, .section = rows[i].section,
					      .key = rows[i].key },
			    rows[i].text, rows[i].expected);
}

static void test_includes(void)
{
	const struct setting s = { SETTING_LINES, .key = "dir",
				   .includes = "!include !includedir include imports" };

	check_found(s, "include /a\ndir /srv\ninclude /b/*.conf # c\n", "+/a;2:/srv;+/b/*.conf;");
	check_found(s, "!includedir /etc/x.d/\n [x]\n!include\t/b\n", "+/etc/x.d/;+/b;");
	check_found(s, "include = '/a b'\n#include /x\nincludes /x\ninclude\n", "+/a b;");
	check_found(s, "imports = [\n  '/a',\n  '/b', # c\n]\ndir = /srv\n", "+/a;+/b;5:/srv;");
	check_found(s, "imports = [\n '/a'", "+/a;");
	check_found(s, "imports = [", "");
	check_found(s, "imports = [\"/a/*.toml\", '/b']\ndir = \"/srv\"", "+/a/*.toml;+/b;2:/srv;");
}

static void test_json(void)
{
	static const struct {
		const char *text, *expected;
	} rows[] = {
		{ "{\"root\": \"/srv\"}", "1:/srv;" },
		{ "{\n\"a\": 1,\n\"root\"\n:\n\"/srv\"\n}", "5:/srv;" },
		{ "{\"a\": {\"root\": \"/x\"}, \"root\": \"/srv\"}", "1:/srv;" },
		{ "{\"a\": [\"root\", \"/x\"], \"b\": \"root\"}", "" },
		{ "{\"root\": [\"/x\"], \"a\": \"/y\"}", "" },
		{ "{\"root\": 1, \"a\": \"/y\"}", "" },
		{ "{\"root\": \"\\/s\\\"\\\\\\u0041\\u00e4\\u20ac\\n\"}",
		  "1:/s\"\\A\xc3\xa4\xe2\x82\xac\n;" },
		{ "{\"root\": \"/a\", \"root\": \"/b\"}", "1:/a;1:/b;" },
		{ "{\"root\": \"/srv", "1:/srv;" },
		{ "{\"root\": \"/srv\\", "1:/srv;" },
		{ "{\"root\": \"/srv\\u12", "1:/srv\x12;" },
		{ "}}}{\"root\": \"/srv\"}", "1:/srv;" },
		{ "[\"root\", \"/x\"]", "" },
		{ "", "" },
	};

	for (size_t i = 0; i < ELEMENTSOF(rows); i++)
		check_found((struct setting){ SETTING_JSON, .key = "root" }, rows[i].text,
			    rows[i].expected);
}

static void test_apt(void)
{
	static const struct {
		const char *text, *expected;
	} rows[] = {
		{ "APT::Periodic::Enable \"1\";", "1:1;" },
		{ "apt::periodic::enable 1;\nAPT::Periodic::Enabled 2;", "1:1;" },
		{ "APT { Periodic { Enable \"1\"; }; };", "1:1;" },
		{ "APT::Periodic\n{\n  Enable\t\"1\";\n};", "3:1;" },
		{ "APT {\n Install-Recommends \"0\";\n Periodic::Enable 0;\n};", "3:0;" },
		{ "APT { Periodic { Verbose 1; }; Enable 2; };\nEnable 3;", "" },
		{ "APT { X { Enable 1; }; Periodic { Enable 2; } }", "1:2;" },
		{ "X { APT { Periodic { Enable 1; }; }; };", "" },
		{ "// APT::Periodic::Enable 1;\n# APT::Periodic::Enable 2;\n"
		  "/* APT::Periodic::Enable 3;\n*/ APT::Periodic::Enable /* x */ 4 // y\n;",
		  "5:4;" },
		{ "APT::Periodic::Enable \"a; b{\" ; APT::Periodic::Enable {\"5\";};", "1:a; b{;" },
		{ "APT::Periodic::Enable:: \"1\"; APT::Periodic::Enable; Periodic::Enable 1;", "" },
		{ "APT::Periodic::Enable \"\"; APT::Periodic::Enable \"1", "1:;" },
		{ "}};APT::Periodic::Enable 1;", "1:1;" },
		{ "{{{{{{{{{{{APT::Periodic::Enable 1;}}}}}}}}}}};APT::Periodic::Enable 1;",
		  "1:1;" },
		{ "/*", "" },
		{ "", "" },
	};

	for (size_t i = 0; i < ELEMENTSOF(rows); i++)
		check_found((struct setting){ SETTING_APT, .key = "APT::Periodic::Enable" },
			    rows[i].text, rows[i].expected);
}

static void test_xml(void)
{
	static const struct {
		const char *text, *expected;
	} rows[] = {
		{ "<pool>\n <target>\n  <path>/srv</path>\n </target>\n</pool>", "3:/srv;" },
		{ "<!-- <path>/x</path>\n --><path> /a </path><path>/b</path>", "2:/a;2:/b;" },
		{ "<paths>/x</paths><path/><path>", "" },
		{ "<path>/x", "" },
		{ "<!-- <path>/x</path>", "" },
		{ "<", "" },
		{ "", "" },
	};

	for (size_t i = 0; i < ELEMENTSOF(rows); i++)
		check_found((struct setting){ SETTING_XML, .key = "path" }, rows[i].text,
			    rows[i].expected);
}

static void test_xml_attributes(void)
{
	static const struct {
		const char *text, *expected;
	} rows[] = {
		{ "<disk>\n <source file='/srv/a.img'/>\n</disk>", "2:/srv/a.img;" },
		{ "<source index='1'\n file = \"/a\" ><source file='/b'>", "2:/a;2:/b;" },
		{ "<!-- <source file='/x'/> --><sources file='/x'/><source dev='/x'/>", "" },
		{ "<source file='/x.iso'/><source file='/b'/>", "1:/b;" },
		{ "<source file='/x", "" },
		{ "<source file=/x>", "" },
		{ "<source ", "" },
		{ "<source", "" },
	};

	for (size_t i = 0; i < ELEMENTSOF(rows); i++)
		check_found((struct setting){ SETTING_XML, .key = "source file",
					      .except = "*.iso" },
			    rows[i].text, rows[i].expected);
}

static void test_arguments(void)
{
	static const struct {
		const char *key, *text, *expected;
	} rows[] = {
		{ "--root", "/usr/bin/x --root=/srv -v", "1:/srv;" },
		{ "--root", "/usr/bin/x -a --root   /srv", "1:/srv;" },
		{ "--root", "ARGS=\"--root=/srv\"\n# --root=/x\nB='--a --root \"/b\"'",
		  "1:/srv;3:/b;" },
		{ "--root", "x '--root' '/srv'", "1:/srv;" },
		{ "--root", "x --root-dir=/x --no--root=/x --rootless", "" },
		{ "-g", "dockerd -g /srv --group -g=/b", "1:/srv;1:/b;" },
		{ "--root", "x --root", "" },
		{ "--root", "", "" },
	};

	for (size_t i = 0; i < ELEMENTSOF(rows); i++)
		check_found((struct setting){ SETTING_ARGUMENT, .key = rows[i].key }, rows[i].text,
			    rows[i].expected);
}

static int refuse(void *data, const char *value, unsigned line)
{
	(void)data;
	(void)value;
	return line == 2 ? -ENOMEM : 0;
}

static void test_error_ends_it(void)
{
	static const struct {
		enum setting_syntax syntax;
		const char *text;
	} rows[] = {
		{ SETTING_LINES, "k 1\nk 2\nk 3\n" },
		{ SETTING_JSON, "{\"k\": \"1\",\n\"k\": \"2\"}" },
		{ SETTING_APT, "k 1;\nk 2;\n" },
		{ SETTING_XML, "<k>1</k>\n<k>2</k>" },
		{ SETTING_ARGUMENT, "k=1\nk=2" },
	};

	for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
		const struct setting s = { rows[i].syntax, .key = "k" };
		_cleanup_free_ char *copy = strdup(rows[i].text);

		CHECK_INT(setting_find(&s, copy, &(struct setting_visitor){ refuse, NULL, NULL }),
			  -ENOMEM);
	}
}

static int count(void *data, const char *value, unsigned line)
{
	*(size_t *)data += strlen(value) + line;
	return 0;
}

/* Nothing is read or written outside the text; sanitizers watch. */
static void test_random(void)
{
	static const char *const words[] = {
		"k",   "\"", "'",     "=",	 ":",	" ", "\n", "\t",   "#",
		";",   "\\", "\\u00", "\\u20ac", "{",	"}", "[",  "]",	   ",",
		"<k>", "</", "<",     "<!--",	 "-->", "-", "/",  "\xff",
	};
	unsigned seed = 1;
	size_t sum = 0;

	for (unsigned i = 0; i < 40000; i++) {
		const struct setting s = { i % 5, .section = i % 10 < 5 ? NULL : "k k*",
					   .key = "k" };
		_cleanup_strbuf_ struct strbuf b = { 0 };

		strbuf_add(&b, "");
		for (unsigned n = i % 40; n > 0; n--) {
			seed = seed * 1103515245 + 12345;
			strbuf_add(&b, words[(seed >> 16) % ELEMENTSOF(words)]);
		}
		CHECK_INT(setting_find(&s, b.text, &(struct setting_visitor){ count, NULL, &sum }),
			  0);
	}
	CHECK(sum > 0);
}

/* With the address sanitizer, strstr() itself goes through all of the text each time. */
#ifdef __SANITIZE_ADDRESS__
#define LONG_TEXT ((size_t)1 << 14)
#else
#define LONG_TEXT ((size_t)1 << 20)
#endif

/* However a text is made, it is read in a time that grows as it does. */
static void test_long_texts(void)
{
	static const struct {
		struct setting s;
		const char *begin, *part;
	} rows[] = {
		{ { SETTING_XML, .key = "k a" }, "", "<k a=\"" },
		{ { SETTING_XML, .key = "k" }, "", "<k " },
		{ { SETTING_LINES, .key = "k", .includes = "i" }, "i = [\n", "x,\n" },
		{ { SETTING_LINES, .key = "k", .includes = "i" }, "", "i = [\n" },
		{ { SETTING_APT, .key = "k" }, "", "/* { \"k" },
		{ { SETTING_JSON, .key = "k" }, "", "{\"k\\\"" },
		{ { SETTING_ARGUMENT, .key = "k" }, "", "k=\"" },
	};
	size_t sum = 0;

	for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
		const struct setting_visitor v = { count, NULL, &sum };
		_cleanup_strbuf_ struct strbuf b = { 0 };

		strbuf_add(&b, rows[i].begin);
		while (b.len < LONG_TEXT)
			strbuf_add(&b, rows[i].part);
		CHECK_INT(setting_find(&rows[i].s, b.text, &v), 0);
	}
}

/* What the readers of the table rely on. */
static void test_table(void)
{
	const struct software *s;

	for (size_t i = 0; (s = software_get(i)); i++) {
		bool in_home = s->data[0].path[0] == '~';

		check.label = s->name;
		CHECK(s->kind < _SOFTWARE_KIND_MAX);
		for (size_t j = 0; j < ELEMENTSOF(s->data) && s->data[j].path; j++) {
			CHECK((s->data[j].path[0] == '~') == in_home);
			CHECK(s->data[j].path[in_home ? 1 : 0] == '/');
		}
		for (size_t j = 0; j < ELEMENTSOF(s->units) && s->units[j]; j++)
			CHECK((s->units[j][0] == '~') == in_home);
	}
	check.label = NULL;
}

int main(void)
{
	test_lines();
	test_includes();
	test_json();
	test_apt();
	test_xml();
	test_xml_attributes();
	test_arguments();
	test_error_ends_it();
	test_random();
	test_long_texts();
	test_table();
	return check_done();
}

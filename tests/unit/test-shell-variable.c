/* SPDX-License-Identifier: MIT */
#include "software/shell-variable.h"

#include <string.h>

#include "check.h"

/* What A is set to by one script. NULL: it does not set it. */
static void test_scripts(void)
{
	static const struct {
		const char *text, *expected;
	} rows[] = {
		{ "", NULL },
		{ "A=y", "y" },
		{ "  A=y  # why\n", "y" },
		{ "A='y'\nA=\"n\"\n", "n" },
		{ "A='a b'", "a b" },
		{ "A=\"a\n b\"", "a\n b" },
		{ "A=", "" },
		{ "A=y; export A\n", "y" },
		{ "export A=y", "y" },
		{ "declare -x A=y", "y" },
		{ "B=1 A=y", "y" },
		{ "B=1; A=y;C=2", "y" },
		{ "true && A=y", "y" },
		{ "if true; then A=y; fi", "y" },
		{ "case x in y) A=z;; esac", "z" },
		{ "AB=y\nBA=y\nA =y\n_A=y\n", NULL },
		{ "echo A=y\n", NULL },
		{ "#A=y\n # A=y\nB=1 # A=y\n", NULL },
		{ "B='\nA=y\n'", NULL },
		{ "A=a#b", "a#b" },
		{ "A=a\\ b", "a b" },
		{ "A=a\\\nb", "ab" },
		{ "\\\nA=y", "y" },
		{ "A=y\nunset A\n", "" },
		{ "A=y\nunset -v B A\n", "" },
		{ "A=y\necho unset A\n", "y" },
		{ "A=(a b)", " a b" },
		{ "A=(\n\ta # first )\n\t# b\n\t'c d'\n)\nB=(x)", " a c d" },
		{ "A=(a\\\n b)", " a b" },
		{ "A=(a", " a" },
		{ "A=(a)\nA+=(b)", " a b" },
		{ "A=\"a\"\nA+=\" b\"", "a b" },
		{ "A+=(b)", " b" },
		{ "A=a\nA=\"$A b\"", "a b" },
		{ "A=a\nA=\"${A} b ${AB} $AB\"", "a b ${AB} $AB" },
		{ "A=a\nA='$A b'", "$A b" },
		{ "A=(a b)\nA=(\"${A[@]}\" c)", "  a b c" },
		{ "A=(a fsck b)\nA=(\"${A[@]/fsck}\")", "  a  b" },
		{ "A=(a fsck b)\nA=(${A[*]/fsck/})", "  a  b" },
		{ "A=(udev udev-x)\nA=(${A[@]/udev/systemd})", "  systemd systemd-x" },
		{ "A=(aa)\nA=(${A[@]//a/bc})", "  bcbc" },
		{ "A=a\nA=${A:-b}", "a" },
		{ "A=${A", "${A" },
		{ "A=$", "$" },
		{ "A='y", "y" },
		{ "A=\\", "\\" },
	};

	CHECK_EACH(row, rows)
	{
		_cleanup_shell_variable_ struct shell_variable v = { .name = "A" };

		check.label = row->text;
		CHECK_INT(shell_variable_read(&v, row->text), row->expected != NULL);
		CHECK_STR(v.value ? v.value : "(not set)",
			  row->expected ? row->expected : "(not set)");
	}
	check.label = NULL;
}

static void test_several_scripts(void)
{
	_cleanup_shell_variable_ struct shell_variable v = { .name = "HOOKS" };

	CHECK_INT(shell_variable_has(&v, "fsck"), false);
	CHECK_INT(shell_variable_read(&v, "HOOKS=(base,udev fsckx)"), 1);
	CHECK_INT(shell_variable_read(&v, "MODULES=(fsck)"), 0);
	CHECK_INT(shell_variable_has(&v, "fsck"), false);
	CHECK_INT(shell_variable_has(&v, "udev"), true);
	CHECK_INT(shell_variable_has(&v, ""), false);
	CHECK_INT(shell_variable_read(&v, "HOOKS+=(fsck)"), 1);
	CHECK_INT(shell_variable_has(&v, "base"), true);
	CHECK_INT(shell_variable_has(&v, "fsck"), true);
}

static void test_endless_growth(void)
{
	_cleanup_shell_variable_ struct shell_variable v = { .name = "A" };

	for (int i = 0; i < 40; i++)
		CHECK_INT(shell_variable_read(&v, "A=x$A$A"), 1);
	CHECK_INT(strlen(v.value) <= 4096, true);
}

/* Whatever the text is, reading it ends, within it, and the value stays small. */
static void test_random_scripts(void)
{
	static const char letters[] = "A=+({[@]}/$\"'\\ \n#;)&unsetxy,-";
	uint32_t state = 1;
	char text[64];

	for (int i = 0; i < 20000; i++) {
		_cleanup_shell_variable_ struct shell_variable v = { .name = "A" };

		check_random_string(&state, letters, sizeof(text) - 1, text);
		for (int again = 0; again < 3; again++)
			CHECK(shell_variable_read(&v, text) >= 0);
		CHECK(!v.value || strlen(v.value) <= 4096);
		CHECK(!shell_variable_has(&v, "z"));
	}
}

int main(void)
{
	test_random_scripts();
	test_endless_growth();
	test_scripts();
	test_several_scripts();
	return check_done();
}

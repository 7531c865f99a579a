/* SPDX-License-Identifier: MIT */
#include "system/unit-file.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "basic/io.h"
#include "basic/strbuf.h"
#include "check.h"
#include "system/unit-specifiers.h"

/* What a text says, one "SECTION KEY=VALUE:LINE" after the other. */
static char *settings_of(const struct unit_file *u)
{
	struct strbuf b = { 0 };
	char *text = NULL;

	for (size_t i = 0; i < u->n_settings; i++) {
		const struct unit_setting *s = &u->settings[i];

		strbuf_addf(&b, "%s%s %s=%s:%u", i ? "; " : "", s->section, s->key, s->value,
			    s->pos.line);
	}
	CHECK_INT(strbuf_take(&b, &text), 0);
	return text;
}

static void test_text(void)
{
	static const struct {
		const char *label, *text, *expected;
	} table[] = {
		{ "plain", "[Mount]\nWhat=/dev/sdb1\n", "Mount What=/dev/sdb1:2" },
		{ "no newline at the end", "[Mount]\nType=ext4", "Mount Type=ext4:2" },
		{ "blanks", "  [Mount]  \n \t What \t=  a  b \t\r\n", "Mount What=a  b:2" },
		{ "comments", "#x\n[Mount]\n ; y\n# What=c\nWhat=d#e", "Mount What=d#e:5" },
		{ "continued", "[Mount]\nOptions=a,\\\n  b,\\\n\tc\nType=x",
		  "Mount Options=a, b, c:2; Mount Type=x:5" },
		{ "comment within", "[Mount]\nWhat=a\\\n# no\\\n;no\nb", "Mount What=a b:2" },
		{ "escaped backslash", "[Mount]\nWhat=a\\\\\nType=b",
		  "Mount What=a\\\\:2; Mount Type=b:3" },
		{ "three backslashes", "[Mount]\nWhat=a\\\\\\\nb", "Mount What=a\\\\ b:2" },
		{ "continued by an empty line", "[Mount]\nWhat=a\\\n\nType=b",
		  "Mount What=a:2; Mount Type=b:4" },
		{ "continued at the end", "[Mount]\nWhat=a\\", "Mount What=a:2" },
		{ "value with an equals sign", "[Mount]\nWhat=LABEL=x", "Mount What=LABEL=x:2" },
		{ "no value", "[Mount]\nWhat=", "Mount What=:2" },
		{ "no section", "What=a\n[Mount]\nno equals sign\nWhat=b", "Mount What=b:4" },
		{ "damaged header", "[Mount]\n[Unit\nWhat=a", " What=a:3" },
		{ "byte order mark", "\xef\xbb\xbf[Mount]\nWhat=a", "Mount What=a:2" },
		{ "nothing", "\n\n", "" },
		{ "a header alone", "[", "" },
	};

	CHECK_EACH(row, table)
	{
		_cleanup_unit_file_ struct unit_file u = { 0 };
		char *seen;

		check.label = row->label;
		CHECK_INT(unit_file_add(&u, "/a", strdup(row->text), strlen(row->text)), 0);
		seen = settings_of(&u);
		CHECK_STR(seen, row->expected);
		free(seen);
	}
	check.label = NULL;
}

static void test_random_text(void)
{
	uint32_t state = 1;
	char text[41];

	for (unsigned i = 0; i < 20000; i++) {
		_cleanup_unit_file_ struct unit_file u = { 0 };
		char *copy = strdup(check_random_string(&state, "[]=#;\\\n\r\t aU", 40, text));

		CHECK_INT(unit_file_add(&u, "/a", copy, strlen(text)), 0);
		for (size_t k = 0; k < u.n_settings; k++)
			CHECK(u.settings[k].pos.line > 0 && !strchr(u.settings[k].value, '\n'));
	}
}

static void test_lists(void)
{
	static const char text[] = "[Unit]\nAfter=a\nAfter=b\n[Mount]\nAfter=no\nType=x\n"
				   "[Unit]\nAfter=\nAfter=c\nAfter=d e\n[Mount]\nType=\n";
	_cleanup_unit_file_ struct unit_file u = { 0 };
	const struct unit_setting *s = NULL;

	CHECK_INT(unit_file_add(&u, "/a", strdup(text), strlen(text)), 0);
	s = unit_file_next(&u, "Unit", "After", s);
	CHECK_STR(s ? s->value : NULL, "c");
	s = unit_file_next(&u, "Unit", "After", s);
	CHECK_STR(s ? s->value : NULL, "d e");
	CHECK(!unit_file_next(&u, "Unit", "After", s));
	CHECK(!unit_file_next(&u, "Unit", "Before", NULL));
	CHECK(!unit_file_last(&u, "Mount", "Type"));
	s = unit_file_last(&u, "Unit", "After");
	CHECK_STR(s ? s->value : NULL, "d e");
}

/* A tree in a directory of its own, which is removed again. */
struct tree {
	char dir[32];
	struct rootfs root;
	struct unit_dirs dirs;
};

/* "PATH" and "TEXT", or "PATH" and ">TARGET" of a link, one after the other, ended by NULL. */
static void make_tree(struct tree *t, const char *const *files)
{
	_cleanup_close_ int fd = -1;

	strcpy(t->dir, "/tmp/rofs-unit-file-XXXXXX");
	CHECK(mkdtemp(t->dir));
	fd = open(t->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	for (; *files; files += 2) {
		const char *name = strrchr(files[0], '/') + 1;
		_cleanup_free_ char *dir = strndup(files[0], (size_t)(name - files[0]));
		_cleanup_close_ int dir_fd = make_path(fd, dir, 0755);

		if (files[1][0] == '>')
			CHECK(symlinkat(files[1] + 1, dir_fd, name) == 0);
		else
			CHECK_INT(write_file(dir_fd, name, 0644, files[1]), 0);
	}
	CHECK_INT(rootfs_open(t->dir, &t->root), 0);
	t->dirs = unit_dirs_open(&t->root, UNIT_ORIGIN_IMAGE);
}

static void remove_tree(struct tree *t)
{
	char command[64];

	unit_dirs_done(&t->dirs);
	rootfs_done(&t->root);
	snprintf(command, sizeof(command), "rm -r %s", t->dir);
	CHECK_INT(system(command), 0);
}

/* The values of What=, in order, after those of the unit file. */
static void check_unit(const struct tree *t, const char *name, const char *expected)
{
	_cleanup_unit_file_ struct unit_file u = { 0 };
	struct strbuf b = { 0 };
	char *seen = NULL;

	CHECK_INT(unit_file_read(&t->dirs, name, &u), 0);
	if (u.is_masked)
		strbuf_add(&b, "masked");
	for (size_t i = 0; i < u.n_settings; i++)
		strbuf_addf(&b, "%s%s", i ? " " : "", u.settings[i].value);
	if (u.unread)
		strbuf_addf(&b, " unread %s", u.unread_file);
	CHECK_INT(strbuf_take(&b, &seen), 0);
	check.label = name;
	CHECK_STR(seen, expected);
	check.label = NULL;
	free(seen);
}

#define ETC   "/etc/systemd/system/"
#define LOCAL "/usr/local/lib/systemd/system/"
#define USR   "/usr/lib/systemd/system/"
#define SAYS  "[Mount]\nWhat="

static void check_files(bool indexed)
{
	static const char *const files[] = {
		/* The first directory counts. */
		ETC "home.mount",
		SAYS "etc",
		USR "home.mount",
		SAYS "usr",
		LOCAL "srv.mount",
		SAYS "local",
		USR "srv.mount",
		SAYS "usr",
		/* Drop-ins of all, by file name; an equal one of a higher directory masks. */
		ETC "home.mount.d/20-b.conf",
		SAYS "etc20",
		USR "home.mount.d/10-a.conf",
		SAYS "usr10",
		USR "home.mount.d/30-c.conf",
		SAYS "usr30",
		ETC "home.mount.d/30-c.conf",
		">/dev/null",
		USR "home.mount.d/40-d.conf",
		SAYS "usr40",
		ETC "home.mount.d/40-d.conf",
		"",
		ETC "home.mount.d/README",
		SAYS "no",
		/* Masked: a link to /dev/null, or an empty file. */
		ETC "opt.mount",
		">/dev/null",
		USR "opt.mount",
		SAYS "usr",
		ETC "mnt.mount",
		"",
		USR "mnt.mount",
		SAYS "usr",
		USR "mnt.mount.d/a.conf",
		SAYS "no",
		/* A link that leads nowhere does not count. */
		ETC "var.mount",
		">/gone",
		USR "var.mount",
		SAYS "usr",
		/* A linked file, and what is not a file. */
		ETC "a.mount",
		">/opt/a.mount",
		"/opt/a.mount",
		SAYS "linked",
		ETC "b.mount/x",
		"",
		USR "b.mount",
		SAYS "usr",
		/* Prefixes and the type. */
		USR "var-lib-a.mount",
		SAYS "unit",
		ETC "var-.mount.d/2.conf",
		SAYS "prefix",
		ETC "var-lib-.mount.d/2.conf",
		SAYS "longer",
		ETC "var-.mount.d/1.conf",
		SAYS "first",
		ETC "mount.d/3.conf",
		SAYS "type",
		USR "var-lib-a.mount.d/3.conf",
		SAYS "own",
		/* Instances and aliases. */
		USR "x@.service",
		SAYS "template",
		USR "x@1.service",
		SAYS "instance",
		USR "x@.service.d/a.conf",
		SAYS "dropin",
		USR "x@2.service.d/b.conf",
		SAYS "two",
		USR "real.service",
		SAYS "real",
		ETC "alias.service",
		">" USR "real.service",
		USR "real.service.d/a.conf",
		SAYS "of-real",
		ETC "alias.service.d/b.conf",
		SAYS "of-alias",
		NULL,
	};
	struct tree t = { 0 };

	make_tree(&t, files);
	if (indexed)
		CHECK_INT(unit_dirs_index(&t.dirs, "mount"), 0);
	check_unit(&t, "home.mount", "etc usr10 etc20 type");
	check_unit(&t, "srv.mount", "local type");
	check_unit(&t, "opt.mount", "masked");
	check_unit(&t, "mnt.mount", "masked");
	check_unit(&t, "var.mount", "usr type");
	check_unit(&t, "a.mount", "linked type");
	check_unit(&t, "b.mount", "type unread " ETC "b.mount");
	check_unit(&t, "var-lib-a.mount", "unit first longer own");
	check_unit(&t, "x@1.service", "instance dropin");
	check_unit(&t, "x@2.service", "template dropin two");
	check_unit(&t, "alias.service", "real of-real of-alias");
	check_unit(&t, "none.mount", "type");
	check_unit(&t, "none.service", "");
	remove_tree(&t);
}

static void test_files(void)
{
	check_files(false);
	check_files(true);
}

static void check_names(const struct unit_names *n, const char *expected)
{
	struct strbuf b = { 0 };
	char *seen = NULL;

	for (size_t i = 0; i < n->n; i++)
		strbuf_addf(&b, "%s%s", i ? " " : "", n->list[i]);
	CHECK_INT(strbuf_take(&b, &seen), 0);
	CHECK_STR(seen, expected);
	free(seen);
}

static void test_names(void)
{
	static const char *const files[] = {
		ETC "home.mount",
		SAYS "a",
		USR "home.mount",
		SAYS "b",
		USR "srv.mount",
		SAYS "c",
		USR "a.service",
		"",
		USR "srv.mount.d/a.conf",
		"",
		USR ".mount",
		"",
		ETC "local-fs.target.wants/home.mount",
		">../home.mount",
		USR "local-fs.target.wants/home.mount",
		">../home.mount",
		USR "a.service.requires/home.mount",
		">../home.mount",
		USR "b.target.upholds/home.mount",
		">gone",
		USR "c.target.wants/home.mount",
		">../home.mount",
		ETC "c.target.wants/home.mount",
		">/dev/null",
		USR "d.target.d/home.mount",
		">../home.mount",
		/* By way of a link, which is followed inside the tree. */
		USR "e.target.wants",
		">/opt/wants",
		"/opt/wants/home.mount",
		">../home.mount",
		NULL,
	};
	_cleanup_unit_names_ struct unit_names mounts = { 0 }, links = { 0 }, none = { 0 };
	struct tree t = { 0 };

	make_tree(&t, files);
	CHECK_INT(unit_dirs_list(&t.dirs, ".mount", &mounts), 0);
	check_names(&mounts, "home.mount srv.mount");
	CHECK_INT(unit_dirs_links(&t.dirs, "home.mount", &links), 0);
	check_names(
		&links,
		"a.service.requires/home.mount b.target.upholds/home.mount e.target.wants/home.mount "
		"local-fs.target.wants/home.mount");
	CHECK_INT(unit_dirs_links(&t.dirs, "srv.mount", &none), 0);
	check_names(&none, "");
	remove_tree(&t);
}

/* Debian before it merged /usr, and after. */
static void test_lib(void)
{
	static const char *const merged[] = { "/lib", ">usr/lib", USR "a.mount", SAYS "usr", NULL };
	static const char *const split[] = { "/lib/systemd/system/a.mount", SAYS "lib",
					     USR "b.mount", SAYS "usr", NULL };
	struct tree t = { 0 };

	make_tree(&t, merged);
	CHECK_INT((intmax_t)t.dirs.n, 1);
	check_unit(&t, "a.mount", "usr");
	remove_tree(&t);
	make_tree(&t, split);
	check_unit(&t, "a.mount", "lib");
	check_unit(&t, "b.mount", "usr");
	remove_tree(&t);
}

static void test_specifiers(void)
{
	static const struct {
		const char *value, *expected;
		int unknown;
	} table[] = {
		{ "plain", "plain", 0 },
		{ "100%%", "100%", 0 },
		{ "at the end %", "at the end %", 0 },
		{ "%n %N %p %f", "srv-a\\x2db.mount srv-a\\x2db srv-a\\x2db /srv/a-b", 0 },
		{ "%S/x:%h:%t", "/var/lib/x:/root:/run", 0 },
		{ "a%H", NULL, 'H' },
		{ "%%%m", NULL, 'm' },
		{ "a%ib", "ab", 0 },
	};
	_cleanup_free_ char *service = NULL, *unknown = NULL;

	CHECK_EACH(row, table)
	{
		_cleanup_free_ char *seen = NULL;

		check.label = row->value;
		CHECK_INT(unit_specifiers_expand(row->value, "srv-a\\x2db.mount", "/srv/a-b",
						 &seen),
			  row->unknown);
		CHECK_STR(seen, row->expected);
	}
	check.label = NULL;
	CHECK_INT(unit_specifiers_expand("%p %i %N", "a-b@c.d.service", NULL, &service), 0);
	CHECK_STR(service, "a-b c.d a-b@c.d");
	CHECK_INT(unit_specifiers_expand("%f", "a.service", NULL, &unknown), 'f');
}

int main(void)
{
	test_specifiers();
	test_text();
	test_random_text();
	test_lists();
	test_files();
	test_names();
	test_lib();
	return check_done();
}

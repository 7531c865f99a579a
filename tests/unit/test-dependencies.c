/* SPDX-License-Identifier: MIT */
#include "plan/dependencies.h"

#include "basic/strbuf.h"
#include "check.h"
#include "plan/late-unit.h"

static const char *const kinds[] = {
	[DEPENDENCY_REQUIRES] = "requires",
	[DEPENDENCY_WANTS] = "wants",
	[DEPENDENCY_AFTER] = "after",
	[DEPENDENCY_BEFORE] = "before",
	[DEPENDENCY_REQUIRES_MOUNTS_FOR] = "path",
	[DEPENDENCY_WANTED_BY] = "wanted-by",
	[DEPENDENCY_REQUIRED_BY] = "required-by",
};

static char *to_string(const struct plan_dependencies *d)
{
	struct strbuf b = { 0 };
	char *text;

	for (size_t i = 0; i < d->n; i++)
		strbuf_addf(&b, "%s %s\n", kinds[d->list[i].kind], d->list[i].name);
	CHECK_INT(strbuf_take(&b, &text), 0);
	return text;
}

static struct fstab_entry home(const char *options)
{
	return (struct fstab_entry){ .spec = (char *)"LABEL=home",
				     .dir = (char *)"/home",
				     .type = (char *)"ext4",
				     .options = (char *)options,
				     .line = 3 };
}

static void test_fstab(void)
{
	static const struct {
		const char *options, *expected;
		size_t n_warnings;
	} rows[] = {
		{ "defaults", "", 0 },
		{ "rw,x-systemd.requires=a.service", "requires a.service\n", 0 },
		{ "x-systemd.requires=a.service,x-systemd.requires=b.service,noatime",
		  "requires a.service\nrequires b.service\n", 0 },
		{ "x-systemd.after=/mnt//a/", "after mnt-a.mount\n", 0 },
		{ "x-systemd.after=/dev/sda-1", "after dev-sda\\x2d1.device\n", 0 },
		{ "x-systemd.after=/sys/module/x", "after sys-module-x.device\n", 0 },
		{ "x-systemd.before=name", "before name.mount\n", 0 },
		{ "x-systemd.before=a/b", "before a-b.mount\n", 0 },
		{ "x-systemd.before=a b", "before a\\x20b.mount\n", 0 },
		{ "x-systemd.requires=dev-disk-by\\x2dlabel-a.device",
		  "requires dev-disk-by\\x2dlabel-a.device\n", 0 },
		/* As systemd 252 and newer read it. */
		{ "x-systemd.requires=dev-disk-by\\\\x2dlabel-a.device",
		  "requires dev-disk-by\\x2dlabel-a.device\n", 0 },
		{ "x-systemd.wants=a.target", "wants a.target\n", 0 },
		{ "x-systemd.wanted-by=a.target,x-systemd.required-by=b@1.service",
		  "wanted-by a.target\nrequired-by b@1.service\n", 0 },
		{ "x-systemd.requires-mounts-for=/a b//c", "path /a b/c\n", 0 },
		{ "x-systemd.wants-mounts-for=/a/b c", "wants a.mount\nwants a-b\\x20c.mount\n",
		  0 },
		{ "x-systemd.wants-mounts-for=/", "", 0 },
		/* It would wait for itself. */
		{ "x-systemd.requires=/home,x-systemd.after=home.mount", "", 0 },
		{ "x-systemd.requires=/home/a,x-systemd.after=home-a.mount", "", 0 },
		{ "x-systemd.after=rofs-overlay-home.mount,x-systemd.after=/rofs/ro/home", "", 0 },
		{ "x-systemd.after=rofs-rw-home.mount,x-systemd.after=home-a.automount", "", 0 },
		{ "x-systemd.after=rofs-prepare-rw-home.service", "", 0 },
		{ "x-systemd.requires-mounts-for=/rofs/overlay/home/a", "", 0 },
		{ "x-systemd.after=rofs-ro-srv.mount,x-systemd.after=rofs-persist-home.mount",
		  "after rofs-ro-srv.mount\nafter rofs-persist-home.mount\n", 0 },
		{ "x-systemd.after=homes.mount,x-systemd.after=home-a.service",
		  "after homes.mount\nafter home-a.service\n", 0 },
		{ "x-systemd.requires-mounts-for=/home/x", "", 0 },
		{ "x-systemd.requires-mounts-for=/homes", "path /homes\n", 0 },
		{ "x-systemd.wants-mounts-for=/home/x", "", 0 },
		/* No units. */
		{ "x-systemd.requires", "", 0 },
		{ "x-systemd.requires=", "", 1 },
		{ "x-systemd.requires=a@.service,x-systemd.after=/a/../b", "", 2 },
		{ "x-systemd.requires-mounts-for=a,x-systemd.wants-mounts-for=b", "", 2 },
		{ "x-systemd.wanted-by=name,x-systemd.required-by=../x.target", "", 2 },
		{ "x-systemd.device-timeout=1,x-systemd.automount,x-systemd.nothing=a.service", "",
		  0 },
		{ "xx-systemd.after=a.service,,x-systemd.after", "", 0 },
	};

	CHECK_EACH(row, rows)
	{
		_cleanup_dependencies_ struct plan_dependencies d = { 0 };
		_cleanup_diag_ struct diag diag = { 0 };
		struct fstab_entry e = home(row->options);
		_cleanup_free_ char *seen = NULL;

		check.label = row->options;
		CHECK_INT(dependencies_add_fstab(&d, &e, &diag), 0);
		seen = to_string(&d);
		CHECK_STR(seen, row->expected);
		CHECK_INT(diag.n_entries, row->n_warnings);
	}
	check.label = NULL;
}

static void test_simplify(void)
{
	static const struct {
		const char *options, *expected;
	} rows[] = {
		{ "", "" },
		{ "x-systemd.requires=a.service,x-systemd.after=a.service",
		  "requires a.service\n" },
		{ "x-systemd.after=b.service,x-systemd.after=a.service,x-systemd.requires=b.service",
		  "requires b.service\nafter a.service\n" },
		{ "x-systemd.wants=a.service,x-systemd.requires=a.service,x-systemd.wants=a.service",
		  "requires a.service\n" },
		{ "x-systemd.after=a.service,x-systemd.wants=a.service", "wants a.service\n" },
		{ "x-systemd.after=a.service,x-systemd.after=a.service", "after a.service\n" },
		/* Something else each. */
		{ "x-systemd.after=a.service,x-systemd.before=a.service,x-systemd.before=a.service",
		  "after a.service\nbefore a.service\n" },
		{ "x-systemd.wanted-by=a.target,x-systemd.required-by=a.target,x-systemd.wants=a.target",
		  "wanted-by a.target\nrequired-by a.target\nwants a.target\n" },
		{ "x-systemd.requires-mounts-for=/a,x-systemd.requires=/a,"
		  "x-systemd.requires-mounts-for=/a",
		  "path /a\nrequires a.mount\n" },
	};

	CHECK_EACH(row, rows)
	{
		_cleanup_dependencies_ struct plan_dependencies d = { 0 };
		_cleanup_diag_ struct diag diag = { 0 };
		struct fstab_entry e = home(row->options);
		_cleanup_free_ char *seen = NULL;

		check.label = row->options;
		CHECK_INT(dependencies_add_fstab(&d, &e, &diag), 0);
		CHECK_INT(dependencies_simplify(&d), 0);
		seen = to_string(&d);
		CHECK_STR(seen, row->expected);
	}
	check.label = NULL;
}

static void test_early(void)
{
	static const struct {
		enum dependency kind;
		const char *words, *expected;
	} rows[] = {
		{ DEPENDENCY_BEFORE, "a.service z.service", NULL },
		{ DEPENDENCY_BEFORE, "a.service local-fs-pre.target", "local-fs-pre.target" },
		{ DEPENDENCY_BEFORE, "early.service", "early.service" },
		{ DEPENDENCY_AFTER, "early.service local-fs-pre.target", NULL },
		{ DEPENDENCY_BEFORE, "local-fs.target", NULL },
	};
	char *early[] = { (char *)"early.service", (char *)"x.service" };
	struct facts f = { .early_units = { early, 2 } };

	CHECK_EACH(row, rows)
	{
		_cleanup_dependencies_ struct plan_dependencies d = { 0 };
		const char *seen;

		check.label = row->words;
		CHECK_INT(dependencies_add_words(&d, row->kind, row->words), 0);
		seen = early_unit_of(&f, &d);
		CHECK_STR(seen ? seen : "", row->expected ? row->expected : "");
	}
	check.label = NULL;
}

static void test_timeout(void)
{
	static const struct {
		const char *options;
		uint64_t expected;
	} rows[] = {
		{ "defaults", 0 },
		{ "x-systemd.mount-timeout=7s,ro", 7000000 },
		{ "x-systemd.mount-timeout=0", UINT64_MAX },
		{ "x-systemd.mount-timeout=infinity", UINT64_MAX },
		{ "x-systemd.mount-timeout=1,x-systemd.mount-timeout=2", 2000000 },
		{ "x-systemd.mount-timeout=1,x-systemd.mount-timeout=x", 0 },
		{ "x-systemd.mount-timeout", 0 },
		{ "x-systemd.mount-timeouts=1", 0 },
	};

	CHECK_EACH(row, rows)
	{
		uint64_t seen = 1;

		check.label = row->options;
		CHECK_INT(dependencies_timeout(row->options, "x-systemd.mount-timeout", &seen), 0);
		CHECK_INT(seen, row->expected);
	}
	check.label = NULL;
}

static void test_late(void)
{
	static const struct {
		const char *words, *expected;
	} rows[] = {
		{ "a.service b.target", NULL },
		{ "a.service network-online.target b.service", "network-online.target" },
		{ "a.service late.service", "late.service" },
		{ "l.servic", NULL },
	};
	char *late[] = { (char *)"l.service", (char *)"late.service", (char *)"z.service" };
	struct facts f = { .late_units = { late, 3 } };

	CHECK_EACH(row, rows)
	{
		_cleanup_dependencies_ struct plan_dependencies d = { 0 };
		const char *seen;

		check.label = row->words;
		CHECK_INT(dependencies_add_words(&d, DEPENDENCY_AFTER, row->words), 0);
		seen = late_unit_of(&f, &d);
		CHECK_STR(seen ? seen : "none", row->expected ? row->expected : "none");
	}
	check.label = NULL;
}

int main(void)
{
	test_fstab();
	test_simplify();
	test_early();
	test_timeout();
	test_late();
	return check_done();
}

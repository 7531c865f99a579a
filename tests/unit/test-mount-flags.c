/* SPDX-License-Identifier: MIT */
#include "plan/mount-flags.h"

#include "check.h"

/* As mount(8) of util-linux 2.38 leaves them; findmnt(8) shows it. */
static void test_flags(void)
{
	static const struct {
		const char *options, *expected;
	} rows[] = {
		{ "", "" },
		{ "defaults", "" },
		{ "nosuid,defaults", "nosuid" },
		{ "ro,noexec,nodev,nosuid", "nosuid,nodev,noexec,ro" },
		{ "nosuid,suid", "" },
		{ "suid,nosuid", "nosuid" },
		{ "ro,rw", "" },
		{ "user", "nosuid,nodev,noexec" },
		{ "users,exec", "nosuid,nodev" },
		{ "exec,user", "nosuid,nodev,noexec" },
		{ "user=bob", "" },
		{ "owner", "nosuid,nodev" },
		{ "group,dev", "nosuid" },
		{ "nosuidx,xnodev,size=ro", "" },
		{ ",,nodev,", "nodev" },
		/* Of util-linux 2.39. */
		{ "nosuid=recursive,nodev=vfs,noexec=fs,ro=vfs", "nosuid,nodev,noexec,ro" },
		{ "nosuid,nodev,suid=recursive,dev=", "" },
		{ "owner=bob,users=1,group=x", "" },
		{ "nosymfollow,nosuid", "nosuid,nosymfollow" },
		{ "nosymfollow,symfollow=recursive", "" },
	};

	CHECK_EACH(row, rows)
	{
		_cleanup_strbuf_ struct strbuf b = { 0 };

		check.label = row->options;
		mount_flags_add(&b, mount_flags(row->options));
		CHECK_STR(b.text ? b.text : "", row->expected);
	}
	check.label = NULL;
}

static void test_named(void)
{
	CHECK_INT(mount_flags_named("noatime"), 0);
	CHECK_INT(mount_flags_named("suid,nodev"), MOUNT_NOSUID | MOUNT_NODEV);
	CHECK_INT(mount_flags_named("rw"), MOUNT_READ_ONLY);
}

int main(void)
{
	test_flags();
	test_named();
	return check_done();
}

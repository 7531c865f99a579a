/* SPDX-License-Identifier: MIT */
#include "plan/quota.h"

#include "check.h"

static void test_options(void)
{
	static const struct {
		const char *options, *expected;
	} rows[] = {
		{ "", "" },
		{ "defaults,noatime", "" },
		{ "noquota", "" },
		{ "xquota,quotax,my_usrquota", "" },
		{ "usrquota", "usrquota" },
		{ "defaults,quota,ro", "quota" },
		{ "grpquota,x,prjquota", "grpquota,prjquota" },
		{ "uquota,gquota,pquota", "uquota,gquota,pquota" },
		{ "uqnoenforce,gqnoenforce,pqnoenforce,qnoenforce",
		  "uqnoenforce,gqnoenforce,pqnoenforce,qnoenforce" },
		{ "usrjquota=aquota.user,jqfmt=vfsv0", "usrjquota=aquota.user,jqfmt=vfsv0" },
		{ "usrjquota=,grpjquota=,prjjquota=f", "usrjquota=,grpjquota=,prjjquota=f" },
		{ "usrquota_block_hardlimit=1m,size=1g", "usrquota_block_hardlimit=1m" },
		{ ",,quota,", "quota" },
	};

	CHECK_EACH(row, rows)
	{
		_cleanup_strbuf_ struct strbuf b = { 0 };

		check.label = row->options;
		quota_add_options(&b, row->options);
		CHECK_STR(b.len ? b.text : "", row->expected);
		CHECK_INT(quota_has_options(row->options), *row->expected != '\0');
	}
	check.label = NULL;
}

int main(void)
{
	test_options();
	return check_done();
}

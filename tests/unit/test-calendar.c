/* SPDX-License-Identifier: MIT */
#include "basic/calendar.h"

#include "basic/macro.h"
#include "check.h"

/* As `systemd-analyze calendar` of systemd 252 answers. */
static void test_as_systemd(void)
{
	static const struct {
		const char *text;
		bool valid;
	} rows[] = {
		{ "", false },
		{ "Mon", true },
		{ "Mon,Wed..Fri 03:00", true },
		{ "*-*-* 4:00", true },
		{ "daily UTC", true },
		{ "daily Europe/Berlin", true },
		{ "*:0/10", true },
		{ "*/2:00", false },
		{ "0/2:00", true },
		{ "12-24", true },
		{ "*-02~03", true },
		{ "2026-1-1 1:2:3.5", true },
		{ "3", false },
		{ "Mon..", false },
		{ "Mon,", true },
		{ "Mon, 03:00", true },
		{ "Mon-Fri 3:00", true },
		{ "*-*~29", false },
		{ "*-*~28", true },
		{ "5..5:00", true },
		{ "5..4:00", false },
		{ "6..13/10:*", true },
		{ "19..21/24:0", true },
		{ "*:39:2..2", false },
		{ "73..26-*-*", true },
		{ "Sun-Mon", false },
		{ "Sun..Mon 3:00", false },
		{ "Tue..Tue", true },
		{ "*-*-5..5", true },
		{ "1..3/2:00", true },
		{ "@12345", true },
		{ "anually", true },
		{ "bi-annually", true },
		{ "03:00 UTC", true },
		{ "UTC", false },
		{ "Mon UTC", true },
		{ "03:00 CET", true },
		{ "12:00  ", false },
		{ "Fri *-*-13", true },
		{ "24:00", false },
		{ "*:60", false },
		{ "*:*:60", false },
		{ "*:*:*", true },
		{ "1969-1-1", false },
		{ "70-1-1", true },
		{ "2200-1-1", false },
		{ "*-*-*T03:00", false },
		{ "Mon 2026-*-* *:5/0", false },
		{ "*:0/60", false },
		{ "*:0/59", true },
		{ "*-*-1/31", false },
		{ "*-*-1/30", true },
		{ "*:00:00.000001", true },
		{ "MON 3:0", true },
		{ "Monday Tuesday 3:00", false },
		{ "thu..sat,mon", true },
		{ "quarterly", true },
		{ "semiannually", true },
		{ "monthly 3:00", false },
		{ "00:00:0/0.5", true },
		{ "*-*-32", false },
		{ "0-1", false },
		{ "13-1", false },
		{ "*-*-*~1", false },
		{ "*~1", true },
		{ "1~1,2", true },
		{ "*~*", true },
		{ "shutdown", false },
		{ "12:00; 13:00", false },
		{ "12:00 \xc3\xbc", false },
		{ "12:00 Europe/Berlin UTC", false },
	};

	CHECK_EACH(row, rows)
	{
		check.label = row->text;
		CHECK_INT(calendar_is_valid(row->text), row->valid);
	}
	check.label = NULL;
}

int main(void)
{
	test_as_systemd();
	return check_done();
}

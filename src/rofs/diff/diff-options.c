/* SPDX-License-Identifier: MIT */
/* rofs diff: the command line. */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "basic/macro.h"
#include "rofs/diff/diff.h"
#include "rofs/rofs.h"
#include "system/log.h"
#include "system/program.h"

static const char usage_head[] =
	"Usage: rofs diff [OPTION...] [PATH...]\n"
	"\n"
	"Show what has changed below the overlays since boot, or at and below each PATH: what the upper layers\n"
	"hold, in RAM or on a partition, and the lower layers do not.\n"
	"\n"
	"  -u, --unified      show how the text of files differs\n"
	"  --sort=KEY         sort by path (default), or by size: what uses the most RAM first\n"
	"  --all              include what rofs itself has made\n"
	"  --json             print JSON\n"
	"  -0, --null         print only the paths, each followed by a NUL byte\n"
	"  --output=COLUMNS   show these columns, separated by commas\n"
	"  --noheadings       do not print the headings\n"
	"  --raw              separate columns by one blank; blanks in them become \\x20\n"
	"  --bytes            print sizes in bytes\n"
	"  --help             show this help\n"
	"\n"
	"Columns:\n";
static const char usage_tail[] =
	"\n"
	"Exit status: 0 success, 1 something could not be read, 2 usage error or PATH not below an overlay,\n"
	"3 not root, 4 rofs is off in this boot.\n";

static void print_usage(FILE *f)
{
	fputs(usage_head, f);
	diff_help_columns(f);
	fputs(usage_tail, f);
}

static int set_sort(const char *key, struct diff_options *o)
{
	o->by_size = strcmp(key, "size") == 0;
	if (o->by_size || strcmp(key, "path") == 0)
		return 0;
	return log_error(-EINVAL, "--sort=%s: expected path or size", key);
}

static int set_form(bool json, bool null, bool text, struct diff_options *o)
{
	if (json + null + text > 1)
		return log_error(-EINVAL, "--json, --null and --unified are mutually exclusive");
	o->form = json ? DIFF_JSON : null ? DIFF_NULL : text ? DIFF_TEXT : DIFF_TABLE;
	return 0;
}

static int check_options(const struct diff_options *o)
{
	if (o->form == DIFF_TEXT && o->by_size)
		return log_error(-EINVAL, "--unified and --sort=size are mutually exclusive");
	if (o->form != DIFF_TABLE &&
	    (o->style.columns || o->style.raw || o->style.no_headings || o->bytes))
		return log_error(
			-EINVAL,
			"--output, --raw, --noheadings and --bytes apply only to the table");
	return 0;
}

int diff_options_parse(int argc, char **argv, struct diff_options *o)
{
	const char *sort = "path";
	bool json = false, null = false, text = false;
	const struct program_option options[] = {
		{ .name = "all", .given = &o->all },
		{ .name = "bytes", .given = &o->bytes },
		{ .name = "json", .given = &json },
		{ .name = "noheadings", .given = &o->style.no_headings },
		{ .name = "null", .letter = '0', .given = &null },
		{ .name = "output", .value = &o->style.columns },
		{ .name = "raw", .given = &o->style.raw },
		{ .name = "sort", .value = &sort },
		{ .name = "unified", .letter = 'u', .given = &text },
	};
	const struct program_call call = { .print_usage = print_usage,
					   .options = options,
					   .n_options = ELEMENTSOF(options),
					   .most = INT_MAX };
	int status = program_parse(argc, argv, &call);

	if (status >= 0)
		return status;
	if (set_sort(sort, o) < 0 || set_form(json, null, text, o) < 0 || check_options(o) < 0)
		return ROFS_USAGE;
	return -1;
}

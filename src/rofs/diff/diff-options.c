/* SPDX-License-Identifier: MIT */
/* rofs diff: the command line. */
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "rofs/diff/diff.h"
#include "rofs/rofs.h"

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

static void print_usage(void)
{
	fputs(usage_head, stdout);
	diff_help_columns();
	fputs(usage_tail, stdout);
}

static int set_sort(const char *key, struct diff_options *o)
{
	o->by_size = strcmp(key, "size") == 0;
	if (o->by_size || strcmp(key, "path") == 0)
		return 0;
	fprintf(stderr, "rofs: --sort=%s: expected path or size\n", key);
	return -EINVAL;
}

static int set_form(enum diff_form form, struct diff_options *o)
{
	if (o->form != DIFF_TABLE && o->form != form) {
		fputs("rofs: --json, --null and --unified are mutually exclusive\n", stderr);
		return -EINVAL;
	}
	o->form = form;
	return 0;
}

static int check_options(const struct diff_options *o)
{
	if (o->form == DIFF_TEXT && o->by_size) {
		fputs("rofs: --unified and --sort=size are mutually exclusive\n", stderr);
		return -EINVAL;
	}
	if (o->form != DIFF_TABLE &&
	    (o->style.columns || o->style.raw || o->style.no_headings || o->bytes)) {
		fputs("rofs: --output, --raw, --noheadings and --bytes apply only to the table\n",
		      stderr);
		return -EINVAL;
	}
	return 0;
}

static int set_option(int c, struct diff_options *o)
{
	switch (c) {
	case '0':
		return set_form(DIFF_NULL, o);
	case 'j':
		return set_form(DIFF_JSON, o);
	case 'u':
		return set_form(DIFF_TEXT, o);
	case 's':
		return set_sort(optarg, o);
	case 'a':
		o->all = true;
		return 0;
	case 'b':
		o->bytes = true;
		return 0;
	case 'n':
		o->style.no_headings = true;
		return 0;
	case 'o':
		o->style.columns = optarg;
		return 0;
	case 'r':
		o->style.raw = true;
		return 0;
	default:
		return -EINVAL;
	}
}

int diff_options_parse(int argc, char **argv, struct diff_options *o)
{
	static const struct option options[] = {
		{ "all", no_argument, NULL, 'a' },
		{ "bytes", no_argument, NULL, 'b' },
		{ "help", no_argument, NULL, 'h' },
		{ "json", no_argument, NULL, 'j' },
		{ "noheadings", no_argument, NULL, 'n' },
		{ "null", no_argument, NULL, '0' },
		{ "output", required_argument, NULL, 'o' },
		{ "raw", no_argument, NULL, 'r' },
		{ "sort", required_argument, NULL, 's' },
		{ "unified", no_argument, NULL, 'u' },
		{ 0 },
	};
	int c;

	while ((c = getopt_long(argc, argv, "0hu", options, NULL)) >= 0) {
		if (c == 'h')
			return print_usage(), ROFS_DONE;
		if (set_option(c, o) < 0)
			return ROFS_USAGE;
	}
	return check_options(o) < 0 ? ROFS_USAGE : -1;
}

/* SPDX-License-Identifier: MIT */
/* rofs status: is this machine protected? */
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "rofs/rofs.h"
#include "rofs/status/status-collect.h"
#include "rofs/status/status-json.h"
#include "rofs/status/status-metrics.h"
#include "rofs/status/status-show.h"
#include "system/log.h"
#include "system/program.h"

struct arguments {
	bool json;
	bool metrics;
	bool only_table;
	struct table_style style;
};

static const char usage[] =
	"Usage: rofs status [--json | --openmetrics | --output=COLUMNS]\n"
	"\n"
	"Show whether everything that rofs.conf declares is in force, and if not, why; then what is mounted,\n"
	"how full each pool is, and how many sectors have been written to each device since boot.\n"
	"\n"
	"  --json            print JSON, see rofs(8)\n"
	"  --openmetrics     print OpenMetrics text for the textfile collector of node_exporter\n"
	"  --output=COLUMNS  print only the table, with these columns, separated by commas\n"
	"  --raw             print only the table, with one space between columns\n"
	"  --noheadings      print only the table, without headings\n"
	"  --help            show this help\n"
	"\n"
	"Columns:\n";

static const char usage_end[] = "\nExit status: 0 protected, 1 partial, 2 usage, 4 off.\n";

static void print_usage(void)
{
	size_t n;
	const struct table_column *columns = status_columns(&n);

	fputs(usage, stdout);
	table_help(columns, n);
	fputs(usage_end, stdout);
}

/* Returns -1 to go on, else the exit status. */
static int parse_arguments(int argc, char **argv, struct arguments *a)
{
	static const struct option options[] = {
		{ "help", no_argument, NULL, 'h' },
		{ "json", no_argument, NULL, 'j' },
		{ "noheadings", no_argument, NULL, 'n' },
		{ "openmetrics", no_argument, NULL, 'm' },
		{ "output", required_argument, NULL, 'o' },
		{ "raw", no_argument, NULL, 'r' },
		{ 0 },
	};
	int c;

	while ((c = getopt_long(argc, argv, "hno:r", options, NULL)) >= 0) {
		if (c == 'h')
			return print_usage(), ROFS_DONE;
		if (c == 'j')
			a->json = true;
		else if (c == 'm')
			a->metrics = true;
		else if (c == 'n')
			a->only_table = a->style.no_headings = true;
		else if (c == 'r')
			a->only_table = a->style.raw = true;
		else if (c == 'o')
			a->only_table = true, a->style.columns = optarg;
		else
			return ROFS_USAGE;
	}
	if (optind == argc && a->json + a->metrics + a->only_table <= 1)
		return -1;
	fputs("rofs: status takes no arguments, and only one of --json, --openmetrics and the table options\n",
	      stderr);
	return ROFS_USAGE;
}

static int exit_status(const struct status *s)
{
	switch (s->verdict.state) {
	case VERDICT_PROTECTED:
		return ROFS_DONE;
	case VERDICT_PARTIAL:
		return ROFS_WRONG;
	case VERDICT_OFF:
		return ROFS_OFF;
	}
	return ROFS_WRONG;
}

static int print(const struct status *s, const struct arguments *a)
{
	if (a->json)
		return status_json(s);
	if (a->metrics)
		return status_metrics(s);
	return status_show(s, &a->style, a->only_table);
}

int verb_status(int argc, char **argv)
{
	_cleanup_(status_done) struct status s = { .dir = program_root(), .loaded = LOADED_INIT };
	struct arguments a = { 0 };
	int err, status;

	status = parse_arguments(argc, argv, &a);
	if (status >= 0)
		return status;

	err = status_collect(&s);
	if (err < 0)
		return log_error(ROFS_WRONG, "cannot examine the system: %s", strerror(-err));

	err = print(&s, &a);
	if (err == -EINVAL)
		return ROFS_USAGE; /* --output= names no column, and has been reported */
	if (err < 0)
		return log_error(ROFS_WRONG, "%s", strerror(-err));
	return exit_status(&s);
}

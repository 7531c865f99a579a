/* SPDX-License-Identifier: MIT */
/* rofs status: is this machine protected? */
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

static void print_usage(FILE *f)
{
	size_t n;
	const struct table_column *columns = status_columns(&n);

	fputs(usage, f);
	table_help(columns, n, f);
	fputs(usage_end, f);
}

static bool only_table(const struct arguments *a)
{
	return a->style.columns || a->style.raw || a->style.no_headings;
}

/* Returns -1 to go on, else the exit status. */
static int parse_arguments(int argc, char **argv, struct arguments *a)
{
	const struct program_option options[] = {
		{ .name = "json", .given = &a->json },
		{ .name = "noheadings", .given = &a->style.no_headings },
		{ .name = "openmetrics", .given = &a->metrics },
		{ .name = "output", .value = &a->style.columns },
		{ .name = "raw", .given = &a->style.raw },
	};
	const struct program_call call = { .print_usage = print_usage,
					   .options = options,
					   .n_options = ELEMENTSOF(options) };
	int status = program_parse(argc, argv, &call);

	if (status < 0 && a->json + a->metrics + only_table(a) > 1)
		return log_error(
			ROFS_USAGE,
			"--json, --openmetrics and the options of the table are mutually exclusive");
	return status;
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
	return status_show(s, &a->style, only_table(a));
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

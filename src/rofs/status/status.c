/* SPDX-License-Identifier: MIT */
/* rofs status: is this machine protected? */
#include "rofs/status/status.h"

#include <getopt.h>
#include <string.h>

#include "rofs/rofs.h"
#include "rofs/status/drift.h"
#include "system/observe.h"
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
	"Says whether all that rofs.conf declares is in force, and why not; then what is mounted, how full\n"
	"the pools are, and how many sectors were written to each device since boot.\n"
	"\n"
	"  --json            as JSON, see rofs(8)\n"
	"  --openmetrics     as OpenMetrics text, for the textfile collector of node_exporter\n"
	"  --output=COLUMNS  only the table, with these columns, separated by commas\n"
	"  --raw             only the table, with one blank between columns\n"
	"  --noheadings      only the table, without its headings\n"
	"  --help            this text\n"
	"\n"
	"Columns:\n";

static const char usage_end[] =
	"\nExit status: 0 protected, 1 not all that is declared is in force, 2 usage, 4 rofs is off in this boot.\n";

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
	fputs("rofs: status takes no arguments, and one of --json, --openmetrics and the options of the table\n",
	      stderr);
	return ROFS_USAGE;
}

static int add_line(char ***list, size_t *n, const char *text, size_t len)
{
	char *copy;

	if (array_reserve(*list, *n) < 0)
		return -ENOMEM;
	copy = strndup(text, len);
	if (!copy)
		return -ENOMEM;
	(*list)[(*n)++] = copy;
	return 0;
}

static int add_unseen(struct status *s, const char *text)
{
	return add_line(&s->unseen, &s->n_unseen, text, strlen(text));
}

static void free_lines(char **list, size_t n)
{
	for (size_t i = 0; i < n; i++)
		free(list[i]);
	free(list);
}

static void status_done(struct status *s)
{
	for (size_t i = 0; s->answers && i < s->verdict.n_problems; i++)
		free(s->answers[i].reason);
	for (size_t i = 0; s->partitions && i < s->loaded.plan.n_partitions; i++)
		device_done(&s->partitions[i]);
	free(s->answers);
	free(s->partitions);
	free_lines(s->drift, s->n_drift);
	free_lines(s->unseen, s->n_unseen);
	device_done(&s->root);
	units_done(&s->units);
	verdict_done(&s->verdict);
	observed_done(&s->observed);
	free(s->off);
	load_done(&s->loaded);
}

static bool is_running_system(const struct status *s)
{
	return strcmp(s->dir, "/") == 0;
}

static const char *state_of(const struct status *s, bool in_force, const char *unit,
			    const char *second)
{
	const char *state;

	if (in_force)
		return "active";
	state = units_find(&s->units, unit);
	if (second && (!state || strcmp(state, "active") == 0))
		state = units_find(&s->units, second);
	return state && strcmp(state, "active") != 0 ? state : "inactive";
}

const char *status_overlay_state(const struct status *s, size_t i)
{
	const struct plan_overlay *o = &s->loaded.plan.overlays[i];

	return state_of(s, s->verdict.overlays && s->verdict.overlays[i], o->merged_unit,
			o->bind_unit);
}

const char *status_partition_state(const struct status *s, size_t i)
{
	return state_of(s, s->verdict.partitions && s->verdict.partitions[i],
			s->loaded.plan.partitions[i].unit, NULL);
}

const char *status_persist_state(const struct status *s, size_t i)
{
	return state_of(s, s->verdict.persists && s->verdict.persists[i],
			s->loaded.plan.persists[i].unit, NULL);
}

static int ask_units(struct status *s)
{
	const struct plan *p = &s->loaded.plan;
	_cleanup_free_ const char **names =
		calloc(2 * p->n_overlays + p->n_partitions + p->n_persists + 1, sizeof(*names));
	_cleanup_free_ char *text = NULL;
	size_t n = 0;
	int err;

	if (!names)
		return -ENOMEM;
	for (size_t i = 0; i < p->n_overlays; i++) {
		names[n++] = p->overlays[i].merged_unit;
		names[n++] = p->overlays[i].bind_unit;
	}
	for (size_t i = 0; i < p->n_partitions; i++)
		if (p->partitions[i].conf)
			names[n++] = p->partitions[i].unit;
	for (size_t i = 0; i < p->n_persists; i++)
		names[n++] = p->persists[i].unit;

	err = units_ask(names, n, &s->units);
	if (err >= 0 || err == -ENOMEM)
		return err < 0 ? err : 0;
	if (asprintf(&text, "what systemd says of the units: %s", strerror(-err)) < 0)
		return text = NULL, -ENOMEM;
	return add_unseen(s, text);
}

static int find_reasons(struct status *s)
{
	bool told = false;

	for (size_t i = 0; i < s->verdict.n_problems; i++) {
		int view;

		if (s->verdict.problems[i].n_units == 0)
			continue;
		view = reason_find(&s->verdict.problems[i], &s->answers[i].reason);
		if (view == -ENOMEM)
			return view;
		if (view == JOURNAL_SEEN || told)
			continue;
		told = true;
		if (add_unseen(s, view == JOURNAL_DENIED ?
					  "why: the journal is closed to this user; root and the "
					  "group systemd-journal can read it" :
					  "why: there is no journal") < 0)
			return -ENOMEM;
	}
	return 0;
}

static int find_drift(struct status *s)
{
	_cleanup_free_ char *lines = NULL;
	int err = drift_find(&s->loaded, &lines);

	if (err < 0)
		return err;
	for (const char *t = lines; *t; t += strcspn(t, "\n") + 1)
		if (add_line(&s->drift, &s->n_drift, t, strcspn(t, "\n")) < 0)
			return -ENOMEM;
	return 0;
}

static int look_at_devices(struct status *s)
{
	const struct plan *p = &s->loaded.plan;
	int err;

	err = device_read(s->dir, observed_at(&s->observed, "/"), &s->root);
	s->partitions = calloc(p->n_partitions + 1, sizeof(*s->partitions));
	if (err < 0 || !s->partitions)
		return -ENOMEM;
	for (size_t i = 0; i < p->n_partitions && err >= 0; i++)
		if (p->partitions[i].conf)
			err = device_read(s->dir,
					  observed_mounted_at(&s->observed, p->partitions[i].where),
					  &s->partitions[i]);
	return err;
}

/* Only what is declared and should be in force is compared. */
static int judge(struct status *s)
{
	int err;

	if (s->off) {
		s->verdict.state = VERDICT_OFF;
		return 0;
	}

	err = verdict_build(&s->loaded.plan, &s->observed, &s->loaded.diag, &s->verdict);
	if (err < 0)
		return err;
	s->answers = calloc(s->verdict.n_problems + 1, sizeof(*s->answers));
	if (!s->answers)
		return -ENOMEM;
	err = find_drift(s);
	if (err < 0 || !is_running_system(s))
		return err;
	if (s->loaded.blind &&
	    add_unseen(s,
		       "rofs.conf as it lies on flash: /rofs is closed to this user, so what /etc "
		       "shows now was taken for it") < 0)
		return -ENOMEM;
	if (s->verdict.n_problems == 0)
		return 0; /* all is in force: nothing to ask for */
	err = ask_units(s);
	return err < 0 ? err : find_reasons(s);
}

static int collect(struct status *s)
{
	int err;

	err = load_plan(s->dir, &s->loaded);
	if (err >= 0)
		err = load_why_off(&s->loaded, &s->off);
	if (err >= 0)
		err = observe(s->dir, &s->loaded.plan, &s->observed);
	if (err >= 0)
		err = judge(s);
	return err < 0 ? err : look_at_devices(s);
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

int verb_status(int argc, char **argv)
{
	_cleanup_(status_done) struct status s = { .dir = program_root(), .loaded = LOADED_INIT };
	struct arguments a = { 0 };
	int err, status;

	status = parse_arguments(argc, argv, &a);
	if (status >= 0)
		return status;

	err = collect(&s);
	if (err < 0) {
		fprintf(stderr, "rofs: looking at the system: %s\n", strerror(-err));
		return ROFS_WRONG;
	}

	if (a.json)
		err = status_json(&s);
	else if (a.metrics)
		err = status_metrics(&s);
	else
		err = status_show(&s, &a.style, a.only_table);
	if (err == -EINVAL)
		return ROFS_USAGE; /* --output= names no column; told */
	if (err < 0) {
		fprintf(stderr, "rofs: %s\n", strerror(-err));
		return ROFS_WRONG;
	}
	return exit_status(&s);
}

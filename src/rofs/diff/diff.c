/* SPDX-License-Identifier: MIT */
/* rofs diff: what the upper layers hold that the flash does not. */
#include "rofs/diff/diff.h"

#include <fcntl.h>
#include <getopt.h>
#include <string.h>

#include "basic/mount-point.h"
#include "basic/path.h"
#include "basic/text.h"
#include "layer/made-by-rofs.h"
#include "rofs/diff/diff-paths.h"
#include "rofs/rofs.h"
#include "system/load.h"
#include "system/program.h"

/* One run. */
struct diff {
	struct diff_options options;
	struct loaded loaded;
	struct diff_paths paths;
	struct upper_layer *layers;	    /* one for each overlay; path NULL: not in force */
	const struct plan_overlay *overlay; /* that is being walked */
	struct diff_rows found;
	struct output output;
	struct diff_text text;
	size_t hidden; /* rows left out as made by rofs */
	bool wrong;    /* something could not be read; told */
};

static const char usage_head[] =
	"Usage: rofs diff [OPTION...] [PATH...]\n"
	"\n"
	"Shows what has changed below the overlays since boot, or at and below PATH: what the RAM, or the overlay's\n"
	"partition, holds that is not on flash.\n"
	"\n"
	"  -u, --unified      how the text of files differs\n"
	"  --sort=KEY         path (default), or size: what takes the most RAM comes first\n"
	"  --all              also what rofs has made itself\n"
	"  --json             for programs\n"
	"  -0, --null         paths only, a NUL behind each\n"
	"  --output=COLUMNS   these columns, separated by commas\n"
	"  --noheadings       no line of headings\n"
	"  --raw              one blank between columns; blanks in them as \\x20\n"
	"  --bytes            sizes in bytes\n"
	"  --help             this text\n"
	"\n"
	"Columns:\n";
static const char usage_tail[] =
	"\n"
	"Exit status: 0 done, 1 something could not be read, 2 usage or a PATH below no overlay, 3 not root,\n"
	"4 rofs is off in this boot.\n";

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
	fprintf(stderr, "rofs: --sort=%s; expected path or size\n", key);
	return -EINVAL;
}

static int set_form(enum diff_form form, struct diff_options *o)
{
	if (o->form != DIFF_TABLE && o->form != form) {
		fputs("rofs: only one of --json, --null and --unified can be had\n", stderr);
		return -EINVAL;
	}
	o->form = form;
	return 0;
}

static int check_options(const struct diff_options *o)
{
	if (o->form == DIFF_TEXT && o->by_size) {
		fputs("rofs: --unified is in the order of paths; --sort=size cannot be had\n",
		      stderr);
		return -EINVAL;
	}
	if (o->form != DIFF_TABLE &&
	    (o->style.columns || o->style.raw || o->style.no_headings || o->bytes)) {
		fputs("rofs: --output, --raw, --noheadings and --bytes are for the table only\n",
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

/* Returns -1 to go on, else the exit status. */
static int parse_arguments(int argc, char **argv, struct diff_options *o)
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

static void diff_done(struct diff *d)
{
	for (size_t i = 0; i < d->found.n; i++)
		free(d->found.rows[i].path);
	free(d->found.rows);
	for (size_t i = 0; d->layers && i < d->loaded.plan.n_overlays; i++)
		upper_layer_done(&d->layers[i]);
	free(d->layers);
	diff_paths_done(&d->paths);
	load_done(&d->loaded);
}

/* A mount point that systemd had to make, and what is above it. */
static bool is_mount_point(const struct plan *p, const struct upper_entry *e)
{
	if (e->change.kind != CHANGE_ADDED || !S_ISDIR(e->change.type))
		return false;
	for (size_t i = 0; i < p->n_persists; i++)
		if (path_is_at_or_below(p->persists[i].path, e->path))
			return true;
	return false;
}

static int make_row(const struct diff *d, const struct upper_entry *e, struct diff_row *ret)
{
	bool there = e->change.kind != CHANGE_DELETED, dir = S_ISDIR(e->change.type);

	int empty = there && dir ? plan_overlay_starts_empty(d->overlay, e->path) : 0;

	if (empty < 0)
		return empty;
	*ret = (struct diff_row){
		.path = (char *)e->path, /* as the walk has it, for now */
		.overlay = d->overlay,
		.change = e->change,
		.size = there && !dir ? (uint64_t)e->upper->st_size : 0,
		.used = there ? (uint64_t)e->upper->st_blocks * 512 : 0, /* stat(2) */
		.links = there && !dir ? e->upper->st_nlink : 1,
		.device = e->upper->st_dev,
		.inode = e->upper->st_ino,
		.starts_empty = empty > 0,
		.by_rofs = made_by_rofs(e) || is_mount_point(&d->loaded.plan, e),
	};
	return 0;
}

static int keep(struct diff_rows *rows, struct diff_row *row)
{
	int err = array_reserve(rows->rows, rows->n);

	if (err < 0)
		return err;
	row->path = strdup(row->path);
	if (!row->path)
		return -ENOMEM;
	rows->rows[rows->n++] = *row;
	return 0;
}

/* Is this an overlay of its own, whose changes are in its own upper? */
static bool is_other_overlay(const struct diff *d, const char *path)
{
	for (size_t i = 0; i < d->loaded.plan.n_overlays; i++)
		if (d->layers[i].path && &d->loaded.plan.overlays[i] != d->overlay &&
		    strcmp(d->layers[i].path, path) == 0)
			return true;
	return false;
}

static bool wants(void *data, const char *path)
{
	const struct diff *d = data;

	return diff_paths_leads(&d->paths, path) && !is_other_overlay(d, path);
}

static bool hides(const struct change *c)
{
	return c->kind == CHANGE_DELETED || c->kind == CHANGE_REPLACED || c->opaque;
}

static int entry(void *data, const struct upper_entry *e)
{
	struct diff *d = data;
	struct diff_row row;
	int err;

	if (!diff_paths_covers(&d->paths, e->path, hides(&e->change)))
		return 0;
	err = make_row(d, e, &row);
	if (err < 0)
		return err;
	if (row.by_rofs && !d->options.all) {
		d->hidden++;
		return 0;
	}
	return d->options.form == DIFF_TEXT ? diff_text_print(&d->text, e, &row) :
					      keep(&d->found, &row);
}

static void problem(void *data, const char *path, int err)
{
	struct diff *d = data;
	_cleanup_free_ char *shown = NULL;

	d->wrong = true;
	if (text_escape(path, &shown) == 0)
		fprintf(stderr, "rofs: %s: %s\n", shown, strerror(-err));
}

static int open_layers(struct diff *d)
{
	const struct plan *p = &d->loaded.plan;

	d->layers = calloc(p->n_overlays + 1, sizeof(*d->layers));
	if (!d->layers)
		return -ENOMEM;
	for (size_t i = 0; i < p->n_overlays; i++) {
		int err;

		d->layers[i] = (struct upper_layer){ NULL, -1, -1 };
		err = upper_layer_open(d->loaded.root.root_fd, p, &p->overlays[i], &d->layers[i]);
		if (err < 0 && err != -ENOENT)
			problem(d, p->overlays[i].path, err);
	}
	return 0;
}

static void tell_missing_overlay(struct diff *d, const struct plan_overlay *o)
{
	if (!diff_paths_leads(&d->paths, o->path))
		return;
	fprintf(stderr, "rofs: the overlay on %s is not in force: systemctl status %s\n", o->path,
		o->merged_unit);
	d->wrong = true;
}

static int walk(struct diff *d)
{
	const struct upper_visitor v = { wants, entry, problem, d };

	for (size_t i = 0; i < d->loaded.plan.n_overlays; i++) {
		int err = 0;

		d->overlay = &d->loaded.plan.overlays[i];
		if (!d->layers[i].path)
			tell_missing_overlay(d, d->overlay);
		else if (diff_paths_leads(&d->paths, d->overlay->path))
			err = upper_walk(&d->layers[i], &v);
		if (err < 0)
			return err;
	}
	return 0;
}

/* A PATH at which nothing was found may be misspelt. */
static void tell_missing_paths(struct diff *d)
{
	for (size_t i = 0; i < d->paths.n; i++) {
		const struct diff_path *p = &d->paths.paths[i];
		struct stat st;

		if (p->found || strcmp(p->path, "/") == 0 ||
		    fstatat(d->loaded.root.root_fd, p->path + 1, &st, AT_SYMLINK_NOFOLLOW) == 0)
			continue;
		problem(d, p->path, -errno);
	}
}

static int compare_inodes(const void *a, const void *b)
{
	const struct diff_row *x = *(const struct diff_row *const *)a,
			      *y = *(const struct diff_row *const *)b;

	if (x->device != y->device)
		return x->device < y->device ? -1 : 1;
	if (x->inode != y->inode)
		return x->inode < y->inode ? -1 : 1;
	return x < y ? -1 : x > y;
}

/* Marks all names of a file but the first, so that the total counts it once. */
static int mark_links(struct diff_rows *rows)
{
	_cleanup_free_ struct diff_row **linked = calloc(rows->n + 1, sizeof(*linked));
	size_t n = 0;

	if (!linked)
		return -ENOMEM;
	for (size_t i = 0; i < rows->n; i++)
		if (rows->rows[i].links > 1)
			linked[n++] = &rows->rows[i];
	qsort((void *)linked, n, sizeof(*linked), compare_inodes);
	for (size_t i = 1; i < n; i++)
		linked[i]->counted = linked[i]->device == linked[i - 1]->device &&
				     linked[i]->inode == linked[i - 1]->inode;
	return 0;
}

static int compare_paths(const void *a, const void *b)
{
	const struct diff_row *x = a, *y = b;

	return path_compare(x->path, y->path);
}

static int compare_sizes(const void *a, const void *b)
{
	const struct diff_row *x = a, *y = b;

	if (x->used != y->used)
		return x->used > y->used ? -1 : 1;
	return path_compare(x->path, y->path);
}

static int show(struct diff *d)
{
	struct diff_rows *rows = &d->found;
	int err = mark_links(rows);

	if (err < 0)
		return err;
	/* The walk has sorted by path, but overlays may lie in each other. */
	if (rows->n > 0)
		qsort(rows->rows, rows->n, sizeof(*rows->rows),
		      d->options.by_size ? compare_sizes : compare_paths);
	return diff_print(rows, &d->options, d->hidden, &d->output);
}

static int walk_and_show(struct diff *d)
{
	bool page = d->options.form == DIFF_TABLE || d->options.form == DIFF_TEXT;
	int err;

	output_open(&d->output, page);
	d->text.output = &d->output;
	err = walk(d);
	if (err >= 0 && d->options.form != DIFF_TEXT)
		err = show(d);
	output_close(&d->output);

	if (err == -EINVAL)
		return ROFS_USAGE;
	if (err < 0) {
		fprintf(stderr, "rofs: %s\n", strerror(-err));
		return ROFS_WRONG;
	}
	tell_missing_paths(d);
	return d->wrong || d->text.failed ? ROFS_WRONG : ROFS_DONE;
}

/* Returns -1 to go on, else the exit status. */
static int is_off(struct diff *d)
{
	_cleanup_free_ char *why = NULL;

	if (load_why_off(&d->loaded, &why) < 0)
		return ROFS_WRONG;
	if (why) {
		fprintf(stderr, "rofs: rofs is off in this boot: %s\n", why);
		return ROFS_OFF;
	}

	if (!mount_point_at(d->loaded.root.root_fd, "rofs")) {
		fputs("rofs: rofs is off in this boot: /rofs is not mounted; what rofs.conf declares comes into force at boot\n",
		      stderr);
		return ROFS_OFF;
	}
	return -1;
}

static int refuse(void)
{
	fputs("rofs: the layers are for root only; run rofs diff as root\n", stderr);
	return ROFS_REFUSED;
}

static int run(struct diff *d, size_t n_paths, char **paths)
{
	const char *root = program_root();
	int err, status;

	if (geteuid() != 0)
		return refuse();
	err = load_plan(root, &d->loaded);
	if (err < 0) {
		fprintf(stderr, "rofs: %s: %s\n", root, strerror(-err));
		return ROFS_WRONG;
	}
	if (rootfs_is_closed(&d->loaded.root))
		return refuse(); /* root in a user namespace only */
	status = is_off(d);
	if (status >= 0)
		return status;
	if (open_layers(d) < 0) {
		fputs("rofs: out of memory\n", stderr);
		return ROFS_WRONG;
	}
	err = diff_paths_read(&d->loaded, paths, n_paths, &d->paths);
	if (err < 0)
		return err == -EINVAL ? ROFS_USAGE : ROFS_WRONG;
	return walk_and_show(d);
}

int verb_diff(int argc, char **argv)
{
	_cleanup_(diff_done) struct diff d = { .loaded = LOADED_INIT };
	int status = parse_arguments(argc, argv, &d.options);

	if (status >= 0)
		return status;
	return run(&d, (size_t)(argc - optind), argv + optind);
}

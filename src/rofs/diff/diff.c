/* SPDX-License-Identifier: MIT */
/* rofs diff: what the upper layers hold and the lower layers do not. */
#include "rofs/diff/diff.h"

#include <fcntl.h>
#include <getopt.h>
#include <string.h>

#include "basic/mount-point.h"
#include "basic/text.h"
#include "rofs/diff/diff-paths.h"
#include "rofs/rofs.h"
#include "system/load.h"
#include "system/program.h"

/* One run. */
struct diff {
	struct diff_options options;
	struct loaded loaded;
	struct diff_paths paths;
	struct upper_layer *layers;	    /* one for each overlay; path NULL: not mounted */
	const struct plan_overlay *overlay; /* the one that is being walked */
	struct diff_rows found;
	struct output output;
	struct diff_text text;
	size_t hidden; /* rows left out as made by rofs */
	bool wrong;    /* something could not be read; reported */
};

static void diff_done(struct diff *d)
{
	diff_rows_done(&d->found);
	for (size_t i = 0; d->layers && i < d->loaded.plan.n_overlays; i++)
		upper_layer_done(&d->layers[i]);
	free(d->layers);
	diff_paths_done(&d->paths);
	load_done(&d->loaded);
}

/* Is this the path of another overlay, which has its changes in its own upper layer? */
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
	err = diff_row_make(&d->loaded.plan, d->overlay, e, &row);
	if (err < 0)
		return err;
	if (row.by_rofs && !d->options.all) {
		d->hidden++;
		return 0;
	}
	return d->options.form == DIFF_TEXT ? diff_text_print(&d->text, e, &row) :
					      diff_rows_keep(&d->found, &row);
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

static void report_missing_overlay(struct diff *d, const struct plan_overlay *o)
{
	if (!diff_paths_leads(&d->paths, o->path))
		return;
	fprintf(stderr, "rofs: the overlay on %s is not mounted; see systemctl status %s\n",
		o->path, o->merged_unit);
	d->wrong = true;
}

static int walk(struct diff *d)
{
	const struct upper_visitor v = { wants, entry, problem, d };

	for (size_t i = 0; i < d->loaded.plan.n_overlays; i++) {
		int err = 0;

		d->overlay = &d->loaded.plan.overlays[i];
		if (!d->layers[i].path)
			report_missing_overlay(d, d->overlay);
		else if (diff_paths_leads(&d->paths, d->overlay->path))
			err = upper_walk(&d->layers[i], &v);
		if (err < 0)
			return err;
	}
	return 0;
}

/* A PATH without changes may be misspelt. */
static void report_missing_paths(struct diff *d)
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

static int show(struct diff *d)
{
	int err = diff_rows_sort(&d->found, d->options.by_size);

	return err < 0 ? err : diff_print(&d->found, &d->options, d->hidden, &d->output);
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
	report_missing_paths(d);
	return d->wrong || d->text.failed ? ROFS_WRONG : ROFS_DONE;
}

/* Returns -1 to go on, else the exit status. */
static int check_off(struct diff *d)
{
	_cleanup_free_ char *why = NULL;

	if (load_why_off(&d->loaded, &why) < 0)
		return ROFS_WRONG;
	if (why) {
		fprintf(stderr, "rofs: rofs is off in this boot: %s\n", why);
		return ROFS_OFF;
	}

	if (!mount_point_at(d->loaded.root.root_fd, "rofs")) {
		fputs("rofs: rofs is off in this boot: /rofs is not mounted; rofs.conf takes effect at the next boot\n",
		      stderr);
		return ROFS_OFF;
	}
	return -1;
}

static int refuse(void)
{
	fputs("rofs: only root can read the layers; run rofs diff as root\n", stderr);
	return ROFS_REFUSED;
}

/* Loads all that is needed, but for the paths. Returns -1 to go on, else the exit status. */
static int load(struct diff *d)
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
		return refuse(); /* root of a user namespace only */
	status = check_off(d);
	if (status >= 0)
		return status;
	if (open_layers(d) < 0) {
		fputs("rofs: out of memory\n", stderr);
		return ROFS_WRONG;
	}
	return -1;
}

static int run(struct diff *d, size_t n_paths, char **paths)
{
	int err, status = load(d);

	if (status >= 0)
		return status;
	err = diff_paths_read(&d->loaded, paths, n_paths, &d->paths);
	if (err < 0)
		return err == -EINVAL ? ROFS_USAGE : ROFS_WRONG;
	return walk_and_show(d);
}

int verb_diff(int argc, char **argv)
{
	_cleanup_(diff_done) struct diff d = { .loaded = LOADED_INIT };
	int status = diff_options_parse(argc, argv, &d.options);

	if (status >= 0)
		return status;
	return run(&d, (size_t)(argc - optind), argv + optind);
}

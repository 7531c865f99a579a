/* SPDX-License-Identifier: MIT */
/* rofs diff: what the upper layers hold and the lower layers do not. */
#include "rofs/diff/diff.h"

#include <fcntl.h>
#include <getopt.h>
#include <string.h>

#include "basic/mount-point.h"
#include "basic/path.h"
#include "basic/text.h"
#include "rofs/diff/diff-paths.h"
#include "rofs/rofs.h"
#include "system/load.h"
#include "system/log.h"
#include "system/program.h"

/* One run. */
struct diff {
	struct diff_options options;
	struct loaded loaded;
	struct diff_paths paths;
	struct upper_layer *layers;	    /* one for each overlay; path NULL: not mounted */
	const struct plan_overlay *overlay; /* the one that is being walked */
	size_t next; /* overlay to be walked; they are in the order of paths */
	struct diff_rows found;
	struct output output;
	struct diff_text text;
	struct diff_stream stream;
	size_t hidden; /* rows left out as made by rofs */
	size_t unread; /* rows of what could not be read */
	bool wrong;    /* something could not be read; reported */
};

static void diff_done(struct diff *d)
{
	diff_rows_done(&d->found);
	path_text_done(&d->text.path);
	diff_stream_done(&d->stream);
	for (size_t i = 0; d->layers && i < d->loaded.plan.n_overlays; i++)
		upper_layer_done(&d->layers[i]);
	free(d->layers);
	diff_paths_done(&d->paths);
	load_done(&d->loaded);
}

static int compare_overlay(const void *path, const void *overlay)
{
	return path_compare(path, ((const struct plan_overlay *)overlay)->path);
}

/* Is this the path of another overlay, which has its changes in its own upper layer? */
static bool is_other_overlay(const struct diff *d, const char *path)
{
	const struct plan_overlay *all = d->loaded.plan.overlays, *found;

	found = bsearch(path, all, d->loaded.plan.n_overlays, sizeof(*all), compare_overlay);
	return found && found != d->overlay && d->layers[found - all].path;
}

static bool wants(void *data, const char *path)
{
	const struct diff *d = data;

	return diff_paths_leads(&d->paths, path) && !is_other_overlay(d, path);
}

static bool hides(const struct change *c)
{
	return c->kind == CHANGE_DELETED || c->kind == CHANGE_REPLACED ||
	       c->kind == CHANGE_UNKNOWN || c->opaque;
}

static void problem(struct diff *d, const char *path, const char *what)
{
	_cleanup_free_ char *shown = NULL;

	d->wrong = true;
	if (text_escape(path, &shown) == 0)
		log_error(0, "%s: %s", shown, what);
}

/* The row says it, except where there are only paths. */
static int report_unread(struct diff *d, const struct diff_row *row, const char *path)
{
	_cleanup_free_ char *note = NULL;

	d->unread++;
	d->wrong = true;
	if (d->options.form != DIFF_NULL)
		return 0;
	if (diff_note(row, &note) < 0)
		return -ENOMEM;
	problem(d, path, note);
	return 0;
}

/* To sort them, or to see how wide the columns must be. */
static bool must_keep(const struct diff_options *o)
{
	return o->by_size || o->form == DIFF_TABLE;
}

static int show_entry(struct diff *d, const struct upper_entry *e)
{
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
	err = e->change.kind == CHANGE_UNKNOWN ? report_unread(d, &row, e->path) : 0;
	if (err < 0)
		return err;
	if (d->options.form == DIFF_TEXT)
		return diff_text_print(&d->text, e, &row);
	return must_keep(&d->options) ? diff_rows_keep(&d->found, &row) :
					diff_stream_row(&d->stream, &row);
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
			problem(d, p->overlays[i].path, strerror(-err));
	}
	return 0;
}

static void report_missing_overlay(struct diff *d, const struct plan_overlay *o)
{
	if (!diff_paths_leads(&d->paths, o->path))
		return;
	log_error(0, "the overlay on %s is not mounted; see systemctl status %s", o->path,
		  o->merged_unit);
	d->wrong = true;
}

static int walk_next(struct diff *d);

/* An overlay below this one is walked when its path is due: so all rows are in the order of paths. */
static int entry(void *data, const struct upper_entry *e)
{
	struct diff *d = data;
	int err = 0;

	while (err >= 0 && d->next < d->loaded.plan.n_overlays &&
	       path_compare(d->loaded.plan.overlays[d->next].path, e->path) < 0)
		err = walk_next(d);
	return err < 0 ? err : show_entry(d, e);
}

static int walk_next(struct diff *d)
{
	const struct upper_visitor v = { .wants = wants, .entry = entry, .data = d };
	const struct plan_overlay *outer = d->overlay, *o = &d->loaded.plan.overlays[d->next];
	const struct upper_layer *layer = &d->layers[d->next++];
	int err = 0;

	d->overlay = o;
	if (!layer->path)
		report_missing_overlay(d, o);
	else if (diff_paths_leads(&d->paths, o->path))
		err = upper_walk(layer, &v);
	d->overlay = outer;
	return err;
}

static int walk(struct diff *d)
{
	int err = 0;

	while (err >= 0 && d->next < d->loaded.plan.n_overlays)
		err = walk_next(d);
	return err;
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
		problem(d, p->path, strerror(errno));
	}
}

static void report_unread_rows(const struct diff *d)
{
	if (d->unread > 0 && d->options.form != DIFF_NULL)
		log_error(0, "%zu path%s could not be read; see the rows marked ?", d->unread,
			  d->unread == 1 ? "" : "s");
}

/* What was kept. */
static int show(struct diff *d)
{
	int err = diff_rows_finish(&d->found, d->options.by_size);

	if (err >= 0 && d->options.form == DIFF_TABLE)
		return diff_table_print(&d->found, &d->options, d->hidden, &d->output);
	for (size_t i = 0; i < d->found.n && err >= 0; i++)
		err = diff_stream_row(&d->stream, &d->found.rows[i]);
	return err;
}

/* What was found is shown, however far the walk came. */
static int walk_and_print(struct diff *d, int *ret_walked)
{
	bool streams = d->options.form == DIFF_JSON || d->options.form == DIFF_NULL;
	int err, ended = 0;

	d->text.output = &d->output;
	d->stream.as_json = d->options.form == DIFF_JSON;
	if (streams)
		diff_stream_begin(&d->stream);
	*ret_walked = walk(d);
	err = must_keep(&d->options) ? show(d) : 0;
	if (streams)
		ended = diff_stream_end(&d->stream);
	return err < 0 ? err : ended;
}

static int walk_and_show(struct diff *d)
{
	bool page = d->options.form == DIFF_TABLE || d->options.form == DIFF_TEXT;
	int walked, err;

	output_open(&d->output, page);
	err = walk_and_print(d, &walked);
	output_close(&d->output);

	if (err == -EINVAL)
		return ROFS_USAGE;
	if (walked < 0 || err < 0)
		return log_error(ROFS_WRONG, "%s; the list of changes is incomplete",
				 strerror(walked < 0 ? -walked : -err));
	report_unread_rows(d);
	report_missing_paths(d);
	return d->wrong || d->text.failed ? ROFS_WRONG : ROFS_DONE;
}

/* Returns -1 to go on, else the exit status. */
static int check_off(struct diff *d)
{
	_cleanup_free_ char *why = NULL;

	if (load_why_off(&d->loaded, &why) < 0)
		return ROFS_WRONG;
	if (why)
		return log_error(ROFS_OFF, "rofs is off in this boot: %s", why);
	if (!mount_point_at(d->loaded.root.root_fd, "rofs"))
		return log_error(
			ROFS_OFF,
			"rofs is off in this boot: /rofs is not mounted; rofs.conf takes effect at the next boot");
	return -1;
}

static int refuse(void)
{
	return log_error(ROFS_REFUSED, "only root can read the layers; run rofs diff as root");
}

/* Loads all that is needed, but for the paths. Returns -1 to go on, else the exit status. */
static int load(struct diff *d)
{
	const char *root = program_root();
	int err, status;

	if (geteuid() != 0)
		return refuse();
	err = load_plan(root, &d->loaded);
	if (err < 0)
		return log_error(ROFS_WRONG, "%s: %s", root, strerror(-err));
	if (rootfs_is_closed(&d->loaded.root))
		return refuse(); /* root of a user namespace only */
	status = check_off(d);
	if (status >= 0)
		return status;
	if (open_layers(d) < 0)
		return log_error(ROFS_WRONG, "out of memory");
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

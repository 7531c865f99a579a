/* SPDX-License-Identifier: MIT */
/* rofs diff: what the upper layers hold and the lower layers do not. */
#include "rofs/diff/diff.h"

#include <fcntl.h>
#include <getopt.h>
#include <string.h>

#include "layer/opaque.h"
#include "rofs/changes/changes.h"
#include "rofs/rofs.h"
#include "system/log.h"
#include "transaction/kept.h"

/* One run. */
struct diff {
	struct diff_options options;
	struct changes changes;
	struct diff_rows found;
	struct output output;
	struct diff_text text;
	struct diff_stream stream;
	size_t hidden;	  /* rows left out as made by rofs */
	size_t unread;	  /* rows of what could not be read */
	struct kept kept; /* read when the first row asks for it */
	bool has_kept;
};

static void diff_done(struct diff *d)
{
	diff_rows_done(&d->found);
	path_text_done(&d->text.path);
	diff_stream_done(&d->stream);
	kept_done(&d->kept);
	changes_done(&d->changes);
}

/* The row says it, except where there are only paths. */
static int report_unread(struct diff *d, const struct diff_row *row, const char *path)
{
	_cleanup_free_ char *note = NULL;

	d->unread++;
	d->changes.wrong = true;
	if (d->options.form != DIFF_NULL)
		return 0;
	if (diff_note(row, &note) < 0)
		return -ENOMEM;
	changes_problem(&d->changes, path, note);
	return 0;
}

/* To sort them, or to see how wide the columns must be. */
static bool must_keep(const struct diff_options *o)
{
	return o->by_size || o->form == DIFF_TABLE;
}

/* Is what the upper has the same as in the lower, perhaps since a commit? */
static bool may_be_on_flash(const struct upper_entry *e, const struct diff_row *row)
{
	if (e->change.kind == CHANGE_COPIED)
		return true;
	return e->change.kind == CHANGE_MODIFIED && e->change.opaque && !e->change.attributes &&
	       !row->starts_empty;
}

/* Earlier transactions that cannot be read are none. */
static int read_kept(struct diff *d)
{
	if (!d->has_kept && kept_read_records(d->changes.loaded.root.root_fd, &d->kept) == -ENOMEM)
		return -ENOMEM;
	d->has_kept = true;
	return 0;
}

/* A large file is read only if a transaction may have made it the same. */
static bool compares(void *data, const char *path)
{
	struct diff *d = data;

	return read_kept(d) >= 0 && kept_find(&d->kept, path);
}

/* A file that is on flash by now is not a change, although its copy in RAM stays until the next boot. */
static int set_on_flash(struct diff *d, const struct upper_entry *e, struct diff_row *row)
{
	const struct record *r;

	if (!may_be_on_flash(e, row) || (e->change.opaque && opaque_hides(e) != 0))
		return 0;
	row->change.kind = CHANGE_COPIED;
	if (read_kept(d) < 0)
		return -ENOMEM;
	r = kept_find(&d->kept, e->path);
	row->on_flash = r ? r->time : 0;
	return 0;
}

static int show_entry(void *data, const struct plan_overlay *o, const struct upper_entry *e,
		      bool asked)
{
	struct diff *d = data;
	struct diff_row row;
	int err;

	if (!asked)
		return 0;
	err = diff_row_make(&d->changes.loaded.plan, o, e, &row);
	if (err >= 0)
		err = set_on_flash(d, e, &row);
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

/* A PATH without changes may be misspelt. */
static void report_missing_paths(struct diff *d)
{
	struct changes *c = &d->changes;

	for (size_t i = 0; i < c->paths.n; i++) {
		const struct asked_path *p = &c->paths.paths[i];
		struct stat st;

		if (p->found || strcmp(p->path, "/") == 0 ||
		    fstatat(c->loaded.root.root_fd, p->path + 1, &st, AT_SYMLINK_NOFOLLOW) == 0)
			continue;
		changes_problem(c, p->path, strerror(errno));
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
	const struct changes_visitor v = { .entry = show_entry, .data = d, .compares = compares };
	bool streams = d->options.form == DIFF_JSON || d->options.form == DIFF_NULL;
	int err, ended = 0;

	d->text.output = &d->output;
	d->stream.as_json = d->options.form == DIFF_JSON;
	if (streams)
		diff_stream_begin(&d->stream);
	*ret_walked = changes_walk(&d->changes, &v);
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
	return d->changes.wrong || d->text.failed ? ROFS_WRONG : ROFS_DONE;
}

static int run(struct diff *d, size_t n_paths, char **paths)
{
	int err, status = changes_load(&d->changes, "diff");

	if (status >= 0)
		return status;
	err = asked_paths_read(&d->changes.loaded, paths, n_paths, &d->changes.paths);
	if (err < 0)
		return err == -EINVAL ? ROFS_USAGE : ROFS_WRONG;
	return walk_and_show(d);
}

int verb_diff(int argc, char **argv)
{
	_cleanup_(diff_done) struct diff d = { .changes = CHANGES_INIT };
	int status = diff_options_parse(argc, argv, &d.options);

	if (status >= 0)
		return status;
	return run(&d, (size_t)(argc - optind), argv + optind);
}

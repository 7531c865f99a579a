/* SPDX-License-Identifier: MIT */
/* rofs plan: the units that the generator would write, by the same code. */
#include <string.h>

#include "basic/strbuf.h"
#include "basic/text.h"
#include "rofs/rofs.h"
#include "rofs/ui/output.h"
#include "system/emit.h"
#include "system/load.h"
#include "system/log.h"
#include "system/own-dir.h"
#include "system/program.h"
#include "unit/unit.h"

static const char usage[] =
	"Usage: rofs plan [--root=DIR] [--output=DIR]\n"
	"\n"
	"Shows the units that rofs-generator writes for this configuration in an ordinary boot.\n"
	"\n"
	"  --root=DIR     read the system below DIR, such as an image; default: $ROFS_ROOT or /\n"
	"  --output=DIR   write the units into DIR, a new or empty directory, instead of showing them\n"
	"  --help         show this help\n"
	"\n"
	"Exit status: 0 done, 1 mistakes in the configuration (the rest is shown) or a failure, 2 usage.\n";

/* Besides the units: as a compiler's, the lines begin with FILE:LINE:. */
static const struct log messages = { .fd = STDERR_FILENO, .form = LOG_FORM_PLAIN };

static int header(const struct unit_file *u, char **ret)
{
	_cleanup_strbuf_ struct strbuf b = { 0 };

	text_add_printable(&b, u->name);
	if (u->link) {
		strbuf_add(&b, " -> ");
		text_add_printable(&b, u->text);
	}
	return strbuf_take(&b, ret);
}

static int print_file(const struct unit_file *u, const struct output *o, bool first)
{
	_cleanup_free_ char *line = NULL;
	int err = header(u, &line);

	if (err < 0)
		return err;
	printf("%s%s# %s%s\n", first ? "" : "\n", output_colour(o, COLOUR_BOLD), line,
	       output_colour(o, COLOUR_NONE));
	return u->link ? 0 : output_lines(o, u->text);
}

static int show(const struct unit_set *set)
{
	_cleanup_output_ struct output o;

	output_open(&o, true);
	for (size_t i = 0; i < set->n_files; i++)
		if (print_file(&set->files[i], &o, i == 0) < 0)
			return log_error(ROFS_WRONG, "out of memory");
	return ROFS_DONE;
}

static int write_into(const char *dir, const struct unit_set *set)
{
	struct emit_failure failure = { 0 };
	const char *why;
	_cleanup_close_ int fd = own_dir_open(dir, &why);
	int err = fd;

	if (fd < 0 && why)
		return log_error(ROFS_WRONG, OWN_DIR_REFUSED, dir, why);
	if (fd >= 0)
		err = emit_at(fd, set, &failure);
	if (err < 0)
		return log_error(ROFS_WRONG, "%s%s%s: %s; no unit was written", dir,
				 failure.name ? "/" : "", failure.name ? failure.name : "",
				 strerror(-err));
	return ROFS_DONE;
}

static int render(const struct loaded *l, const char *dir)
{
	_cleanup_unit_set_ struct unit_set set = { 0 };
	int err = units_render(&l->plan, ROFS_LIBEXEC_DIR, &set);

	if (err < 0)
		return log_error(ROFS_WRONG, "rendering the units: %s", strerror(-err));
	return dir ? write_into(dir, &set) : show(&set);
}

/* @off: why rofs is off in this boot; NULL: it is not */
static int plan(const struct loaded *l, const char *off, const char *dir)
{
	log_diag(&messages, &l->diag);
	if (!l->conf.declared) {
		log_line(&messages, LOG_LEVEL_INFO,
			 "rofs.conf declares nothing: the generator writes no units");
		return ROFS_DONE;
	}
	if (off)
		log_line(&messages, LOG_LEVEL_INFO,
			 "rofs is off in this boot (%s); these are the units of an ordinary boot",
			 off);
	return render(l, dir);
}

int verb_plan(int argc, char **argv)
{
	const char *root = program_root(), *dir = NULL;
	const struct program_option options[] = {
		{ .name = "output", .value = &dir },
		{ .name = "root", .value = &root },
	};
	const struct program_call call = { .usage = usage,
					   .options = options,
					   .n_options = ELEMENTSOF(options) };
	_cleanup_loaded_ struct loaded l = LOADED_INIT;
	_cleanup_free_ char *off = NULL;
	int err, status;

	status = program_parse(argc, argv, &call);
	if (status >= 0)
		return status;

	err = load_plan(root, &l);
	if (err >= 0)
		err = load_why_off(&l, &off);
	if (err < 0)
		return log_error(ROFS_WRONG, "%s: %s", root, strerror(-err));

	status = plan(&l, off, dir);
	return status == ROFS_DONE && l.diag.n_errors > 0 ? ROFS_WRONG : status;
}

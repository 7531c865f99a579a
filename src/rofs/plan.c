/* SPDX-License-Identifier: MIT */
/* rofs plan: the units that the generator would write, by the same code. */
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "basic/io.h"
#include "basic/strbuf.h"
#include "basic/text.h"
#include "rofs/rofs.h"
#include "rofs/ui/output.h"
#include "system/emit.h"
#include "system/load.h"
#include "system/log.h"
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

static int refuse_name(void *data _unused_, const char *name _unused_)
{
	return -ENOTEMPTY;
}

/*
 * Whoever may write to it, or has put links into it, would have the units written elsewhere.
 * Returns: NULL, or why the directory is not one to write to.
 */
static const char *reason_against(int dir_fd)
{
	struct stat st;

	if (fstat(dir_fd, &st) < 0)
		return strerror(errno);
	if (st.st_uid != geteuid())
		return "is owned by another user";
	if (st.st_mode & (S_IWGRP | S_IWOTH))
		return "is writable by other users";
	return each_name(open_dir_at(dir_fd, "."), refuse_name, NULL) < 0 ? "is not empty" : NULL;
}

/* With a slash at its end, a link would be followed. Returns: a descriptor or -errno. */
static int open_output(const char *dir)
{
	size_t n = strlen(dir);
	_cleanup_free_ char *copy = NULL;
	int fd, err;

	while (n > 1 && dir[n - 1] == '/')
		n--;
	copy = strndup(dir, n);
	if (!copy)
		return -ENOMEM;
	err = make_dir(AT_FDCWD, copy, 0755);
	if (err < 0)
		return err;
	fd = open(copy, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

static int unfit(const char *dir, const char *why)
{
	return log_error(ROFS_WRONG, "%s %s; expected a new or empty directory of your own", dir,
			 why);
}

static int write_into(const char *dir, const struct unit_set *set)
{
	_cleanup_close_ int fd = open_output(dir);
	struct emit_failure failure = { 0 };
	const char *against;
	int err;

	if (fd == -ENOTDIR || fd == -ELOOP)
		return unfit(dir, "is not a directory");
	against = fd < 0 ? NULL : reason_against(fd);
	if (against)
		return unfit(dir, against);

	err = fd < 0 ? fd : emit_at(fd, set, &failure);
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

/* SPDX-License-Identifier: MIT */
/* rofs log: what was written to flash, when and by whom. */
#include <fcntl.h>
#include <getopt.h>
#include <string.h>

#include "basic/io.h"
#include "basic/macro.h"
#include "basic/value.h"
#include "rofs/log/log-show.h"
#include "rofs/rofs.h"
#include "system/log.h"
#include "system/program.h"
#include "system/rootfs.h"
#include "transaction/names.h"
#include "transaction/window.h"

struct log_options {
	bool json;
	struct table_style style;
	uint64_t number; /* 0: all */
};

static const char usage_head[] =
	"Usage: rofs log [OPTION...] [NUMBER]\n"
	"\n"
	"Show the transactions that rofs commit, chroot and undo have written to flash, the latest last, or the paths of\n"
	"transaction NUMBER.\n"
	"\n"
	"  --json             print JSON\n"
	"  --output=COLUMNS   show these columns, separated by commas\n"
	"  --noheadings       do not print the headings\n"
	"  --raw              separate columns by one blank; blanks in them become \\x20\n"
	"  --help             show this help\n"
	"\n"
	"Columns:\n";
static const char usage_tail[] =
	"\n"
	"Exit status: 0 done, 1 there is no such transaction, or it could not be read, 2 usage, 3 not root.\n";

static void print_usage(FILE *f)
{
	fputs(usage_head, f);
	log_help_columns(f);
	fputs(usage_tail, f);
}

static int check(int argc, char **argv, struct log_options *o)
{
	bool styled = o->style.columns || o->style.raw || o->style.no_headings;

	if (optind < argc && value_count(argv[optind], &o->number) < 0)
		return log_error(ROFS_USAGE, "expected the number of a transaction, not %s",
				 argv[optind]);
	if (styled && (o->json || o->number))
		return log_error(ROFS_USAGE,
				 "--output, --raw and --noheadings apply only to the table");
	if (o->json && o->number)
		return log_error(ROFS_USAGE, "--json shows all transactions");
	return -1;
}

static int parse(int argc, char **argv, struct log_options *o)
{
	const struct program_option options[] = {
		{ .name = "json", .given = &o->json },
		{ .name = "noheadings", .given = &o->style.no_headings },
		{ .name = "output", .value = &o->style.columns },
		{ .name = "raw", .given = &o->style.raw },
	};
	const struct program_call call = { .print_usage = print_usage,
					   .options = options,
					   .n_options = ELEMENTSOF(options),
					   .most = 1 };
	int status = program_parse(argc, argv, &call);

	return status >= 0 ? status : check(argc, argv, o);
}

/* Where rofs is off, nothing hides the directory. */
static int open_base(int root_fd)
{
	int fd = open_dir_at(root_fd, WINDOW_ROOT "/" WINDOW_ROOT_DIR);

	return fd == -ENOENT ? open_dir_at(root_fd, WINDOW_ROOT_DIR) : fd;
}

static int show_one(const struct log_view *v, uint64_t number)
{
	const struct history_entry *e =
		number <= UINT32_MAX ? history_find(v->history, (unsigned)number) : NULL;

	if (!e)
		return log_error(ROFS_WRONG, "there is no transaction %ju; see rofs log",
				 (uintmax_t)number);
	return log_paths(v, e) < 0 ? log_error(ROFS_WRONG, "out of memory") : ROFS_DONE;
}

static int show_all(const struct log_view *v, const struct log_options *options)
{
	_cleanup_output_ struct output o;
	int err;

	output_open(&o, !options->json);
	err = options->json ? log_json(v) : log_table(v, &options->style, &o);
	if (err == -EINVAL)
		return ROFS_USAGE;
	return err < 0 ? log_error(ROFS_WRONG, "%s", strerror(-err)) : ROFS_DONE;
}

static int show(int base_fd, const struct log_options *options)
{
	_cleanup_history_ struct history h = { 0 };
	const struct log_view v = { .history = &h, .base_fd = base_fd };
	int err = base_fd < 0 ? 0 : history_read(base_fd, &h), status;

	if (err < 0)
		return log_error(ROFS_WRONG, "cannot read the log: %s", strerror(-err));
	status = options->number ? show_one(&v, options->number) : show_all(&v, options);
	if (status == ROFS_DONE && h.damaged)
		return log_error(ROFS_WRONG,
				 "/" WINDOW_ROOT_DIR "/" NAME_LOG
				 " on the root file system is damaged; a part of it is not shown");
	return status;
}

int verb_log(int argc, char **argv)
{
	struct log_options options = { 0 };
	_cleanup_close_ int root_fd = -1, base_fd = -1;
	int status = parse(argc, argv, &options);

	if (status >= 0)
		return status;
	if (geteuid() != 0)
		return log_error(ROFS_REFUSED, "only root can read the log; run rofs log as root");
	root_fd = open(program_root(), O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (root_fd < 0)
		return log_error(ROFS_WRONG, "%s: %s", program_root(), strerror(errno));
	base_fd = open_base(root_fd);
	if (base_fd < 0 && base_fd != -ENOENT)
		return log_error(ROFS_WRONG, "cannot read the log: %s", strerror(-base_fd));
	return show(base_fd, &options);
}

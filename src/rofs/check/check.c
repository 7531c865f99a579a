/* SPDX-License-Identifier: MIT */
/* rofs check: what is wrong, and what will go wrong, before the reboot that shows it. */
#include "rofs/check/check.h"

#include <stdarg.h>
#include <string.h>
#include <sys/stat.h>

#include "basic/strbuf.h"
#include "rofs/rofs.h"
#include "rofs/ui/json-problem.h"
#include "rofs/ui/json.h"
#include "rofs/ui/output.h"
#include "system/log.h"
#include "system/program.h"

static const char usage[] =
	"Usage: rofs check [--root=DIR] [--json]\n"
	"\n"
	"Show every error in rofs.conf, and what would go wrong on this machine: unsuitable file systems and\n"
	"devices, what rofs-prepare would refuse on partitions that are mounted, too little memory, settings that\n"
	"make / writable, large files that would be copied to RAM.\n"
	"The configuration is the one in /etc now, in force or not.\n"
	"\n"
	"  --root=DIR  check the system below DIR, such as an image, without the devices and the memory of this\n"
	"              machine; default: $ROFS_ROOT or /\n"
	"  --json      print JSON, see rofs(8)\n"
	"  --help      show this help\n"
	"\n"
	"Exit status: 0 no errors, 1 errors, 2 usage.\n";

void check_add(struct checking *c, enum problem_kind kind, const struct conf_section *s,
	       struct pos pos, const char *format, ...)
{
	bool partition = s && s->kind == CONF_PARTITION;
	const struct diag_about about = {
		.kind = kind,
		.path = s && !partition ? s->name : NULL,
		.partition = partition ? s->name : NULL,
	};
	va_list ap;

	va_start(ap, format);
	diag_add(&c->l->diag, problem_kind_severity(kind), about, pos, format, ap);
	va_end(ap);
}

const char *check_file_name(struct checking *c, const char *file)
{
	char *copy = strdup(file);

	if (!copy || array_reserve(c->file_names, c->n_file_names) < 0) {
		free(copy);
		return NULL;
	}
	c->file_names[c->n_file_names++] = copy;
	return copy;
}

void checking_done(struct checking *c)
{
	for (size_t i = 0; i < c->n_file_names; i++)
		free(c->file_names[i]);
	free(c->file_names);
	facts_done(&c->all);
	*c = (struct checking){ .l = c->l };
}

bool check_is_device(const struct checking *c, const char *path, const char *device)
{
	struct stat a, b;

	if (strcmp(path, device) == 0)
		return true;
	return c->running && stat(path, &a) == 0 && stat(device, &b) == 0 && S_ISBLK(a.st_mode) &&
	       S_ISBLK(b.st_mode) && a.st_rdev == b.st_rdev;
}

static int check_all(struct checking *c)
{
	static int (*const checks[])(struct checking *) = {
		check_kernel,	     check_boot,	 check_root_device,	check_fsck,
		check_subvolumes,    check_quota,	 check_lowers,		check_flags,
		check_commits,	     check_partitions,	 check_devices,		check_trust,
		check_files,	     check_memory,	 check_software,	check_exports,
		check_services,	     check_cloud_init,	 check_writers,		check_homes,
		check_etc,	     check_lower_mounts, check_partition_units, check_root_overlay,
		check_swap_programs, check_mount_units,
	};

	for (size_t i = 0; i < ELEMENTSOF(checks); i++) {
		int err = checks[i](c);

		if (err < 0)
			return err;
	}
	return 0;
}

int check_loaded(struct checking *c)
{
	int err = fstab_index_build(&c->l->facts, &c->mounts);

	if (err >= 0 && c->l->conf.declared)
		err = check_read_mounts(c);
	if (err >= 0)
		err = fstab_index_build(&c->all, &c->all_mounts);
	if (err >= 0 && c->l->conf.declared)
		err = check_all(c);
	fstab_index_done(&c->all_mounts);
	fstab_index_done(&c->mounts);
	return err >= 0 && c->l->diag.failed ? -ENOMEM : err;
}

static enum colour level_colour(enum diag_level level)
{
	switch (level) {
	case DIAG_ERROR:
		return COLOUR_BAD;
	case DIAG_WARNING:
		return COLOUR_WARNING;
	case DIAG_NOTE:
		return COLOUR_DIM;
	}
	return COLOUR_NONE;
}

static void print_entry(const struct output *o, const struct diag_entry *e)
{
	const char *word = diag_level_to_string(e->level), *plain = output_colour(o, COLOUR_NONE);
	_cleanup_free_ char *place = NULL;
	size_t column = strlen(word) + 2;

	/* Without memory for it, the message alone. */
	if (diag_place(e->pos, &place) >= 0 && *place) {
		printf("%s%s:%s ", output_colour(o, COLOUR_BOLD), place, plain);
		column += strlen(place) + 2;
	}
	printf("%s%s:%s ", output_colour(o, level_colour(e->level)), word, plain);
	output_text(o, column, 4, e->text);
}

static void print_all(const struct loaded *l)
{
	_cleanup_output_ struct output o;
	size_t warnings = 0;

	output_open(&o, true);
	for (size_t i = 0; i < l->diag.n_entries; i++) {
		print_entry(&o, &l->diag.entries[i]);
		warnings += l->diag.entries[i].level == DIAG_WARNING;
	}
	if (!l->conf.declared)
		puts("rofs.conf declares nothing: rofs does nothing");
	printf("%zu error%s, %zu warning%s\n", l->diag.n_errors, l->diag.n_errors == 1 ? "" : "s",
	       warnings, warnings == 1 ? "" : "s");
}

/* A second place that belongs to the entry before it. */
static bool is_second_place(const struct diag_entry *e)
{
	return e->level == DIAG_NOTE && !e->about.kind;
}

/* "/etc/rofs.conf:9: first set here", from the places behind entry @i; NULL: there is none. */
static int second_places(const struct diag *d, size_t i, char **ret)
{
	_cleanup_strbuf_ struct strbuf b = { 0 };

	*ret = NULL;
	while (++i < d->n_entries && is_second_place(&d->entries[i])) {
		_cleanup_free_ char *place = NULL;

		if (diag_place(d->entries[i].pos, &place) < 0)
			return -ENOMEM;
		strbuf_addf(&b, "%s%s: %s", b.len ? "; " : "", place, d->entries[i].text);
	}
	return b.len ? strbuf_take(&b, ret) : 0;
}

static int add_entry(struct json *j, const struct diag *d, size_t i)
{
	const struct diag_entry *e = &d->entries[i];
	struct problem p = problem_of_entry(e);
	_cleanup_free_ char *places = NULL;
	int err = second_places(d, i, &places);

	if (err < 0)
		return err;
	p.reason = places;
	json_open(j, NULL, '{');
	json_problem(j, &p, e->text);
	json_string(j, "file", e->pos.file);
	if (e->pos.line)
		json_number(j, "line", e->pos.line);
	else
		json_null(j, "line");
	json_close(j, '}');
	return 0;
}

static int add_entries(struct json *j, const char *name, const struct diag *d, bool notes)
{
	int err = 0;

	json_open(j, name, '[');
	for (size_t i = 0; i < d->n_entries && err >= 0; i++)
		if ((d->entries[i].level == DIAG_NOTE) == notes && !is_second_place(&d->entries[i]))
			err = add_entry(j, d, i);
	json_close(j, ']');
	return err;
}

static int print_json(const struct loaded *l)
{
	_cleanup_json_ struct json j = { 0 };
	int err;

	json_open(&j, NULL, '{');
	err = add_entries(&j, "problems", &l->diag, false);
	if (err >= 0)
		err = add_entries(&j, "notes", &l->diag, true);
	if (err < 0)
		return err;
	json_close(&j, '}');
	return json_print(&j);
}

static int run(struct checking *c, const char *root, bool json)
{
	struct loaded *l = c->l;
	int err;

	err = load_edited(root, l);
	if (err >= 0)
		err = check_loaded(c);
	if (err < 0)
		return err;
	if (json)
		return print_json(l);
	print_all(l);
	return 0;
}

int verb_check(int argc, char **argv)
{
	_cleanup_loaded_ struct loaded l = LOADED_INIT;
	const char *root = program_root();
	bool json = false;
	const struct program_option options[] = {
		{ .name = "json", .given = &json },
		{ .name = "root", .value = &root },
	};
	const struct program_call call = { .usage = usage,
					   .options = options,
					   .n_options = ELEMENTSOF(options) };
	struct checking c = { .l = &l };
	int err, status;

	status = program_parse(argc, argv, &call);
	if (status >= 0)
		return status;

	c.running = strcmp(root, "/") == 0;
	err = run(&c, root, json);
	checking_done(&c);
	if (err < 0)
		return log_error(ROFS_WRONG, "%s: %s", root, strerror(-err));
	return l.diag.n_errors > 0 ? ROFS_WRONG : ROFS_DONE;
}

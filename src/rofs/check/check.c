/* SPDX-License-Identifier: MIT */
/* rofs check: what is wrong, and what will go wrong, before the reboot that shows it. */
#include "rofs/check/check.h"

#include <string.h>

#include "basic/path.h"
#include "rofs/rofs.h"
#include "rofs/ui/output.h"
#include "system/program.h"

#define FSTAB	  "/etc/fstab"
#define FSTAB_MAX ((size_t)1024 * 1024)

static const char usage[] =
	"Usage: rofs check [--root=DIR]\n"
	"\n"
	"Tells every mistake in rofs.conf, and what would go wrong on this machine: file systems and devices that\n"
	"do not fit, too little memory, what makes / writable, large files that would be copied to RAM. rofs.conf\n"
	"is read as it is in /etc now, in force or not.\n"
	"\n"
	"  --root=DIR  check the system below DIR, an image for example; devices and memory of this machine do\n"
	"              not count then. Default: $ROFS_ROOT or /\n"
	"  --help      this text\n"
	"\n"
	"Exit status: 0 no errors, 1 errors, 2 usage.\n";

struct pos check_fstab_pos(const struct checking *c, const char *dir)
{
	_cleanup_free_ char *text = NULL;
	struct pos pos = { .file = FSTAB };
	unsigned line = 1;
	size_t n;

	if (rootfs_read(&c->l->root, FSTAB, FSTAB_MAX, &text, &n) < 0)
		return pos;
	for (char *t = text; *t; line++) {
		size_t len = strcspn(t, "\n");
		char *state, *word, *next = t + len + (t[len] == '\n');

		t[len] = '\0';
		word = *t == '#' ? NULL : strtok_r(t, " \t", &state);
		word = word ? strtok_r(NULL, " \t", &state) : NULL;
		if (word)
			path_clean(word);
		if (word && strcmp(word, dir) == 0)
			pos.line = line; /* of several the last counts */
		t = next;
	}
	return pos;
}

static bool starts_empty(const struct plan_overlay *o, const char *path)
{
	_cleanup_free_ char *copy = o->conf->start_empty ? strdup(o->conf->start_empty) : NULL;
	char *state, *word;

	for (word = copy ? strtok_r(copy, " \t", &state) : NULL; word;
	     word = strtok_r(NULL, " \t", &state)) {
		path_clean(word);
		if (path_is_at_or_below(path, word))
			return true;
	}
	return false;
}

const struct plan_overlay *check_overlay_of(const struct checking *c, const char *path)
{
	const struct plan *p = &c->l->plan;
	const struct plan_overlay *found = NULL;

	/* In path order: the last is the nearest. */
	for (size_t i = 0; i < p->n_overlays; i++)
		if (path_is_at_or_below(path, p->overlays[i].path))
			found = &p->overlays[i];
	for (size_t i = 0; i < p->n_persists; i++)
		if (path_is_at_or_below(path, p->persists[i].path))
			return NULL;
	for (size_t i = 0; i < p->facts->n_fstab && found; i++) {
		const char *dir = p->facts->fstab[i].dir;

		/* Mounted on top of the overlay, as ever. */
		if (path_is_at_or_below(path, dir) && path_is_below(dir, found->path))
			return NULL;
	}
	return found && !starts_empty(found, path) ? found : NULL;
}

static int check_all(struct checking *c)
{
	static int (*const checks[])(struct checking *) = {
		check_kernel,  check_boot,  check_lowers, check_partitions,
		check_devices, check_files, check_memory, check_data,
	};

	for (size_t i = 0; i < ELEMENTSOF(checks); i++) {
		int err = checks[i](c);

		if (err < 0)
			return err;
	}
	return 0;
}

static void print_entry(const struct output *o, const struct diag_entry *e)
{
	static const struct {
		const char *word;
		enum colour colour;
	} levels[] = {
		[DIAG_ERROR] = { "error", COLOUR_BAD },
		[DIAG_WARNING] = { "warning", COLOUR_WARNING },
		[DIAG_NOTE] = { "note", COLOUR_DIM },
	};

	const char *word = levels[e->level].word, *plain = output_colour(o, COLOUR_NONE);
	char line[16] = "";
	size_t column = strlen(word) + 2;

	if (e->pos.line)
		snprintf(line, sizeof(line), ":%u", e->pos.line);
	if (e->pos.file) {
		printf("%s%s%s:%s ", output_colour(o, COLOUR_BOLD), e->pos.file, line, plain);
		column += strlen(e->pos.file) + strlen(line) + 2;
	}
	printf("%s%s:%s ", output_colour(o, levels[e->level].colour), word, plain);
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
	if (l->diag.failed)
		puts("error: out of memory: some messages are lost");
	if (!l->conf.declared)
		puts("there is no section in rofs.conf: rofs does nothing");
	printf("%zu error%s, %zu warning%s\n", l->diag.n_errors, l->diag.n_errors == 1 ? "" : "s",
	       warnings, warnings == 1 ? "" : "s");
}

int verb_check(int argc, char **argv)
{
	_cleanup_loaded_ struct loaded l = LOADED_INIT;
	const char *root = program_root();
	const struct program_option options[] = { { .name = "root", .value = &root } };
	const struct program_call call = { .usage = usage, .options = options, .n_options = 1 };
	struct checking c = { .l = &l };
	int err, status;

	status = program_parse(argc, argv, &call);
	if (status >= 0)
		return status;

	c.running = strcmp(root, "/") == 0;
	err = load_edited(root, &l);
	if (err >= 0 && l.conf.declared)
		err = check_all(&c);
	if (err < 0) {
		fprintf(stderr, "rofs: %s: %s\n", root, strerror(-err));
		return ROFS_WRONG;
	}
	print_all(&l);
	return l.diag.n_errors > 0 || l.diag.failed ? ROFS_WRONG : ROFS_DONE;
}

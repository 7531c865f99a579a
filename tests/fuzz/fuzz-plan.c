/* SPDX-License-Identifier: MIT */
/*
 * Fuzz target over reader, plan and renderer. Whatever is declared, the units say only what the renderer meant, and no path
 * but the declared ones is in them. check.c judges; this file makes configuration and facts out of the input.
 *
 * The input is text in parts, each begun by a line of its own; what comes before the first is /etc/rofs.conf:
 *
 *     === conf NAME     another configuration file, rofs.conf.d/NAME.conf
 *     === fstab         /etc/fstab
 *     === facts         about the machine; \ooo stands for a byte:
 *     kernel 5.10
 *     no-rofs | tmp-is-link | tmp-wanted | zram | commit-unfinished | commit-pending
 *     missing /path     (a path that nothing is said of is a directory)
 *     file /path
 *     opaque /path | untrusted /path
 *     error /path
 *     link /path /target
 */
#include <dirent.h>
#include <limits.h>
#include <mntent.h>
#include <stdint.h>
#include <string.h>

#include "basic/path.h"
#include "basic/text.h"
#include "check.h"
#include "conf/conf.h"
#include "plan/plan-build.h"
#include "unit/unit.h"

#define PARTS_MAX      16u   /* more files say nothing new */
#define FSTAB_LINE_MAX 4096u /* as src/system/facts-read.c */

struct span {
	const char *text;
	size_t len;
};

struct input {
	struct span files[PARTS_MAX];
	struct span names[PARTS_MAX]; /* empty for /etc/rofs.conf */
	size_t n_files;
	struct span fstab, facts;
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool starts_with(struct span s, const char *word)
{
	return s.len >= strlen(word) && memcmp(s.text, word, strlen(word)) == 0;
}

/* The next line of *@s, without its newline. */
static bool next_line(struct span *s, struct span *ret)
{
	const char *newline;

	if (s->len == 0)
		return false;
	newline = memchr(s->text, '\n', s->len);
	ret->text = s->text;
	ret->len = newline ? (size_t)(newline - s->text) : s->len;
	s->text += ret->len + (newline != NULL);
	s->len -= ret->len + (newline != NULL);
	return true;
}

/* Where the lines go that follow this header; NULL: nowhere. */
static struct span *begin_part(struct input *in, struct span header)
{
	if (starts_with(header, "=== fstab"))
		return &in->fstab;
	if (starts_with(header, "=== facts"))
		return &in->facts;
	if (!starts_with(header, "=== conf ") || in->n_files == PARTS_MAX)
		return NULL;
	in->names[in->n_files] = (struct span){ header.text + 9, header.len - 9 };
	return &in->files[in->n_files++];
}

static struct input split(struct span rest)
{
	struct input in = { .n_files = 1 };
	struct span *part = &in.files[0], line;

	while (next_line(&rest, &line)) {
		if (starts_with(line, "=== ")) {
			part = begin_part(&in, line);
			if (part)
				*part = (struct span){ rest.text, 0 };
			continue;
		}
		if (part && !part->text)
			part->text = line.text;
		if (part)
			part->len = (size_t)(rest.text - part->text);
	}
	return in;
}

static void *must(void *p)
{
	check_that(p != NULL, "out of memory", "");
	return p;
}

/* A copy with \ooo made the byte it stands for; NUL bytes end it. */
static char *decode(struct span s)
{
	char *copy = must(malloc(s.len + 1)), *to = copy;

	for (size_t i = 0; i < s.len; i++) {
		const char *p = s.text + i;

		if (i + 3 < s.len && p[0] == '\\' && p[1] >= '0' && p[1] <= '3' && p[2] >= '0' &&
		    p[2] <= '7' && p[3] >= '0' && p[3] <= '7') {
			*to++ = (char)((p[1] - '0') * 64 + (p[2] - '0') * 8 + p[3] - '0');
			i += 3;
		} else {
			*to++ = *p;
		}
	}
	*to = '\0';
	return copy;
}

/* What a directory listing can give as the name of a drop-in, else a plain name. */
static char *file_name(struct span name, size_t i)
{
	_cleanup_free_ char *s = decode(name);
	char *path = NULL;

	if (i == 0)
		return must(strdup("/etc/rofs.conf"));
	/* src/system/confdirs.c refuses the others. */
	if (!*s || *s == '.' || strchr(s, '/') || strlen(s) > 250 || text_has_control(s) ||
	    !text_is_utf8(s, strlen(s)))
		check_that(asprintf(&path, "/etc/rofs.conf.d/%zu.conf", i) > 0, "no memory", "");
	else
		check_that(asprintf(&path, "/run/rofs.conf.d/%s.conf", s) > 0, "no memory", "");
	return path;
}

static void read_conf(const struct input *in, struct conf *conf, struct diag *d)
{
	check_that(conf_init(conf) == 0, "conf_init failed", "");
	for (size_t i = 0; i < in->n_files; i++) {
		struct span part = in->files[i];
		_cleanup_free_ char *name = file_name(in->names[i], i);
		/* Exactly as long as promised, so that a byte too far is seen. */
		_cleanup_free_ char *text = must(malloc(part.len + 1));

		if (part.len)
			memcpy(text, part.text, part.len);
		check_that(conf_read(conf, name, text, part.len, d) == 0, "conf_read failed", name);
	}
	conf_check(conf, d);
}

static void resolve_to(struct path_fact *fact, const char *target)
{
	char *clean = must(strdup(target));

	path_clean(clean);
	/* What rootfs_resolve() can return. */
	if (*clean != '/' || path_has_dotdot(clean) || strlen(clean) >= PATH_MAX) {
		free(clean);
		return;
	}
	free(fact->resolved);
	fact->resolved = clean;
}

/* One line of the facts, if it is about @path. */
static void apply(const char *line, const char *path, struct path_fact *fact)
{
	size_t n = strlen(path);
	const char *at = strchr(line, ' ');

	if (!at || strncmp(at + 1, path, n) != 0)
		return;
	if (strncmp(line, "link ", 5) == 0 && at[1 + n] == ' ')
		resolve_to(fact, at + 2 + n);
	if (at[1 + n])
		return;
	if (strncmp(line, "missing ", 8) == 0)
		fact->type = PATH_MISSING;
	if (strncmp(line, "file ", 5) == 0)
		fact->type = PATH_FILE;
	if (strncmp(line, "device ", 7) == 0)
		fact->type = PATH_OTHER;
	if (strncmp(line, "opaque ", 7) == 0)
		fact->type = PATH_OPAQUE;
	if (strncmp(line, "untrusted ", 10) == 0) {
		fact->type = PATH_OPAQUE;
		fact->untrusted = true;
	}
	if (strncmp(line, "error ", 6) == 0) {
		fact->type = PATH_UNKNOWN;
		fact->error = -ELOOP;
	}
}

static struct path_fact look_up(struct span facts, const char *path)
{
	struct path_fact fact = { .resolved = must(strdup(path)), .type = PATH_DIRECTORY };
	struct span line;

	while (next_line(&facts, &line)) {
		_cleanup_free_ char *s = decode(line);

		apply(s, path, &fact);
	}
	return fact;
}

static void read_flags(struct span facts, struct facts *f)
{
	struct span line;

	f->rofs_exists = true;
	f->tmp_is_plain = true;
	while (next_line(&facts, &line)) {
		_cleanup_free_ char *s = decode(line);

		if (sscanf(s, "kernel %4u.%4u", &f->kernel_major, &f->kernel_minor) == 2)
			continue;
		f->rofs_exists = f->rofs_exists && strcmp(s, "no-rofs") != 0;
		f->tmp_is_plain = f->tmp_is_plain && strcmp(s, "tmp-is-link") != 0;
		f->tmp_unit_wanted = f->tmp_unit_wanted || strcmp(s, "tmp-wanted") == 0;
		f->zram_unit_exists = f->zram_unit_exists || strcmp(s, "zram") == 0;
		f->commit_is_unfinished = f->commit_is_unfinished ||
					  strcmp(s, "commit-unfinished") == 0;
		f->commit_is_pending = f->commit_is_pending || strcmp(s, "commit-pending") == 0;
	}
}

static void add_entry(struct span facts, const struct mntent *m, struct facts *f)
{
	struct fstab_entry e = { .freq = m->mnt_freq, .passno = m->mnt_passno };

	check_that(array_reserve(f->fstab, f->n_fstab) == 0, "out of memory", "");
	e.spec = must(strdup(m->mnt_fsname));
	e.dir = must(strdup(m->mnt_dir));
	e.type = must(strdup(m->mnt_type));
	e.options = must(strdup(m->mnt_opts));
	path_clean(e.dir);
	if (*e.dir == '/' && !path_has_dotdot(e.dir)) {
		struct path_fact fact = look_up(facts, e.dir);

		free(e.dir);
		e.dir = fact.resolved;
	}
	f->fstab[f->n_fstab++] = e;
}

static void read_fstab(const struct input *in, struct facts *f)
{
	_cleanup_fclose_ FILE *stream = NULL;
	char line[FSTAB_LINE_MAX];
	struct mntent m = { 0 };

	if (in->fstab.len == 0)
		return;
	stream = must(fmemopen((char *)in->fstab.text, in->fstab.len, "r"));
	while (getmntent_r(stream, &m, line, sizeof(line))) {
		add_entry(in->facts, &m, f);
		m = (struct mntent){ 0 }; /* glibc leaves freq and passno unset at times */
	}
}

static void make_facts(const struct input *in, const struct conf *conf, struct facts *f)
{
	read_flags(in->facts, f);
	read_fstab(in, f);
	f->overlays = must(calloc(conf->n_overlays + 1, sizeof(*f->overlays)));
	f->persists = must(calloc(conf->n_persists + 1, sizeof(*f->persists)));
	for (; f->n_overlays < conf->n_overlays; f->n_overlays++)
		f->overlays[f->n_overlays] =
			look_up(in->facts, conf->overlays[f->n_overlays]->section.name);
	for (; f->n_persists < conf->n_persists; f->n_persists++)
		f->persists[f->n_persists] =
			look_up(in->facts, conf->persists[f->n_persists]->section.name);
}

static void check_messages(const struct diag *d)
{
	for (size_t i = 0; i < d->n_entries; i++) {
		_cleanup_free_ char *line = NULL;

		check_that(diag_format(&d->entries[i], &line) == 0, "diag_format failed", "");
		check_that(!text_has_control(line), "control character in a message", line);
	}
}

static void run(const struct input *in, bool judge, struct unit_set *ret)
{
	_cleanup_conf_ struct conf conf = { 0 };
	_cleanup_diag_ struct diag d = { 0 };
	_cleanup_facts_ struct facts facts = { 0 };
	_cleanup_plan_ struct plan plan = { 0 };

	read_conf(in, &conf, &d);
	make_facts(in, &conf, &facts);
	/* No input may cost more than its own section. */
	check_that(plan_build(&conf, &facts, &d, &plan) == 0, "plan_build failed", "");
	check_that(units_render(&plan, CHECK_LIBEXEC_DIR, ret) == 0, "units_render failed", "");
	if (!judge)
		return;

	check_messages(&d);
	check_units(&conf, &facts, ret, d.n_errors == 0);
}

static void check_same(const struct unit_set *a, const struct unit_set *b)
{
	check_that(a->n_files == b->n_files, "other files the second time", "");
	for (size_t i = 0; i < a->n_files; i++) {
		const struct unit_file *x = &a->files[i], *y = &b->files[i];

		check_that(strcmp(x->name, y->name) == 0, "other order the second time", x->name);
		check_that(strcmp(x->text, y->text) == 0, "other text the second time", x->name);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = split((struct span){ (const char *)data, size });
	_cleanup_unit_set_ struct unit_set first = { 0 }, second = { 0 };

	for (size_t i = 0; i < in.n_files; i++)
		if (in.files[i].len)
			check_headers(in.files[i].text, in.files[i].len);
	run(&in, true, &first);
	run(&in, false, &second);
	check_same(&first, &second);
	return 0;
}

#ifndef FUZZING
/* Without libFuzzer: runs the files, or all files of the directories, that are given as arguments. */
static void run_file(const char *path)
{
	_cleanup_fclose_ FILE *f = fopen(path, "re");
	_cleanup_free_ uint8_t *data = NULL;
	long size = -1;

	if (f && fseek(f, 0, SEEK_END) == 0)
		size = ftell(f);
	if (size >= 0) {
		rewind(f);
		data = must(malloc((size_t)size + 1));
	}
	if (size < 0 || fread(data, 1, (size_t)size, f) != (size_t)size) {
		perror(path);
		exit(2);
	}

	fprintf(stderr, "%s\n", path); /* tells which one it was, if it aborts */
	LLVMFuzzerTestOneInput(data, (size_t)size);
}

static int run_directory(const char *path)
{
	struct dirent **entries;
	int n = scandir(path, &entries, NULL, alphasort), files = 0;

	for (int i = 0; i < n; i++) {
		_cleanup_free_ char *name = NULL;

		if (entries[i]->d_name[0] != '.') {
			check_that(asprintf(&name, "%s/%s", path, entries[i]->d_name) > 0,
				   "out of memory", "");
			run_file(name);
			files++;
		}
		free(entries[i]);
	}
	if (n >= 0)
		free(entries);
	return n < 0 ? -1 : files;
}

int main(int argc, char **argv)
{
	int files = 0;

	for (int i = 1; i < argc; i++) {
		int n = run_directory(argv[i]);

		if (n < 0)
			run_file(argv[i]);
		files += n < 0 ? 1 : n;
	}
	if (files == 0)
		fprintf(stderr, "Usage: %s FILE|DIRECTORY...\n", argv[0]);
	else
		printf("%d inputs, all as meant\n", files);
	return files == 0 ? 2 : 0;
}
#endif

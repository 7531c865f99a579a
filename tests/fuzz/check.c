/* SPDX-License-Identifier: MIT */
/*
 * What the units may say. Shares no code with the renderer: names and values are read back instead
 * of written again.
 */
#include "check.h"

#include <stdlib.h>
#include <string.h>

#include "basic/macro.h"
#include "basic/text.h"
#include "judge.h"

#define NAME_BYTES_MAX 255u /* NAME_MAX, and UNIT_NAME_MAX less the NUL */

void check_that(bool holds, const char *what, const char *about)
{
	if (holds)
		return;
	fprintf(stderr, "not as meant: %s: %s\n", what, about);
	abort();
}

static void check_component(const char *s, size_t n)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				      "0123456789:-_.\\@";

	check_that(n > 0 && n <= NAME_BYTES_MAX, "length of the name", s);
	check_that(s[0] != '.', "name starts with a dot", s);
	check_that(strspn(s, allowed) >= n, "name with a special character", s);
}

static void check_name(const char *name)
{
	const char *slash = strchr(name, '/');

	check_component(name, strcspn(name, "/"));
	if (slash)
		check_component(slash + 1, strlen(slash + 1));
}

/* Text that no reader splits in a way of its own. */
static void check_bytes(const struct unit_file *f)
{
	check_that(text_is_utf8(f->text, strlen(f->text)), "no UTF-8", f->name);
	for (const char *s = f->text; *s; s++)
		check_that(*s == '\n' || ((unsigned char)*s >= ' ' && *s != 0x7f),
			   "control character", f->name);
	check_that(ends_with(f->text, "\n"), "no newline at the end", f->name);
}

static int compare_files(const void *a, const void *b)
{
	const struct unit_file *x = *(const struct unit_file *const *)a,
			       *y = *(const struct unit_file *const *)b;

	return strcmp(x->name, y->name);
}

/* Two files of one name would make the generator write nothing at all. */
static void check_names(const struct unit_set *set)
{
	_cleanup_free_ const struct unit_file **sorted = calloc(set->n_files + 1, sizeof(*sorted));

	check_that(sorted != NULL, "out of memory", "");
	for (size_t i = 0; i < set->n_files; i++) {
		sorted[i] = &set->files[i];
		check_name(sorted[i]->name);
	}
	qsort(sorted, set->n_files, sizeof(*sorted), compare_files);
	for (size_t i = 1; i < set->n_files; i++)
		check_that(strcmp(sorted[i - 1]->name, sorted[i]->name) != 0, "two files of a name",
			   sorted[i]->name);
}

static void check_text(const struct check *c, const struct unit_file *f)
{
	_cleanup_(unit_done) struct unit u = parse_unit(f);

	if (strcmp(f->name, "systemd-remount-fs.service.d/90-rofs.conf") == 0)
		return check_remount(&u);
	if (strcmp(f->name, "systemd-firstboot.service.d/90-rofs.conf") == 0)
		return check_firstboot(&u);
	if (strcmp(f->name, "dev-.swap.d/90-rofs.conf") == 0)
		return check_swap(c, &u);
	if (strcmp(f->name, "systemd-zram-setup@.service.d/90-rofs.conf") == 0)
		return check_zram(c, &u);
	if (strncmp(f->name, "systemd-fsck@", 13) == 0)
		return check_fsck(c, &u);
	if (strchr(f->name, '/'))
		return check_timeout(c, &u);
	if (ends_with(f->name, ".mount"))
		return check_mount(c, &u);
	if (strcmp(f->name, "rofs-finish.service") == 0)
		return check_finish(c, &u);
	if (strncmp(f->name, "rofs-finish-", 12) == 0)
		return check_finish_lower(c, &u);
	if (strcmp(f->name, "rofs-device.service") == 0)
		return check_device_service(c, &u);
	if (strcmp(f->name, "rofs-shutdown.service") == 0)
		return check_shutdown(c, &u);
	if (strncmp(f->name, "rofs-commit-", 12) == 0)
		return ends_with(f->name, ".timer") ? check_timer(c, &u) : check_commit(c, &u);
	if (strncmp(f->name, "rofs-format-", 12) == 0)
		return check_partition_service(c, &u, CHECK_LIBEXEC_DIR "/rofs-format ");
	if (strncmp(f->name, "rofs-grow-", 10) == 0)
		return check_partition_service(c, &u, "/lib/systemd/systemd-growfs /rofs/persist/");
	if (strncmp(f->name, "rofs-prepare-guard-", 19) == 0 && ends_with(f->name, ".service"))
		return check_guard(c, &u);
	if (strncmp(f->name, "rofs-prepare", 12) == 0 && ends_with(f->name, ".service"))
		return check_prepare(c, &u);
	check_that(false, "a file that was not meant", f->name);
}

static void check_file(const struct check *c, size_t i)
{
	const struct unit_file *f = &c->set->files[i];

	check_that(f->link || i < c->set->first_link, "a file among the enabling links", f->name);
	if (i >= c->set->first_link)
		return check_enabling_link(c, f);
	if (f->link) {
		check_that(strcmp(f->text, "/dev/null") == 0, "another target", f->text);
		check_that(is_swap_of_fstab(c, f->name), "a mask of no swap", f->name);
		return;
	}
	if (strcmp(f->name, UNIT_FSTAB) == 0)
		return check_fstab(c, f);
	check_bytes(f);
	check_text(c, f);
}

/* Not a word of complaint: then all is in force. */
static void check_complete(const struct check *c)
{
	for (size_t i = 0; i < c->conf->n_overlays; i++)
		check_that(is_enabled(c, c->facts->overlays[i].resolved), "left out without a word",
			   c->facts->overlays[i].resolved);
	for (size_t i = 0; i < c->conf->n_persists; i++)
		check_that(is_enabled(c, c->facts->persists[i].resolved), "left out without a word",
			   c->facts->persists[i].resolved);
}

void check_units(const struct conf *conf, const struct facts *facts, const struct unit_set *set,
		 bool complete)
{
	_cleanup_(check_done) struct check c = { .conf = conf, .facts = facts, .set = set };

	check_init(&c);
	check_names(set);
	for (size_t i = 0; i < set->n_files; i++)
		check_file(&c, i);
	if (complete)
		check_complete(&c);
}

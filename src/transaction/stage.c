/* SPDX-License-Identifier: MIT */
#include "transaction/stage.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "basic/io.h"
#include "basic/text.h"
#include "transaction/boot-id.h"
#include "transaction/clean.h"
#include "transaction/finish.h"
#include "transaction/history.h"
#include "transaction/names.h"
#include "transaction/staging.h"
#include "transaction/superseded.h"

const char *stage_name(const struct stage *s, size_t fs, char buffer[NAME_SIZE])
{
	if (fs > 0)
		return name_of(buffer, NAME_STAGING, s->record.number);
	return strcpy(buffer, NAME_STAGING);
}

int stage_refuse(struct stage *s, const char *format, ...)
{
	va_list ap;
	int err;

	free(TAKE_PTR(s->why));
	va_start(ap, format);
	err = text_format_printable(&s->why, format, ap);
	va_end(ap);
	return err < 0 ? err : -EPERM;
}

const char *stage_why(const struct stage *s)
{
	return s->why;
}

static int open_base(struct stage *s, size_t i, char **ret_why)
{
	int err = place_open(&s->places[i], window_fd(s->w, i), window_dir(s->w, i));

	if (err != -EPERM)
		return err;
	if (text_format(ret_why, "%s/%s is not a directory with owner root and mode 0700",
			window_where(s->w, i), window_dir(s->w, i)) < 0)
		return -ENOMEM;
	return -EPERM;
}

static int open_bases(struct stage *s, char **ret_why)
{
	int err = 0;

	for (size_t i = 0; i < s->n && err >= 0; i++) {
		err = record_add_where(&s->record, window_where(s->w, i));
		if (err >= 0)
			err = open_base(s, i, ret_why);
	}
	return err;
}

static int describe(struct stage *s, const struct stage_about *about)
{
	_cleanup_close_ int system = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (system < 0)
		return -errno;
	s->record.kind = about->kind;
	s->record.uid = about->uid;
	s->record.undoes = about->undoes;
	s->record.command = strdup(about->command ? about->command : "");
	s->user = strdup(about->user ? about->user : "");
	if (!s->record.command || !s->user)
		return -ENOMEM;
	/* Of the running system, below which the process itself is. */
	return boot_id_read(system, s->record.boot);
}

/* Ascending on this machine, so no kept.N of another file system is taken for a new one. */
static int find_number(struct stage *s, unsigned highest)
{
	_cleanup_history_ struct history h = { 0 };
	int err = history_read(s->places[0].base_fd, &h);

	if (err < 0)
		return err;
	for (size_t i = 0; i < h.n; i++)
		if (h.entries[i].number > highest)
			highest = h.entries[i].number;
	if (highest >= NUMBER_MAX)
		return -EOVERFLOW;
	s->record.number = highest + 1;
	return 0;
}

static int make_open(int dir_fd, const char *name, int *ret)
{
	int fd = make_dir_at(dir_fd, name, 0700);

	if (fd < 0)
		return fd;
	*ret = fd;
	return 0;
}

static int make_staging(struct stage *s, size_t i)
{
	struct place *p = &s->places[i];
	struct staging *t = &s->staging[i];
	char name[NAME_SIZE];
	int err = make_open(p->base_fd, stage_name(s, i, name), &p->dir_fd);

	if (err >= 0)
		err = make_open(p->dir_fd, STAGING_SLOTS, &t->slots_fd);
	if (err >= 0)
		err = make_open(p->dir_fd, STAGING_LINKS, &t->links_fd);
	if (err >= 0)
		err = make_open(p->dir_fd, NAME_OLD, &t->old_fd);
	if (err >= 0)
		err = make_dir(p->dir_fd, STAGING_GONE, 0700);
	return err;
}

/* Better known now than after the mark. */
static int check_exchange(struct stage *s, size_t i, char **ret_why)
{
	const int fd = s->places[i].dir_fd;
	int err = switch_exchange(fd, STAGING_GONE, fd, STAGING_LINKS, true);

	if (err >= 0)
		err = switch_exchange(fd, STAGING_GONE, fd, STAGING_LINKS, true);
	if (err != -EINVAL && err != -ENOSYS)
		return err;
	if (text_format(ret_why, "the file system at %s cannot exchange files",
			window_where(s->w, i)) < 0)
		return -ENOMEM;
	return -EPERM;
}

static int begin(struct stage *s, const struct stage_about *about, char **ret_why)
{
	struct clean_about clean_up = { .spare = about->undoes };
	unsigned highest = 0;
	int err = describe(s, about);

	clean_up.boot = s->record.boot;
	if (err >= 0)
		err = open_bases(s, ret_why);
	if (err >= 0)
		err = finish_pending(s->w, ret_why);
	if (err >= 0)
		err = clean(stage_places(s), &clean_up, &highest, ret_why);
	/* An undo may be followed by another one. */
	if (err >= 0 && about->kind != TRANSACTION_UNDO)
		err = superseded_remove(stage_places(s), &s->record);
	if (err >= 0)
		err = find_number(s, highest);
	for (size_t i = 0; i < s->n && err >= 0; i++) {
		err = make_staging(s, i);
		if (err >= 0)
			err = check_exchange(s, i, ret_why);
	}
	return err;
}

static struct stage *new_stage(struct window *w)
{
	struct stage *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	s->w = w;
	s->places = calloc(window_count(w), sizeof(*s->places));
	s->staging = calloc(window_count(w), sizeof(*s->staging));
	if (!s->places || !s->staging) {
		stage_done(s);
		return NULL;
	}
	s->n = window_count(w);
	for (size_t i = 0; i < s->n; i++) {
		s->places[i] = (struct place)PLACE_INIT;
		s->staging[i] = (struct staging){ -1, -1, -1 };
	}
	return s;
}

int stage_begin(struct window *w, const struct stage_about *about, struct stage **ret,
		char **ret_why)
{
	struct stage *s = new_stage(w);
	int err;

	*ret_why = NULL;
	if (!s)
		return -ENOMEM;
	err = begin(s, about, ret_why);
	if (err < 0) {
		stage_done(s);
		return err;
	}
	*ret = s;
	return 0;
}

int stage_slot(struct stage *s, size_t fs, struct slot *ret)
{
	char staging[NAME_SIZE];

	if (fs >= s->n)
		return -EINVAL;
	ret->dir_fd = s->staging[fs].slots_fd;
	snprintf(ret->name, sizeof(ret->name), "%zu", ++s->n_slots);
	snprintf(ret->path, sizeof(ret->path), "%s/" STAGING_SLOTS "/%s",
		 stage_name(s, fs, staging), ret->name);
	return 0;
}

int stage_links_fd(struct stage *s, size_t fs)
{
	return fs < s->n ? s->staging[fs].links_fd : -EINVAL;
}

int stage_dir_fd(struct stage *s, size_t fs)
{
	return fs < s->n ? s->places[fs].dir_fd : -EINVAL;
}

void stage_add_bytes(struct stage *s, uint64_t bytes)
{
	s->record.bytes += bytes;
}

size_t stage_count(const struct stage *s)
{
	return s->record.n_entries;
}

unsigned stage_number(const struct stage *s)
{
	return s->record.number;
}

/* The mark is not set: nothing that is there counts. A later stage_begin() removes what cannot be removed now. */
static void remove_staged(struct stage *s)
{
	char name[NAME_SIZE];

	for (size_t i = 0; i < s->n; i++)
		if (s->places[i].dir_fd >= 0)
			(void)clean_remove(s->places[i].base_fd, stage_name(s, i, name));
}

void stage_done(struct stage *s)
{
	if (!s)
		return;
	if (!s->marked)
		remove_staged(s);
	for (size_t i = 0; i < s->n; i++) {
		closep(&s->staging[i].slots_fd);
		closep(&s->staging[i].links_fd);
		closep(&s->staging[i].old_fd);
		place_done(&s->places[i]);
	}
	record_done(&s->record);
	free(s->places);
	free(s->staging);
	free(s->user);
	free(s->why);
	free(s);
}

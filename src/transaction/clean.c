/* SPDX-License-Identifier: MIT */
#include "transaction/clean.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "basic/io.h"
#include "basic/text.h"
#include "layer/copy-tree.h"
#include "layer/walk.h"
#include "transaction/boot-id.h"
#include "transaction/copies.h"
#include "transaction/fixed-flags.h"
#include "transaction/names.h"

static int clear_file(struct walk *w, const char *name, const struct stat *st)
{
	struct place_file f;
	int err = S_ISREG(st->st_mode) ? place_look(w->fd, name, &f) : 1;

	return err == 0 && f.flags ? fixed_flags_clear(w->fd, name) : err < 0 ? err : 0;
}

static int clear_directory(struct walk *w)
{
	struct place_file f;
	int err = place_look(w->fd, "", &f);

	return err == 0 && f.flags ? fixed_flags_clear(w->fd, "") : err;
}

static int clear_all(int dir_fd, const char *name)
{
	static const struct walk_ops ops = { .file = clear_file, .leave = clear_directory };
	_cleanup_walk_ struct walk w = WALK_INIT(&ops, NULL);

	return walk_all(&w, dir_fd, name);
}

int clean_remove(int dir_fd, const char *name)
{
	int err = copy_tree_remove(dir_fd, name);

	if (err != -EPERM)
		return err;
	err = clear_all(dir_fd, name);
	return err < 0 ? err : copy_tree_remove(dir_fd, name);
}

/* A power cut in the middle leaves no kept.N of which only a part is there. */
static int remove_numbered(int base_fd, const char *what, unsigned number)
{
	char from[NAME_SIZE], to[NAME_SIZE];

	name_of(from, what, number);
	name_of(to, NAME_TRASH, number);
	if (renameat(base_fd, from, base_fd, to) < 0)
		return -errno;
	return clean_remove(base_fd, to);
}

int clean_kept(int base_fd, unsigned number)
{
	return remove_numbered(base_fd, NAME_KEPT, number);
}

static int remove_trash(int base_fd)
{
	_cleanup_name_list_ struct name_list trash = { 0 };
	int err = name_list_read(base_fd, NAME_TRASH, &trash);

	for (size_t i = 0; err >= 0 && i < trash.n; i++) {
		char name[NAME_SIZE];

		err = clean_remove(base_fd, name_of(name, NAME_TRASH, trash.numbers[i]));
	}
	return err;
}

/* What is known of one kept.N: all-zero where its record cannot be read. */
struct kept_one {
	char boot[BOOT_ID_SIZE];
	unsigned undoes;
	bool needed;
};

static void look_at_kept(int base_fd, unsigned number, struct kept_one *ret)
{
	_cleanup_record_ struct record r = { 0 };
	char name[NAME_SIZE];
	_cleanup_close_ int fd = open_dir_at(base_fd, name_of(name, NAME_KEPT, number));

	*ret = (struct kept_one){ .needed = fd >= 0 && copies_exist_in(fd) };
	if (fd < 0 || record_read(fd, &r) < 0)
		return;
	strcpy(ret->boot, r.boot);
	ret->undoes = r.undoes;
}

static void need(const struct name_list *list, struct kept_one *kept, unsigned number)
{
	for (size_t i = 0; i < list->n; i++)
		if (list->numbers[i] == number)
			kept[i].needed = true;
}

/* An undo of this boot has moved what is in use now into the kept.N of the transaction that it has put back. */
static void find_needed(const struct name_list *list, struct kept_one *kept,
			const struct clean_about *about)
{
	need(list, kept, about->spare);
	for (size_t i = 0; i < list->n; i++)
		if (strcmp(kept[i].boot, about->boot) == 0) {
			kept[i].needed = true;
			need(list, kept, kept[i].undoes);
		}
}

static int remove_unneeded(int base_fd, const struct name_list *list, struct kept_one *kept,
			   const struct clean_about *about)
{
	int err = 0;

	for (size_t i = 0; i < list->n; i++)
		look_at_kept(base_fd, list->numbers[i], &kept[i]);
	find_needed(list, kept, about);
	for (size_t i = 0; i < list->n && err >= 0; i++)
		if (!kept[i].needed)
			err = clean_kept(base_fd, list->numbers[i]);
	return err;
}

static int interrupted(char **ret_why)
{
	int err = text_format(
		ret_why, "an earlier transaction was interrupted; reboot to complete it, or see "
			 "rofs-finish(8) if that has failed");

	return err < 0 ? err : -EPERM;
}

int clean_check(int base_fd, char **ret_why)
{
	struct place_file commit;
	int err = place_look(base_fd, NAME_COMMIT, &commit);

	return err >= 0 && commit.exists ? interrupted(ret_why) : err;
}

static void raise_to(unsigned *highest, const struct name_list *list)
{
	if (list->n > 0 && list->numbers[list->n - 1] > *highest)
		*highest = list->numbers[list->n - 1];
}

static int clean_root(int base_fd, const struct clean_about *about, unsigned *highest,
		      char **ret_why)
{
	_cleanup_name_list_ struct name_list list = { 0 }, pending = { 0 };
	_cleanup_free_ struct kept_one *kept = NULL;
	int err = clean_check(base_fd, ret_why);

	if (err >= 0)
		err = clean_remove(base_fd, NAME_STAGING);
	if (err >= 0)
		err = name_list_read(base_fd, NAME_KEPT, &list);
	if (err >= 0)
		err = name_list_read(base_fd, NAME_PENDING, &pending);
	if (err < 0)
		return err;
	raise_to(highest, &list);
	raise_to(highest, &pending);
	kept = calloc(list.n + 1, sizeof(*kept));
	if (!kept)
		return -ENOMEM;
	return remove_unneeded(base_fd, &list, kept, about);
}

/* What was sealed is finished by now. */
static int clean_staged(int base_fd, unsigned *highest)
{
	_cleanup_name_list_ struct name_list staged = { 0 };
	int err = name_list_read(base_fd, NAME_STAGING, &staged);

	raise_to(highest, &staged);
	for (size_t i = 0; err >= 0 && i < staged.n; i++)
		err = remove_numbered(base_fd, NAME_STAGING, staged.numbers[i]);
	return err;
}

/* Of another file system: what the root file system has no longer. */
static int clean_other(int root_base, int base_fd, unsigned *highest)
{
	_cleanup_name_list_ struct name_list kept = { 0 }, of_root = { 0 };
	int err = clean_staged(base_fd, highest);

	if (err >= 0)
		err = name_list_read(base_fd, NAME_KEPT, &kept);
	if (err >= 0)
		err = name_list_read(root_base, NAME_KEPT, &of_root);
	for (size_t i = 0; err >= 0 && i < kept.n; i++)
		if (!name_list_has(&of_root, kept.numbers[i]))
			err = clean_kept(base_fd, kept.numbers[i]);
	return err;
}

int clean(struct place_list places, const struct clean_about *about, unsigned *ret_highest,
	  char **ret_why)
{
	const int root_base = places.places[0].base_fd;
	unsigned highest = 0;
	int err = 0;

	for (size_t i = 0; err >= 0 && i < places.n; i++)
		err = remove_trash(places.places[i].base_fd);
	if (err >= 0)
		err = clean_root(root_base, about, &highest, ret_why);
	for (size_t i = 1; err >= 0 && i < places.n; i++)
		err = clean_other(root_base, places.places[i].base_fd, &highest);
	if (err >= 0)
		*ret_highest = highest;
	return err;
}

/* SPDX-License-Identifier: MIT */
#include "transaction/keep.h"

#include <stdio.h>

#include "basic/io.h"
#include "transaction/names.h"

#define NAME_DONE "done"
#define NAME_BACK "back"

int keep(int base_fd, const char *from, const char *to)
{
	if (renameat(base_fd, from, base_fd, to) < 0)
		return -errno;
	return fsync(base_fd) < 0 ? -errno : 0;
}

int keep_note(int dir_fd, size_t i)
{
	char name[NAME_SIZE];

	return write_file(dir_fd, name_of(name, NAME_DONE, (unsigned)i), 0600, "");
}

int keep_note_back(int dir_fd)
{
	return keep_is_noted_back(dir_fd) ? 0 : write_file(dir_fd, NAME_BACK, 0600, "");
}

bool keep_is_noted_back(int dir_fd)
{
	struct place_file f;

	return place_look(dir_fd, NAME_BACK, &f) >= 0 && f.exists;
}

bool keep_is_noted(int dir_fd, size_t i)
{
	char name[NAME_SIZE];
	struct place_file f;

	return place_look(dir_fd, name_of(name, NAME_DONE, (unsigned)i), &f) >= 0 && f.exists;
}

bool keep_is_done(int dir_fd, size_t n)
{
	for (size_t i = 1; i < n; i++)
		if (!keep_is_noted(dir_fd, i))
			return false;
	return true;
}

int keep_other(const struct place *p, int dir_fd, size_t i, unsigned number)
{
	char staging[NAME_SIZE], kept[NAME_SIZE];
	int err = keep(p->base_fd, name_of(staging, NAME_STAGING, number),
		       name_of(kept, NAME_KEPT, number));

	return err < 0 ? err : keep_note(dir_fd, i);
}

int keep_all(struct place_list places, unsigned number)
{
	char kept[NAME_SIZE];
	int err = 0;

	for (size_t i = places.n; i > 1 && err >= 0; i--)
		err = keep_other(&places.places[i - 1], places.places[0].dir_fd, i - 1, number);
	if (err < 0)
		return err;
	return keep(places.places[0].base_fd, NAME_COMMIT, name_of(kept, NAME_KEPT, number));
}

/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "basic/diag.h"
#include "system/unit-dirs.h"

/** struct unit_setting - one assignment in a unit file or in one of its drop-ins */
struct unit_setting {
	const char *section, *key,
		*value; /* point into the texts of the unit; "" is an empty value */
	struct pos pos; /* where it begins */
};

/**
 * struct unit_file - what the files of a unit say, its drop-ins included; all-zero is empty
 *
 * Lenient: a line that systemd would reject is passed over. Specifiers are not expanded.
 */
struct unit_file {
	/*
	 * All that was read, in the order in which systemd reads it: the unit file itself, then drop-ins by
	 * file name. Owned.
	 */
	char **files, **texts;
	size_t n_files;
	bool has_fragment; /* the first of @files is the unit file itself, and not a drop-in */
	/* The directory with the unit file, also if that is masked or cannot be read; NULL: none. */
	const char *fragment_dir;
	bool is_masked; /* the unit file is empty, or a link to /dev/null; nothing else is read */
	/* -errno: a file could not be read; @unread_file says which, NULL: none. */
	int unread;
	char *unread_file;
	struct unit_setting *settings;
	size_t n_settings;
};

/**
 * unit_file_read - read a unit and its drop-ins
 * @name: of the unit, such as "home.mount" or "getty@tty1.service"
 * @ret:  all-zero before; unit_file_done() frees it, also after a failure. Nothing that has a pos of it may
 *        outlive it.
 *
 * The unit file is the one in the first directory that has one: of an instance, the template counts
 * where no directory has the instance itself. Drop-ins are those of all directories, for this name, for
 * the template, for the unit that an alias is a link to, for each prefix that ends in a dash, and for the
 * type. The first of several with one file name counts: an empty file or a link to /dev/null masks it.
 *
 * Returns: 0, also where there is no such unit or it cannot be read, or -ENOMEM.
 */
int unit_file_read(const struct unit_dirs *d, const char *name, struct unit_file *ret);

/**
 * unit_file_add - add the settings of one file, as unit_file_read() does
 * @path: copied
 * @text: taken over, also after a failure; ends in a NUL
 *
 * Returns: 0 or -ENOMEM.
 */
int unit_file_add(struct unit_file *u, const char *path, char *text, size_t len);
void unit_file_done(struct unit_file *u);

/**
 * unit_file_next - go through what a key is set to, for keys that add up
 * @previous: what it returned before; NULL: begin
 *
 * An empty value resets a list: only what comes after the last one is returned.
 *
 * Returns: the next, or NULL.
 */
const struct unit_setting *unit_file_next(const struct unit_file *u, const char *section,
					  const char *key, const struct unit_setting *previous);

/**
 * unit_file_last - what a key is set to, for keys of which the last assignment counts
 *
 * Returns: NULL where it is not set, or reset by an empty value.
 */
const struct unit_setting *unit_file_last(const struct unit_file *u, const char *section,
					  const char *key);

/** unit_file_pulls_in - does starting it start unit @name, by Requires=, Wants=, BindsTo= or Requisite=? */
bool unit_file_pulls_in(const struct unit_file *u, const char *name);

#define _cleanup_unit_file_ _cleanup_(unit_file_done)

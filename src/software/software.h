/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "software/setting.h"

/*
 * Well-known software, and where it keeps its data. Only a table: what is really installed, and
 * where its data is, system/software-read.c finds out.
 */

enum software_kind {
	SOFTWARE_CONTAINERS, /* mounts overlays of its own, which an overlay cannot hold */
	SOFTWARE_MACHINES, /* disk images or root file systems of virtual machines or containers */
	SOFTWARE_APPLICATIONS, /* installs and updates applications */
	SOFTWARE_DATABASE,     /* files that are written to for ever, and matter */
	SOFTWARE_MAIL,
	SOFTWARE_STATE,	   /* small, and the software is not the same without it */
	SOFTWARE_IDENTITY, /* which the machine is for others: keys, leases */
	SOFTWARE_JOURNAL,  /* opened for writing at boot */
	SOFTWARE_LOG,	   /* appended to */
	SOFTWARE_CACHE,	   /* rewritten now and then, and can be made again */
	_SOFTWARE_KIND_MAX,
};

/** struct software_data - a directory, or a file, that software writes to */
struct software_data {
	const char *path; /* NULL: no more; one that begins with ~/ is in each home directory */
	const char *alternative; /* of other distributions: it counts where only this one exists */
	const char *suffix;	 /* of the names of the files that count; NULL: all */
	struct setting settings[8]; /* that move it; the last one that says something wins */
};

struct software {
	const char *name;
	enum software_kind kind;
	/*
	 * It is installed where one of the units is, unless they are all masked, or where there is none
	 * and one of the programs is. A path beginning with ~/ stands for a unit of a user.
	 */
	const char *units[4];
	const char *programs[3]; /* of /usr/bin, /usr/sbin and the same below /usr/local */
	struct software_data data[3];
};

/**
 * software_file_counts - is this one of the files that make the data of software large?
 * @suffix: of struct software_data; NULL: all files are
 *
 * journald writes to system.journal and user-1000.journal; those with an @ are finished, and only read.
 */
bool software_file_counts(const char *suffix, const char *name);

/** software_get - the @i-th of all that is known; NULL: there are no more */
const struct software *software_get(size_t i);

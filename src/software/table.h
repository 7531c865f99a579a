/* SPDX-License-Identifier: MIT */
#pragma once

#include "basic/macro.h"
#include "software/software.h"

/*
 * The parts of the table, and what its rows are written with.
 *
 * Sources: the packages of Debian and Arch and the documentation of each program, for units, default
 * directories and the names of settings.
 */

struct software_list {
	const struct software *list;
	size_t n;
};

extern const struct software_list software_containers, software_databases, software_services;

#define IN_HOME_CONF "~/.config/"

/* Settings. With _EACH, each value of it counts, not only the last one. */
#define SETTING(syntax_, file_, section_, key_, several_)                                   \
	{                                                                                   \
		.syntax = (syntax_), .file = (file_), .section = (section_), .key = (key_), \
		.several = (several_)                                                       \
	}
#define LINES(file, section, key)      SETTING(SETTING_LINES, file, section, key, false)
#define LINES_EACH(file, section, key) SETTING(SETTING_LINES, file, section, key, true)
#define JSON(file, key)		       SETTING(SETTING_JSON, file, NULL, key, false)
#define XML_EACH(file, key)	       SETTING(SETTING_XML, file, NULL, key, true)
#define ARGUMENT(file, key)	       SETTING(SETTING_ARGUMENT, file, NULL, key, false)

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

/* Settings: arguments that follow set more of their fields. */
#define SETTING(syntax_, file_, section_, key_, ...)                                        \
	{                                                                                   \
		.syntax = (syntax_), .file = (file_), .section = (section_), .key = (key_), \
		__VA_ARGS__                                                                 \
	}
#define LINES(file, section, ...) SETTING(SETTING_LINES, file, section, __VA_ARGS__)
#define JSON(file, ...)		  SETTING(SETTING_JSON, file, NULL, __VA_ARGS__)
#define XML(file, ...)		  SETTING(SETTING_XML, file, NULL, __VA_ARGS__)
#define ARGUMENT(file, ...)	  SETTING(SETTING_ARGUMENT, file, NULL, __VA_ARGS__)
#define APT(...)                                             \
	SETTING(SETTING_APT, APT_CONF_D, NULL, __VA_ARGS__), \
		SETTING(SETTING_APT, APT_CONF, NULL, __VA_ARGS__)

#define ALL	       .count = SETTING_COUNT_ALL
#define OF_FILE	       .count = SETTING_COUNT_LAST_OF_FILE
#define INCLUDES(keys) .includes = (keys)

/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>

/*
 * One value in the configuration of another program. The readers are lenient: they know the usual
 * forms, and what they do not understand is not there. Nothing is read from a file here.
 */

/*
 * The files of apt, in the order in which it reads them: in the directory, only those without an
 * extension and with that one, so that none is read that dpkg or an editor left there.
 */
#define APT_CONF_D "/etc/apt/apt.conf.d/@(*.conf|!(*.*))"
#define APT_CONF   "/etc/apt/apt.conf"

enum setting_syntax {
	/*
	 * key = value, key: value or key value, with or without quotes, below [section], or
	 * indented below section, or in brackets on its line: as in YAML; # and ; begin a comment.
	 * The case of the key does not matter.
	 */
	SETTING_LINES,
	SETTING_JSON, /* a string of the outermost object */
	SETTING_APT,  /* apt.conf(5): key "value"; with all of the name: "APT::Periodic::Enable" */
	SETTING_XML,  /* <key>value</key> */
	SETTING_ARGUMENT, /* --key=value or --key value, in a command line */
};

/** struct setting - where a program's configuration says something */
struct setting {
	enum setting_syntax syntax;
	/*
	 * A path, whose components may be patterns of fnmatch(3) with FNM_EXTMATCH, or begin with ~, the home directory of a
	 * user; or the name of a unit, whose ExecStart= is meant.
	 */
	const char *file;
	const char *section; /* patterns, blank-separated; NULL: outside of any */
	const char *key;
	bool several; /* each value counts; else the last one of all files */
};

/**
 * setting_find - call @each for each value of a setting
 * @text: of the file; modified
 * @each: gets the value and its line; returns 0 or -errno, which ends the search
 *
 * Returns: 0 or what @each has returned.
 */
int setting_find(const struct setting *s, char *text,
		 int (*each)(void *data, const char *value, unsigned line), void *data);

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

/** enum setting_count - which values count, of a setting that is there more than once */
enum setting_count {
	SETTING_COUNT_LAST,	    /* of all files */
	SETTING_COUNT_LAST_OF_FILE, /* with the files that it includes: of one instance of the program */
	SETTING_COUNT_ALL,
};

/** struct setting - where a program's configuration says something */
struct setting {
	enum setting_syntax syntax;
	/*
	 * A path, whose components may be patterns of fnmatch(3) with FNM_EXTMATCH, or begin with ~, the home directory of a
	 * user; or the name of a unit: its ExecStart=, and the variables of its environment.
	 */
	const char *file;
	const char *section; /* patterns, blank-separated; NULL: outside of any */
	const char *key;
	enum setting_count count;
	/*
	 * Of SETTING_LINES: keys, blank-separated, whose value names more files to read, as a path, a pattern or
	 * a directory; NULL: none.
	 */
	const char *includes;
	bool is_file;	    /* the value is a file, and its directory counts */
	const char *except; /* a pattern of values that do not count; NULL: all do */
	/*
	 * A directory does not count that holds files of such names only, which nobody writes to: a
	 * pattern; NULL: all do
	 */
	const char *unwritten;
	/* "maildir:/var/vmail/%d/%n:LAYOUT=fs": what does not depend on the user of the path counts. */
	bool is_mail_location;
};

/** struct setting_visitor - what is called for a setting; each returns 0 or -errno, which ends it */
struct setting_visitor {
	int (*value)(void *data, const char *value, unsigned line);
	int (*include)(void *data, const char *value); /* NULL: more files are of no interest */
	void *data;
};

/**
 * setting_find - look for the values of a setting
 * @text: of the file; modified
 *
 * Returns: 0 or what a function of @v has returned.
 */
int setting_find(const struct setting *s, char *text, const struct setting_visitor *v);

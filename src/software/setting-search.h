/* SPDX-License-Identifier: MIT */
#pragma once

#include "software/setting.h"

/* What the readers of each syntax share. */

#define SETTING_BLANKS " \t\r"

/** struct setting_search - what is looked for, and who wants it */
struct setting_search {
	const struct setting *setting;
	const struct setting_visitor *visitor;
	unsigned line;
};

/** setting_found - hand over a value on the current line. Returns: what the visitor does. */
int setting_found(const struct setting_search *x, const char *value);

/** setting_take_line - end the line at *@next, and leave there where the following one begins */
char *setting_take_line(char **next);

char *setting_skip_blanks(char *s);
void setting_trim_end(char *s);
bool setting_is_comment(const char *s);

/** setting_skip_past - behind @end, or at the end of the text; counts the lines in between */
char *setting_skip_past(struct setting_search *x, char *s, const char *end);

/* One for each syntax. @text is modified. Return 0 or what the visitor does. */
int setting_find_in_lines(struct setting_search *x, char *text);
int setting_find_in_json(struct setting_search *x, char *text);
int setting_find_in_apt(struct setting_search *x, char *text);
int setting_find_in_xml(struct setting_search *x, char *text);
int setting_find_in_arguments(struct setting_search *x, char *text);

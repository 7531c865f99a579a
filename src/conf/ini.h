/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "basic/diag.h"

#define INI_LINE_BYTES_MAX 4096u /* longest sane option list; rofs.conf(5) */
#define INI_FILE_BYTES_MAX \
	((size_t)1024 * 1024) /* a thousand sections with every key are about 300 KiB */

/** enum ini_refused - what a refused line may have meant */
enum ini_refused {
	INI_REFUSED_SETTING, /* something of the section above */
	INI_REFUSED_UNCLEAR, /* it holds a bracket: perhaps the header of another section */
	INI_REFUSED_HEADER,  /* it begins with '[': it ends the section above */
};

/**
 * struct ini_handler - receives what a file says, line by line
 *
 * @section: the text between the brackets, blanks around it removed, not empty
 * @setting: "key=value", blanks around both removed; @value may be empty
 * @refused: a line was refused. If it is, or may be, a header, settings up to the next header must
 *           not be taken for the last section's. @line: up to a NUL byte, and of any bytes
 *
 * The strings are valid during the call only. A negative return stops the reading and is passed on.
 */
struct ini_handler {
	int (*section)(char *name, struct pos pos, void *userdata);
	int (*setting)(char *key, char *value, struct pos pos, void *userdata);
	int (*refused)(enum ini_refused what, const char *line, struct pos pos, void *userdata);
};

/**
 * ini_read - split a configuration text into sections and settings
 * @text: @len bytes, modified; need not end in a newline; text[len] must be writable
 * @file: name for positions; borrowed by what is recorded in @d
 * @d:    receives every malformed line
 *
 * Knows lines, brackets and '=' and nothing else. Refuses with its line: NUL bytes, invalid UTF-8,
 * control characters, lines over INI_LINE_BYTES_MAX, text after ']', an empty name, a missing '='.
 * A '#' or ';' starts a comment only as the first character of a line that is not blank.
 *
 * Returns: 0 (also with mistakes, see @d), or what a handler returned.
 */
int ini_read(char *text, size_t len, const char *file, const struct ini_handler *handler,
	     void *userdata, struct diag *d);

/* SPDX-License-Identifier: MIT */
#pragma once

#include <inttypes.h>
#include <stdbool.h>

#include "basic/strbuf.h"

/*
 * JSON text, built in memory and printed at once. A writer appends without checking each call: the
 * buffer remembers that an allocation failed.
 */

struct json {
	struct strbuf text;
	unsigned depth;
	bool first; /* nothing has been written at this level: no comma */
};

/**
 * json_open, json_close - begin and end an object ('{') or an array ('[')
 * @key: in an object the name; NULL in an array and for the outermost value
 */
void json_open(struct json *j, const char *key, char bracket);
void json_close(struct json *j, char bracket);

/**
 * json_string - add a string; NULL becomes null
 *
 * Control characters become \u00NN, and bytes that are not UTF-8, as in names of files, U+FFFD.
 */
void json_string(struct json *j, const char *key, const char *value);

/**
 * json_add_text - what json_string() prints between the quotes, for json_text()
 *
 * Returns: how many bytes are not UTF-8.
 */
size_t json_add_text(struct strbuf *b, const char *s);

/** json_text - add a string that json_add_text() has made */
void json_text(struct json *j, const char *key, const char *text);
void json_number(struct json *j, const char *key, uint64_t value);
void json_null(struct json *j, const char *key);
void json_boolean(struct json *j, const char *key, bool value);

/**
 * json_flush - print what there is so far, so that memory does not grow with it
 *
 * Returns: 0 or -ENOMEM.
 */
int json_flush(struct json *j);

/** json_print - print and free it, with a newline at the end. Returns: 0 or -ENOMEM. */
int json_print(struct json *j);

static inline void json_done(struct json *j)
{
	strbuf_done(&j->text);
}

#define _cleanup_json_ _cleanup_(json_done)

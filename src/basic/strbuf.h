/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "basic/macro.h"

/**
 * struct strbuf - a string that grows; the error of an allocation sticks
 *
 * A writer appends without checking each call and asks once, with strbuf_take(), whether all of it
 * fitted. All-zero is an empty buffer.
 */
struct strbuf {
	char *text;  /* NUL-terminated once anything was appended; owned */
	size_t len;  /* bytes, without the NUL */
	size_t size; /* bytes allocated */
	bool failed; /* an allocation failed: text is incomplete */
};

void strbuf_done(struct strbuf *b);

void strbuf_add(struct strbuf *b, const char *s);
void strbuf_add_n(struct strbuf *b, const char *s, size_t n);
void strbuf_add_char(struct strbuf *b, char c);
void strbuf_addf(struct strbuf *b, const char *format, ...) _printf_(2, 3);

/**
 * strbuf_take - hand the finished string over
 * @b:   emptied on success
 * @ret: the string, the caller frees it; never NULL on success
 *
 * Returns: 0, or -ENOMEM if any append failed; the buffer is then freed.
 */
int strbuf_take(struct strbuf *b, char **ret);

#define _cleanup_strbuf_ _cleanup_(strbuf_done)

/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "basic/macro.h"

/**
 * text_format - a new string from a format, as asprintf(3)
 * @ret: the caller frees it; NULL on failure
 *
 * Returns: 0 or -ENOMEM.
 */
int text_format(char **ret, const char *format, ...) _printf_(2, 3);

/**
 * text_is_utf8 - are these @n bytes well-formed UTF-8?
 *
 * Refuses overlong forms, surrogates and code points over U+10FFFF (RFC 3629). NUL is well-formed
 * here.
 */
bool text_is_utf8(const char *s, size_t n);

/** text_has_control - is there an ASCII control character (below blank, or DEL) in @s? */
bool text_has_control(const char *s);

/**
 * text_escape - make a name of any bytes safe to show, in one line
 * @ret: control characters, backslashes and bytes that are not UTF-8 as \xNN, all else as it is;
 *       the caller frees it
 *
 * Control characters of C1 (U+0080 to U+009F), which some terminals obey, are shown so too.
 *
 * Returns: 0 or -ENOMEM.
 */
int text_escape(const char *s, char **ret);

/**
 * text_closest - the word of a list that @word was probably meant to be
 * @words: candidates, @n of them; NULL entries are skipped
 *
 * Case-insensitive, at most two letters wrong, missing, added or swapped, and at most a third of
 * the word.
 *
 * Returns: one of @words, or NULL when none is near.
 */
const char *text_closest(const char *word, const char *const *words, size_t n);

#define TEXT_BYTES_MAX 32u

/** text_bytes - "12 MiB", "1.5 GiB": an amount of memory for people. Returns: @buffer. */
const char *text_bytes(char buffer[TEXT_BYTES_MAX], uint64_t bytes);

/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "basic/macro.h"
#include "basic/strbuf.h"

/**
 * text_format - a new string from a format, as asprintf(3)
 * @ret: the caller frees it; NULL on failure
 *
 * Returns: 0 or -ENOMEM.
 */
int text_format(char **ret, const char *format, ...) _printf_(2, 3);

/** text_format_printable - as text_format(), and then as text_add_printable(): for a message */
int text_format_printable(char **ret, const char *format, va_list ap) _printf_(2, 0);

/**
 * text_is_utf8 - are these @n bytes well-formed UTF-8?
 *
 * Refuses overlong forms, surrogates and code points over U+10FFFF (RFC 3629). NUL is well-formed
 * here.
 */
bool text_is_utf8(const char *s, size_t n);

/**
 * text_next - the first character of UTF-8 text
 * @s:   not empty
 * @ret: its code point; set when it is well-formed
 *
 * Returns: its bytes, 1 to 4, or 0 when @s does not begin with a well-formed character.
 */
size_t text_next(const char *s, uint32_t *ret);

/**
 * text_is_control - can this code point act on a terminal or a log?
 *
 * C0 (below blank), DEL and C1 (U+0080 to U+009F; U+009B begins an escape sequence as ESC [ does).
 */
bool text_is_control(uint32_t c);

/** text_find_control - the first character of @s for which text_is_control() is true, or NULL */
const char *text_find_control(const char *s);

/** text_has_control - does @s hold a character for which text_is_control() is true? */
bool text_has_control(const char *s);

/**
 * text_add_printable - add text of foreign origin so that it is safe on a terminal and in a log
 *
 * The one way of bytes from a configuration, a medium or the journal into a message. It is one line
 * of UTF-8 then: control characters and bytes that are not UTF-8 become \xNN, all else stays.
 */
void text_add_printable(struct strbuf *b, const char *s);

/** text_printable - a new string with text as text_add_printable() shows it. Returns: 0 or -ENOMEM. */
int text_printable(const char *s, char **ret);

/** text_add_ascii - add @n bytes, \xNN in place of each that is not ASCII */
void text_add_ascii(struct strbuf *b, const char *s, size_t n);

/**
 * text_add_name - add the name of a file, as text_add_printable()
 *
 * A backslash before an x becomes \x5c, so that what is shown is the name of one file only. Tables
 * show names in the same way: it is that of libsmartcols.
 */
void text_add_name(struct strbuf *b, const char *s);

/**
 * text_escape - a new string with a name as text_add_name() shows it
 * @ret: the caller frees it
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

/** text_ends_in - does @s end in @suffix, and is it longer? */
bool text_ends_in(const char *s, const char *suffix);

/**
 * text_option_length - bytes of the mount option that @s begins with
 *
 * A comma ends it, unless there is a backslash before it; that is how systemd and mount(8) split options.
 */
size_t text_option_length(const char *s);

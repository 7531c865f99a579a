/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>

#include "conf/conf.h"
#include "plan/facts.h"
#include "unit/unit.h"

#define CHECK_LIBEXEC_DIR  "/usr/lib/rofs"
#define CHECK_PREPARE_PATH CHECK_LIBEXEC_DIR "/rofs-prepare"

/** check_that - abort with @what and the text it is about, unless @holds. */
void check_that(bool holds, const char *what, const char *about);

/**
 * check_units - judge a unit set by what was declared
 * @conf, @facts: what was declared. The plan is not asked: it is judged too.
 * @complete:     no mistake was found, so every section must be in force
 *
 * Reads the units as systemd does (continuation lines, comments, specifiers, quotes) and aborts on a line that the renderer cannot
 * have meant, and on a path that was not declared.
 */
void check_units(const struct conf *conf, const struct facts *facts, const struct unit_set *set,
		 bool complete);

/** check_headers - does a broken header, or whatever begins with '[', leave alone what is above it? */
void check_headers(const char *text, size_t len);

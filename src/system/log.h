/* SPDX-License-Identifier: MIT */
#pragma once

#include "basic/diag.h"

/*
 * Messages of all programs, apart from their output. A helper or the command uses log_error(),
 * log_warning() and log_info(), which write to standard error. The generator chooses a target once, with log_open().
 */

enum log_level {
	LOG_LEVEL_ERROR = 3, /* as syslog's numbers, which the kernel log uses too */
	LOG_LEVEL_WARNING = 4,
	LOG_LEVEL_INFO = 6,
};

/** enum log_form - what goes before the text of a line */
enum log_form {
	LOG_FORM_PLAIN,	  /* nothing, so that FILE:LINE: begins the line as with a compiler */
	LOG_FORM_PROGRAM, /* "rofs-prepare: " */
	LOG_FORM_JOURNAL, /* "<3>", from which journald takes the priority; sd-daemon(3) */
	LOG_FORM_KMSG,	  /* "<3>rofs-generator[PID]: " */
};

/** struct log - a target: an open descriptor and the form of its lines */
struct log {
	int fd;
	enum log_form form;
};

/**
 * log_open - choose where the generator's messages go
 *
 * /dev/kmsg, as the journal may not run yet, and generators must not use syslog or sd-journal
 * (systemd.generator(7)). Standard error if it is a terminal, or with ROFS_LOG=stderr;
 * ROFS_LOG=kmsg overrides the terminal.
 *
 * Returns: a target; log_close() closes it.
 */
struct log log_open(void);
void log_close(struct log *l);

/**
 * log_line - write one line to @l; a line that cannot be written is lost
 *
 * All that is logged goes through text_add_printable().
 */
void log_line(const struct log *l, enum log_level level, const char *format, ...) _printf_(3, 4);

/** log_diag - all the user's mistakes and warnings, one line each. */
void log_diag(const struct log *l, const struct diag *d);

/** log_is_journal - does systemd send standard error to the journal? (JOURNAL_STREAM, sd-daemon(3)) */
bool log_is_journal(void);

/**
 * log_error, log_warning, log_info - one line on standard error, with a priority if that is the journal
 * @err: passed on, so that a check can end in `return log_error(err, ...)`; not part of the text
 *
 * Returns: @err.
 */
int log_error(int err, const char *format, ...) _printf_(2, 3);
void log_warning(const char *format, ...) _printf_(1, 2);
void log_info(const char *format, ...) _printf_(1, 2);

/* SPDX-License-Identifier: MIT */
#pragma once

#include "basic/diag.h"

/*
 * Messages of the generator: the journal is not up yet, and syslog and sd-journal are off limits
 * for generators.
 */

enum log_level {
	LOG_LEVEL_ERROR = 3, /* as syslog's numbers, which the kernel log uses too */
	LOG_LEVEL_WARNING = 4,
	LOG_LEVEL_INFO = 6,
};

struct log {
	int fd;	     /* of /dev/kmsg; -1: standard error */
	bool prefix; /* begin with "<3>rofs-generator[PID]: " */
};

/**
 * log_open - choose where messages go
 *
 * Standard error when it is a terminal or with ROFS_LOG=stderr; else /dev/kmsg (ROFS_LOG=kmsg:
 * always).
 */
struct log log_open(void);
void log_close(struct log *l);

void log_line(const struct log *l, enum log_level level, const char *format, ...) _printf_(3, 4);

/** log_diag - all the user's mistakes and warnings, one line each. */
void log_diag(const struct log *l, const struct diag *d);

/* SPDX-License-Identifier: MIT */
#include "system/log.h"

#include <fcntl.h>
#include <stdarg.h>
#include <string.h>

/* The kernel refuses records over 1024 less its own prefix (CONSOLE_EXT_LOG_MAX, kernel/printk). */
#define KMSG_BYTES_MAX 900u

struct log log_open(void)
{
	const char *target = getenv("ROFS_LOG");
	bool to_stderr = target ? strcmp(target, "stderr") == 0 : isatty(STDERR_FILENO) > 0;
	struct log l = { .fd = -1 };

	if (to_stderr)
		return l;
	l.fd = open("/dev/kmsg", O_WRONLY | O_CLOEXEC | O_NOCTTY);
	l.prefix = l.fd >= 0;
	return l;
}

void log_close(struct log *l)
{
	closep(&l->fd);
	l->fd = -1;
}

/*
 * The kernel takes one write for one record; a message that is cut says so. Not dprintf(3): glibc
 * gives up on a file that refuses to tell its position, as this one does.
 */
static void write_kmsg(const struct log *l, enum log_level level, const char *text)
{
	char record[KMSG_BYTES_MAX + 64];
	bool cut = strlen(text) > KMSG_BYTES_MAX;
	int n = snprintf(record, sizeof(record), "<%d>rofs-generator[%d]: %.*s%s\n", level,
			 (int)getpid(), (int)KMSG_BYTES_MAX, text, cut ? "..." : "");

	if (n < 0 || write(l->fd, record, (size_t)n) < 0)
		return; /* nobody else to tell */
}

void log_line(const struct log *l, enum log_level level, const char *format, ...)
{
	_cleanup_free_ char *text = NULL;
	va_list ap;
	int n;

	va_start(ap, format);
	n = vasprintf(&text, format, ap);
	va_end(ap);
	if (n < 0) {
		text = NULL;
		return;
	}

	if (l->prefix)
		write_kmsg(l, level, text);
	else
		dprintf(STDERR_FILENO, "%s\n", text);
}

static enum log_level level_of(enum diag_level level)
{
	switch (level) {
	case DIAG_ERROR:
		return LOG_LEVEL_ERROR;
	case DIAG_WARNING:
	case DIAG_NOTE:
		return LOG_LEVEL_WARNING;
	}
	return LOG_LEVEL_ERROR;
}

void log_diag(const struct log *l, const struct diag *d)
{
	for (size_t i = 0; i < d->n_entries; i++) {
		_cleanup_free_ char *line = NULL;

		if (diag_format(&d->entries[i], &line) < 0)
			continue;
		log_line(l, level_of(d->entries[i].level), "%s", line);
	}
	if (d->failed)
		log_line(l, LOG_LEVEL_ERROR, "out of memory: some messages are lost");
}

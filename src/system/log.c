/* SPDX-License-Identifier: MIT */
#include "system/log.h"

#include <fcntl.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>

#include "basic/macro.h"
#include "basic/text.h"
#include "system/terminal.h"

/* The kernel refuses records over 1024 less its own prefix (CONSOLE_EXT_LOG_MAX, kernel/printk). */
#define KMSG_BYTES_MAX 900u
#define NAME_BYTES_MAX 32u /* a program may have been started by any name */

bool log_is_journal(void)
{
	const char *stream = getenv("JOURNAL_STREAM");
	char here[64];
	struct stat st;

	/* The variable stays when a service redirects its standard error. */
	if (!stream || fstat(STDERR_FILENO, &st) < 0)
		return false;
	snprintf(here, sizeof(here), "%ju:%ju", (uintmax_t)st.st_dev, (uintmax_t)st.st_ino);
	return strcmp(stream, here) == 0;
}

struct log log_open(void)
{
	const char *target = getenv("ROFS_LOG");
	bool to_stderr = target ? strcmp(target, "stderr") == 0 : isatty(STDERR_FILENO) > 0;
	struct log l = { .fd = STDERR_FILENO, .form = LOG_FORM_PLAIN };
	int fd;

	if (to_stderr)
		return l;
	fd = open("/dev/kmsg", O_WRONLY | O_CLOEXEC | O_NOCTTY);
	if (fd >= 0)
		l = (struct log){ .fd = fd, .form = LOG_FORM_KMSG };
	return l;
}

void log_close(struct log *l)
{
	if (l->fd != STDERR_FILENO)
		closep(&l->fd);
	l->fd = -1;
}

/* Bytes of whole characters within the limit. */
static size_t cut(const char *text)
{
	size_t n = KMSG_BYTES_MAX;

	while (n > 0 && ((unsigned char)text[n] & 0xc0) == 0x80)
		n--;
	return n;
}

/*
 * One write is one record for the kernel; a message that is cut ends in "...". Not dprintf(3):
 * glibc's fails on a file whose position the kernel does not tell, as here.
 */
static void write_kmsg(const struct log *l, enum log_level level, const char *text)
{
	char record[KMSG_BYTES_MAX + NAME_BYTES_MAX + 32];
	size_t whole = strlen(text), shown = whole > KMSG_BYTES_MAX ? cut(text) : whole;
	int n = snprintf(record, sizeof(record), "<%d>%.*s[%d]: %.*s%s\n", level,
			 (int)NAME_BYTES_MAX, program_invocation_short_name, (int)getpid(),
			 (int)shown, text, shown < whole ? "..." : "");

	if (n < 0 || write(l->fd, record, (size_t)n) < 0)
		return; /* nowhere else to log */
}

/* Not dprintf(3), which allocates: that no memory is left is to be said as well. */
static void write_parts(const struct log *l, const char *before, const char *between,
			const char *text)
{
	struct iovec parts[] = {
		{ (char *)before, strlen(before) },
		{ (char *)between, strlen(between) },
		{ (char *)text, strlen(text) },
		{ (char *)"\n", 1 },
	};

	if (writev(l->fd, parts, ELEMENTSOF(parts)) < 0)
		return; /* nowhere else to log */
}

static void write_line(const struct log *l, enum log_level level, const char *text)
{
	char priority[8];

	switch (l->form) {
	case LOG_FORM_PLAIN:
		write_parts(l, "", "", text);
		break;
	case LOG_FORM_PROGRAM:
		write_parts(l, program_invocation_short_name, ": ", text);
		break;
	case LOG_FORM_JOURNAL:
		snprintf(priority, sizeof(priority), "<%d>", level);
		write_parts(l, priority, "", text);
		break;
	case LOG_FORM_KMSG:
		write_kmsg(l, level, text);
		break;
	}
}

_printf_(3, 0) static void write_format(const struct log *l, enum log_level level,
					const char *format, va_list ap)
{
	_cleanup_free_ char *text = NULL;
	_cleanup_strbuf_ struct strbuf ascii = { 0 };
	int err = text_format_printable(&text, format, ap);

	if (err >= 0 && terminal_lacks_utf8(l->fd))
		text_add_ascii(&ascii, text, strlen(text));
	if (err < 0 || ascii.failed)
		write_line(l, level, "out of memory: a message is lost");
	else
		write_line(l, level, ascii.text ? ascii.text : text);
}

void log_line(const struct log *l, enum log_level level, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	write_format(l, level, format, ap);
	va_end(ap);
}

static struct log standard_error(void)
{
	return (struct log){
		.fd = STDERR_FILENO,
		.form = log_is_journal() ? LOG_FORM_JOURNAL : LOG_FORM_PROGRAM,
	};
}

int log_error(int err, const char *format, ...)
{
	struct log l = standard_error();
	va_list ap;

	va_start(ap, format);
	write_format(&l, LOG_LEVEL_ERROR, format, ap);
	va_end(ap);
	return err;
}

void log_warning(const char *format, ...)
{
	struct log l = standard_error();
	va_list ap;

	va_start(ap, format);
	write_format(&l, LOG_LEVEL_WARNING, format, ap);
	va_end(ap);
}

void log_info(const char *format, ...)
{
	struct log l = standard_error();
	va_list ap;

	va_start(ap, format);
	write_format(&l, LOG_LEVEL_INFO, format, ap);
	va_end(ap);
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

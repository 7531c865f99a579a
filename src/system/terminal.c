/* SPDX-License-Identifier: MIT */
#include "system/terminal.h"

#include <langinfo.h>
#include <locale.h>
#include <stdio.h>
#include <string.h>

#include "basic/io.h"
#include "basic/macro.h"
#include "basic/text.h"

bool terminal_lacks_utf8(int fd)
{
	locale_t locale;
	bool utf8;

	if (isatty(fd) <= 0)
		return false;
	locale = newlocale(LC_CTYPE_MASK, "", (locale_t)0);
	utf8 = locale && strcmp(nl_langinfo_l(CODESET, locale), "UTF-8") == 0;
	if (locale)
		freelocale(locale);
	return !utf8;
}

/* Returns: @n, or 0 on failure; fopencookie(3). */
static ssize_t write_ascii(void *cookie _unused_, const char *data, size_t n)
{
	_cleanup_strbuf_ struct strbuf b = { 0 };

	text_add_ascii(&b, data, n);
	return b.failed || write_all(STDOUT_FILENO, b.text, b.len) < 0 ? 0 : (ssize_t)n;
}

int terminal_guard_output(void)
{
	FILE *f;

	if (!terminal_lacks_utf8(STDOUT_FILENO))
		return 0;
	f = fopencookie(NULL, "w", (cookie_io_functions_t){ .write = write_ascii });
	if (!f)
		return -ENOMEM;
	setvbuf(f, NULL, _IOLBF, 0);
	stdout = f;
	return 0;
}

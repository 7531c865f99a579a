/* SPDX-License-Identifier: MIT */
#include "basic/diag.h"

#include "basic/strbuf.h"
#include "basic/text.h"

void diag_done(struct diag *d)
{
	for (size_t i = 0; i < d->n_entries; i++)
		free(d->entries[i].text);
	free(d->entries);
	*d = (struct diag){ 0 };
}

void diag_add(struct diag *d, enum diag_level level, struct diag_about about, struct pos pos,
	      const char *format, va_list ap)
{
	char *text;

	if (level == DIAG_ERROR)
		d->n_errors++;

	if (array_reserve(d->entries, d->n_entries) < 0 ||
	    text_format_printable(&text, format, ap) < 0) {
		d->failed = true;
		return;
	}

	d->entries[d->n_entries++] =
		(struct diag_entry){ .level = level, .pos = pos, .text = text, .about = about };
}

int diag_error(struct diag *d, struct pos pos, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	diag_add(d, DIAG_ERROR, (struct diag_about){ 0 }, pos, format, ap);
	va_end(ap);
	return -EBADMSG;
}

void diag_warning(struct diag *d, struct pos pos, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	diag_add(d, DIAG_WARNING, (struct diag_about){ 0 }, pos, format, ap);
	va_end(ap);
}

void diag_note(struct diag *d, struct pos pos, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	diag_add(d, DIAG_NOTE, (struct diag_about){ 0 }, pos, format, ap);
	va_end(ap);
}

const char *diag_level_to_string(enum diag_level level)
{
	switch (level) {
	case DIAG_ERROR:
		return "error";
	case DIAG_WARNING:
		return "warning";
	case DIAG_NOTE:
		return "note";
	}
	return "error";
}

static void add_place(struct strbuf *b, struct pos pos)
{
	text_add_printable(b, pos.file);
	if (pos.line)
		strbuf_addf(b, ":%u", pos.line);
}

int diag_place(struct pos pos, char **ret)
{
	_cleanup_strbuf_ struct strbuf b = { 0 };

	if (pos.file)
		add_place(&b, pos);
	return strbuf_take(&b, ret);
}

int diag_format(const struct diag_entry *e, char **ret)
{
	_cleanup_strbuf_ struct strbuf b = { 0 };

	if (e->pos.file) {
		add_place(&b, e->pos);
		strbuf_add(&b, ": ");
	}
	if (e->level != DIAG_ERROR)
		strbuf_addf(&b, "%s: ", diag_level_to_string(e->level));
	strbuf_add(&b, e->text);
	return strbuf_take(&b, ret);
}

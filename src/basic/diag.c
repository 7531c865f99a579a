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

bool diag_is_full(const struct diag *d)
{
	return d->n_told >= DIAG_TOLD_MAX;
}

static void append(struct diag *d, struct diag_entry entry)
{
	if (!entry.text || array_reserve(d->entries, d->n_entries) < 0) {
		free(entry.text);
		d->failed = true;
		return;
	}
	d->entries[d->n_entries++] = entry;
}

/* The last entry counts them. */
static void count_untold(struct diag *d, enum diag_level level)
{
	char *text = NULL;

	d->n_untold++;
	if (d->failed)
		return;
	if (d->n_untold > 1) {
		struct diag_entry *before = &d->entries[--d->n_entries];

		if (before->level < level)
			level = before->level;
		free(before->text);
	}
	if (text_format(&text, "%zu more errors and warnings are not shown", d->n_untold) < 0)
		text = NULL;
	append(d, (struct diag_entry){ .level = level, .text = text });
}

/* Is an entry of this @level to be added? If not, it is only counted. */
static bool is_told(struct diag *d, enum diag_level level)
{
	if (level == DIAG_ERROR)
		d->n_errors++;
	/* A note belongs to what is before it. */
	if (level == DIAG_NOTE)
		return d->n_untold == 0;
	if (diag_is_full(d) && !d->draft)
		return count_untold(d, level), false;
	d->n_told++;
	return true;
}

void diag_add(struct diag *d, enum diag_level level, struct diag_about about, struct pos pos,
	      const char *format, va_list ap)
{
	struct diag_entry entry = { .level = level, .pos = pos, .about = about };

	if (!is_told(d, level))
		return;
	if (text_format_printable(&entry.text, format, ap) < 0)
		entry.text = NULL;
	append(d, entry);
}

void diag_move(struct diag *draft, size_t first, size_t last, struct diag *to)
{
	for (size_t i = first; i < last; i++) {
		struct diag_entry *e = &draft->entries[i];

		if (is_told(to, e->level))
			append(to, (struct diag_entry){ e->level, e->pos, TAKE_PTR(e->text),
							e->about });
	}
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

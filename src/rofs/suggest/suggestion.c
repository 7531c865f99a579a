/* SPDX-License-Identifier: MIT */
#include "rofs/suggest/suggestion.h"

#include <stdarg.h>
#include <string.h>

#include "basic/text.h"

static int add_text(struct suggested_text *t, const char *format, va_list ap) _printf_(2, 0);

static int add_text(struct suggested_text *t, const char *format, va_list ap)
{
	char *text;

	if (array_reserve(t->list, t->n) < 0)
		return -ENOMEM;
	if (vasprintf(&text, format, ap) < 0)
		return -ENOMEM;
	for (size_t i = 0; i < t->n; i++)
		if (strcmp(t->list[i], text) == 0)
			return free(text), 0;
	t->list[t->n++] = text;
	return 0;
}

int suggested_text_add(struct suggested_text *t, const char *format, ...)
{
	va_list ap;
	int err;

	va_start(ap, format);
	err = add_text(t, format, ap);
	va_end(ap);
	return err;
}

static void section_done(struct suggested_section *s)
{
	for (size_t i = 0; i < s->n_keys; i++) {
		free(s->keys[i].assignment);
		free(s->keys[i].why);
	}
	free(s->keys);
	free(s->name);
	free(s->why);
}

int suggestion_add(struct suggestion *s, enum conf_kind kind, const char *name,
		   struct suggested_section **ret, const char *why, ...)
{
	struct suggested_section section = { .kind = kind };
	va_list ap;
	int n;

	if (array_reserve(s->sections, s->n_sections) < 0)
		return -ENOMEM;
	if (name) {
		section.name = strdup(name);
		if (!section.name)
			return -ENOMEM;
	}
	va_start(ap, why);
	n = vasprintf(&section.why, why, ap);
	va_end(ap);
	if (n < 0) {
		free(section.name);
		return -ENOMEM;
	}
	*ret = &s->sections[s->n_sections++];
	**ret = section;
	return 0;
}

int suggestion_explain(struct suggested_section *s, const char *format, ...)
{
	_cleanup_free_ char *more = NULL;
	char *why;
	va_list ap;
	int n;

	va_start(ap, format);
	n = vasprintf(&more, format, ap);
	va_end(ap);
	if (n < 0)
		return more = NULL, -ENOMEM;
	n = text_format(&why, "%s\n%s", s->why, more);
	if (n < 0)
		return n;
	free(s->why);
	s->why = why;
	return 0;
}

int suggested_section_set(struct suggested_section *s, const char *why, const char *assignment, ...)
{
	struct suggested_key key = { 0 };
	va_list ap;
	int n;

	if (array_reserve(s->keys, s->n_keys) < 0)
		return -ENOMEM;
	if (why) {
		key.why = strdup(why);
		if (!key.why)
			return -ENOMEM;
	}
	va_start(ap, assignment);
	n = vasprintf(&key.assignment, assignment, ap);
	va_end(ap);
	if (n < 0) {
		free(key.why);
		return -ENOMEM;
	}
	s->keys[s->n_keys++] = key;
	return 0;
}

static void text_done(struct suggested_text *t)
{
	for (size_t i = 0; i < t->n; i++)
		free(t->list[i]);
	free(t->list);
}

void suggestion_done(struct suggestion *s)
{
	text_done(&s->intro);
	text_done(&s->steps);
	text_done(&s->notes);
	for (size_t i = 0; i < s->n_sections; i++)
		section_done(&s->sections[i]);
	free(s->sections);
	*s = (struct suggestion){ 0 };
}

/* SPDX-License-Identifier: MIT */
#include "verdict/reported.h"

#include <string.h>

#include "basic/strbuf.h"

#define ERROR "error "
#define LEVEL "level "
#define KNOWN "known"

void reported_done(struct reported *s)
{
	for (size_t i = 0; i < s->n_levels; i++)
		free(s->levels[i].dir);
	free(s->levels);
	free(s->errors);
	*s = (struct reported){ 0 };
}

static struct reported_level *find(struct reported *s, const char *dir, size_t len)
{
	struct reported_level *level;

	for (size_t i = 0; i < s->n_levels; i++)
		if (strncmp(s->levels[i].dir, dir, len) == 0 && !s->levels[i].dir[len])
			return &s->levels[i];
	if (array_reserve(s->levels, s->n_levels) < 0)
		return NULL;
	level = &s->levels[s->n_levels];
	*level = (struct reported_level){ .dir = strndup(dir, len) };
	if (!level->dir)
		return NULL;
	s->n_levels++;
	return level;
}

/* "80 0 /rofs" */
static int parse_level(struct reported *s, const char *line, size_t len)
{
	struct reported_level *level;
	unsigned long bytes, inodes;
	char *rest, *dir;

	bytes = strtoul(line, &rest, 10);
	inodes = strtoul(rest, &dir, 10);
	if (rest == line || dir == rest || *dir != ' ' || dir + 1 >= line + len)
		return 0;
	dir++;
	level = find(s, dir, len - (size_t)(dir - line));
	if (!level)
		return -ENOMEM;
	level->bytes = usage_level((unsigned)bytes);
	level->inodes = usage_level((unsigned)inodes);
	return 0;
}

int reported_parse(const char *text, struct reported *ret)
{
	_cleanup_reported_ struct reported s = { 0 };
	_cleanup_strbuf_ struct strbuf errors = { 0 };
	bool known = false;

	for (const char *t = text; *t;) {
		size_t len = strcspn(t, "\n");

		if (strncmp(t, ERROR, strlen(ERROR)) == 0) {
			strbuf_add_n(&errors, t + strlen(ERROR), len - strlen(ERROR));
			strbuf_add_char(&errors, '\n');
		} else if (strncmp(t, LEVEL, strlen(LEVEL)) == 0) {
			if (parse_level(&s, t + strlen(LEVEL), len - strlen(LEVEL)) < 0)
				return -ENOMEM;
		} else if (strncmp(t, KNOWN, strlen(KNOWN)) == 0) {
			known = true;
		}
		t += len + (t[len] == '\n');
	}
	if (known && strbuf_take(&errors, &s.errors) < 0)
		return -ENOMEM;

	*ret = TAKE_STRUCT(s);
	return 0;
}

int reported_format(const struct reported *s, char **ret)
{
	_cleanup_strbuf_ struct strbuf b = { 0 };

	if (s->errors)
		strbuf_add(&b, KNOWN "\n");
	for (const char *t = s->errors ? s->errors : ""; *t; t += strcspn(t, "\n") + 1) {
		strbuf_add(&b, ERROR);
		strbuf_add_n(&b, t, strcspn(t, "\n") + 1);
	}
	for (size_t i = 0; i < s->n_levels; i++)
		if (s->levels[i].bytes || s->levels[i].inodes)
			strbuf_addf(&b, LEVEL "%u %u %s\n", s->levels[i].bytes, s->levels[i].inodes,
				    s->levels[i].dir);
	return strbuf_take(&b, ret);
}

int reported_errors(const struct verdict *v, char **ret)
{
	_cleanup_strbuf_ struct strbuf b = { 0 };

	for (size_t i = 0; i < v->problems.n_errors; i++) {
		const struct problem *p = &v->problems.items[i];

		strbuf_addf(&b, "%s\t%s\t%s", problem_kind_to_string(p->kind),
			    p->path ? p->path : "", p->partition ? p->partition : "");
		if (p->entry && p->entry->pos.file)
			strbuf_addf(&b, "\t%s:%u", p->entry->pos.file, p->entry->pos.line);
		strbuf_add_char(&b, '\n');
	}
	return strbuf_take(&b, ret);
}

int reported_step(struct reported *s, const struct storage *v, enum reported_resource kind,
		  unsigned *ret)
{
	unsigned percent = kind == REPORTED_BYTES ? usage_percent(&v->usage) :
						    usage_inodes_percent(&v->usage);
	unsigned now = usage_level(percent),
		 relaxed = usage_level(percent + REPORTED_SLACK_PERCENT);
	struct reported_level *level;
	unsigned *before;

	*ret = 0;
	if (!v->usage.known)
		return 0;
	level = find(s, v->dir, strlen(v->dir));
	if (!level)
		return -ENOMEM;

	before = kind == REPORTED_BYTES ? &level->bytes : &level->inodes;
	if (now > *before)
		*ret = *before = now;
	else if (relaxed < *before)
		*before = relaxed;
	return 0;
}

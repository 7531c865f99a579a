/* SPDX-License-Identifier: MIT */
/* apt.conf(5): statements that end in a semicolon, also in blocks that begin a name. */
#include <string.h>

#include "basic/macro.h"
#include "software/setting-search.h"

#define BLANKS	   SETTING_BLANKS "\n"
#define MARKS	   ";{}"
#define BLOCKS_MAX 8u /* one in the other: those of the table have fewer parts */

/* struct statement - its first two words, a name and a value */
struct statement {
	char *words[2], *ends[2];
	unsigned n;
};

/* struct blocks - those that are open */
struct blocks {
	/* What the names of the blocks up to this one leave of the key; NULL: it is not in there. */
	const char *rests[BLOCKS_MAX + 1];
	unsigned depth;
};

/* What follows @name in a key: "Enable" in "Periodic::Enable", "" in "Periodic". NULL: not it. */
static const char *rest_after(const char *rest, const char *name)
{
	size_t n = strlen(name);

	if (!rest || strncasecmp(rest, name, n) != 0)
		return NULL;
	rest += n;
	return strncmp(rest, "::", 2) == 0 ? rest + 2 : *rest ? NULL : rest;
}

static const char *current_rest(const struct blocks *b)
{
	return b->depth <= BLOCKS_MAX ? b->rests[b->depth] : NULL;
}

static void enter_block(struct blocks *b, const char *name)
{
	const char *rest = rest_after(current_rest(b), name);

	b->depth++;
	if (b->depth <= BLOCKS_MAX)
		b->rests[b->depth] = rest;
}

/* Takes the word at @s, without its quotes. Returns: what follows it. */
static char *take_word(struct setting_search *x, struct statement *st, char *s)
{
	bool quoted = *s == '"';
	char *word = s + quoted, *end = word + strcspn(word, quoted ? "\"" : BLANKS MARKS "\"");

	for (char *at = word; at < end; at++)
		x->line += *at == '\n';
	if (st->n < ELEMENTSOF(st->words)) {
		st->words[st->n] = word;
		st->ends[st->n++] = end;
	}
	return end + (quoted && *end);
}

/* Ends the words where they end. Only when what follows them has been read. */
static void end_words(const struct statement *st)
{
	for (unsigned i = 0; i < st->n; i++)
		*st->ends[i] = '\0';
}

static int end_statement(struct setting_search *x, const struct blocks *b,
			 const struct statement *st)
{
	const char *rest;

	end_words(st);
	rest = st->n == 2 ? rest_after(current_rest(b), st->words[0]) : NULL;
	return rest && !*rest ? setting_found(x, st->words[1]) : 0;
}

/* Returns: what follows a comment at @s; NULL: there is none. */
static char *skip_comment(struct setting_search *x, char *s)
{
	if (*s == '#' || strncmp(s, "//", 2) == 0)
		return s + strcspn(s, "\n");
	return strncmp(s, "/*", 2) == 0 ? setting_skip_past(x, s, "*/") : NULL;
}

/* @mark ends what came before it. */
static int read_mark(struct setting_search *x, struct blocks *b, struct statement *st, char mark)
{
	int err = 0;

	if (mark == ';') {
		err = end_statement(x, b, st);
	} else if (mark == '{') {
		end_words(st);
		enter_block(b, st->n > 0 ? st->words[0] : "");
	} else if (b->depth > 0) {
		b->depth--;
	}
	st->n = 0;
	return err;
}

int setting_find_in_apt(struct setting_search *x, char *s)
{
	struct blocks blocks = { .rests = { x->setting->key } };
	struct statement st = { 0 };
	int err = 0;

	x->line = 1;
	while (*s && err >= 0) {
		char *behind = skip_comment(x, s);

		if (behind) {
			s = behind;
		} else if (strchr(MARKS, *s)) {
			err = read_mark(x, &blocks, &st, *s++);
		} else if (strchr(BLANKS, *s)) {
			x->line += *s++ == '\n';
		} else {
			s = take_word(x, &st, s);
		}
	}
	return err;
}

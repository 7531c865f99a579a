/* SPDX-License-Identifier: MIT */
#include "software/shell-variable.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "basic/strbuf.h"

#define BLANKS	   " \t\r"
#define SEPARATORS BLANKS ","
#define VALUE_MAX  ((size_t)4096) /* bytes; A=$A$A would grow without end */
#define NAME_CHARS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_"

/* struct script - how far it is read, and the variable that is followed */
struct script {
	const char *at;
	struct shell_variable *variable;
	bool begins; /* a command, which is where assignments are */
	bool unsets; /* the command is unset */
	bool is_set;
};

static bool ends_word(char c)
{
	return c == '\0' || strchr(BLANKS "\n;&|()<>", c);
}

/* A # begins a comment only where a word could begin. */
static void skip_blanks(struct script *s)
{
	for (;;) {
		s->at += strspn(s->at, BLANKS);
		if (s->at[0] == '\\' && s->at[1] == '\n')
			s->at += 2;
		else
			break;
	}
	if (*s->at == '#')
		s->at += strcspn(s->at, "\n");
}

/* Adds @from up to @end, with @n bytes at @pattern replaced by @with: the first, or @all of them. */
static void add_replaced(struct strbuf *out, const char *from, const char *end, const char *pattern,
			 size_t n, const char *with, size_t n_with, bool all)
{
	bool replace = n > 0;

	while (from < end) {
		if (replace && (size_t)(end - from) >= n && memcmp(from, pattern, n) == 0) {
			strbuf_add_n(out, with, n_with);
			from += n;
			replace = all;
		} else {
			strbuf_add_char(out, *from++);
		}
	}
}

/* What ${NAME/PATTERN/WITH} stands for. @s: behind the name, @end: at the brace. */
static void add_operation(struct strbuf *out, const char *value, const char *s, const char *end)
{
	const char *pattern, *slash, *with;
	bool all;

	if (*s != '/') {
		strbuf_add(out, value);
		return;
	}
	all = s[1] == '/';
	pattern = s + 1 + all;
	slash = memchr(pattern, '/', (size_t)(end - pattern));
	with = slash ? slash + 1 : end;
	for (const char *word = value; *word;) {
		size_t n = strcspn(word, BLANKS), gap;

		add_replaced(out, word, word + n, pattern,
			     (size_t)((slash ? slash : end) - pattern), with, (size_t)(end - with),
			     all);
		gap = strspn(word + n, BLANKS);
		strbuf_add_n(out, word + n, gap);
		word += n + gap;
	}
}

/* The variable itself at a dollar sign: its value is added. False: it is something else. */
static bool add_reference(struct script *s, struct strbuf *out)
{
	const char *value = s->variable->value && out->len < VALUE_MAX ? s->variable->value : "";
	const char *at = s->at + 1, *end;
	bool braced = *at == '{';
	size_t n = strlen(s->variable->name);

	at += braced;
	if (strspn(at, NAME_CHARS) != n || strncmp(at, s->variable->name, n) != 0)
		return false;
	at += n;
	if (!braced) {
		strbuf_add(out, value);
		s->at = at;
		return true;
	}
	end = at + strcspn(at, "}\n");
	if (*end != '}')
		return false;
	if (strncmp(at, "[@]", 3) == 0 || strncmp(at, "[*]", 3) == 0)
		at += 3;
	add_operation(out, value, at, end);
	s->at = end + 1;
	return true;
}

/* One word, without its quotes. */
static void read_word(struct script *s, struct strbuf *out)
{
	char quote = '\0';

	while (*s->at && (quote || !ends_word(*s->at))) {
		char c = *s->at;

		if (c == '$' && quote != '\'' && add_reference(s, out))
			continue;
		s->at++;
		if (quote && c == quote) {
			quote = '\0';
		} else if (!quote && (c == '"' || c == '\'')) {
			quote = c;
		} else if (c == '\\' && quote != '\'' && *s->at) {
			if (*s->at != '\n')
				strbuf_add_char(out, *s->at);
			s->at++;
		} else {
			strbuf_add_char(out, c);
		}
	}
}

/* The elements of an array, whose bracket has been read; lines and comments may be between them. */
static void read_array(struct script *s, struct strbuf *out)
{
	while (skip_blanks(s), *s->at && *s->at != ')') {
		if (ends_word(*s->at)) {
			s->at++;
			continue;
		}
		strbuf_add_char(out, ' ');
		read_word(s, out);
	}
	s->at += *s->at == ')';
}

static int set_value(struct script *s, struct strbuf *value)
{
	char *text;

	strbuf_add(value, ""); /* also an empty one is a value */
	if (strbuf_take(value, &text) < 0)
		return -ENOMEM;
	if (strlen(text) > VALUE_MAX)
		text[VALUE_MAX] = '\0';
	free(s->variable->value);
	s->variable->value = text;
	s->is_set = true;
	return 0;
}

/* Returns: 1: here was an assignment of the variable; 0: nothing has been read; or -ENOMEM. */
static int read_assignment(struct script *s)
{
	size_t n = strlen(s->variable->name);
	_cleanup_strbuf_ struct strbuf value = { 0 };
	const char *at = s->at + n;
	bool adds;
	int err;

	if (strncmp(s->at, s->variable->name, n) != 0)
		return 0;
	adds = *at == '+';
	at += adds;
	if (*at != '=')
		return 0;
	s->at = at + 1;
	if (adds && s->variable->value)
		strbuf_add(&value, s->variable->value);
	if (*s->at == '(') {
		s->at++;
		read_array(s, &value);
	} else {
		read_word(s, &value);
	}
	err = set_value(s, &value);
	return err < 0 ? err : 1;
}

/* May an assignment follow this word of the same command? */
static bool is_before_assignment(const char *word)
{
	static const char *const words[] = {
		"export", "declare", "typeset", "readonly", "local", "if", "then", "elif",
		"else",	  "do",	     "while",	"until",    "time",  "!",  "{",
	};
	size_t name = strspn(word, NAME_CHARS);

	for (size_t i = 0; i < ELEMENTSOF(words); i++)
		if (strcmp(word, words[i]) == 0)
			return true;
	return *word == '-' || (name > 0 && (word[name] == '=' || word[name] == '+'));
}

static int read_other_word(struct script *s)
{
	_cleanup_strbuf_ struct strbuf word = { 0 }, empty = { 0 };

	read_word(s, &word);
	strbuf_add(&word, "");
	if (word.failed)
		return -ENOMEM;
	if (s->unsets && strcmp(word.text, s->variable->name) == 0)
		return set_value(s, &empty);
	if (s->begins && strcmp(word.text, "unset") == 0)
		s->unsets = true;
	s->begins = s->begins && is_before_assignment(word.text);
	return 0;
}

int shell_variable_read(struct shell_variable *v, const char *text)
{
	struct script s = { .at = text, .variable = v, .begins = true };
	int err = 0;

	while (skip_blanks(&s), *s.at && err >= 0) {
		if (ends_word(*s.at)) {
			s.begins = true;
			s.unsets = false;
			s.at++;
			continue;
		}
		err = s.begins ? read_assignment(&s) : 0;
		if (err == 0)
			err = read_other_word(&s);
	}
	return err < 0 ? err : s.is_set;
}

void shell_variable_done(struct shell_variable *v)
{
	free(v->value);
	*v = (struct shell_variable){ 0 };
}

bool shell_variable_has(const struct shell_variable *v, const char *word)
{
	const char *s = v->value ? v->value : "";

	while (*s) {
		size_t n;

		s += strspn(s, SEPARATORS "\n");
		n = strcspn(s, SEPARATORS "\n");
		if (n > 0 && n == strlen(word) && memcmp(s, word, n) == 0)
			return true;
		s += n;
	}
	return false;
}

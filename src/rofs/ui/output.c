/* SPDX-License-Identifier: MIT */
#include "rofs/ui/output.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "basic/macro.h"
#include "basic/strbuf.h"
#include "basic/text.h"

#define WIDTH_DEFAULT 80u

unsigned output_width(void)
{
	struct winsize size;

	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) < 0 || size.ws_col == 0)
		return WIDTH_DEFAULT;
	return size.ws_col;
}

/* https://no-color.org: set to anything but the empty string. */
static bool wants_colour(void)
{
	const char *no = getenv("NO_COLOR"), *term = getenv("TERM");

	return !(no && *no) && term && strcmp(term, "dumb") != 0;
}

/* As systemctl(1) reads them; NULL: no pager. */
static const char *pager_command(void)
{
	const char *command = getenv("SYSTEMD_PAGER");

	if (!command)
		command = getenv("PAGER");
	if (!command)
		return "less";
	/* The shell would show it on the terminal if there is no such program. */
	if (!*command || strcmp(command, "cat") == 0 || text_has_control(command) ||
	    !text_is_utf8(command, strlen(command)))
		return NULL;
	return command;
}

/* Without one that can be started, what there is to read is shown all the same. */
static const char pager_script[] = "eval \"$0\"; case $? in 126 | 127) exec cat ;; esac";

static void run_pager(const char *command, int from)
{
	if (dup2(from, STDIN_FILENO) < 0)
		_exit(1);
	/* It exits if all fits on the screen, passes colours, and (LESSSECURE) starts no commands. */
	setenv("LESS", "FRSXMK", 1);
	setenv("LESSSECURE", "1", 1);
	execlp("/bin/sh", "sh", "-c", pager_script, command, (char *)NULL);
	_exit(1);
}

static bool exists_in_path(const char *command)
{
	_cleanup_free_ char *copy = NULL;
	const char *path = getenv("PATH");
	char *state, *dir;

	if (strcmp(command, "less") != 0)
		return true; /* chosen by the user */
	copy = strdup(path ? path : "/usr/bin:/bin");
	if (!copy)
		return false;
	for (dir = strtok_r(copy, ":", &state); dir; dir = strtok_r(NULL, ":", &state)) {
		_cleanup_free_ char *file = NULL;

		if (text_format(&file, "%s/less", dir) < 0)
			return false;
		if (access(file, X_OK) == 0)
			return true;
	}
	return false;
}

static void start_pager(struct output *o)
{
	const char *command = pager_command();
	int ends[2];

	if (!command || !exists_in_path(command) || pipe2(ends, O_CLOEXEC) < 0)
		return;

	fflush(stdout);
	o->pager = fork();
	if (o->pager == 0)
		run_pager(command, ends[0]);
	/* Ctrl-C is for the pager. */
	if (o->pager > 0 && dup2(ends[1], STDOUT_FILENO) >= 0)
		signal(SIGINT, SIG_IGN);
	if (o->pager < 0)
		o->pager = 0;
	close(ends[0]);
	close(ends[1]);
}

void output_open(struct output *o, bool page)
{
	*o = (struct output){ .terminal = isatty(STDOUT_FILENO) > 0 };
	if (!o->terminal)
		return;

	o->colour = wants_colour();
	o->width = output_width();
	if (page)
		start_pager(o);
}

void output_close(struct output *o)
{
	if (o->pager <= 0)
		return;

	fflush(stdout);
	close(STDOUT_FILENO);
	waitpid(o->pager, NULL, 0);
	o->pager = 0;
	/* Standard output remains a descriptor that can be written to. */
	if (open("/dev/null", O_WRONLY | O_CLOEXEC) < 0)
		return;
}

/* Characters, not bytes: the first byte of each counts. */
static size_t count_characters(const char *s, size_t n)
{
	size_t count = 0;

	for (size_t i = 0; i < n; i++)
		count += ((unsigned char)s[i] & 0xc0) != 0x80;
	return count;
}

void output_text(const struct output *o, size_t column, size_t indent, const char *text)
{
	size_t begin = column;

	while (o->terminal && *text) {
		size_t blanks = strspn(text, " "), n = blanks + strcspn(text + blanks, " "),
		       width = count_characters(text, n);

		/* A word that is too long for any line gets a line of its own. */
		if (column > begin && column + width > o->width) {
			printf("\n%*s", (int)indent, "");
			text += blanks;
			n -= blanks;
			width -= blanks;
			column = begin = indent;
		}
		fwrite(text, 1, n, stdout);
		column += width;
		text += n;
	}
	puts(text);
}

/* Lines and tabs stay: what is between them is made printable. */
static int add_lines(struct strbuf *b, const char *text)
{
	while (*text) {
		size_t n = strcspn(text, "\t\n");
		_cleanup_free_ char *piece = strndup(text, n);

		if (!piece)
			return -ENOMEM;
		text_add_printable(b, piece);
		text += n;
		if (*text)
			strbuf_add_char(b, *text++);
	}
	return b->failed ? -ENOMEM : 0;
}

int output_lines(const struct output *o, const char *text)
{
	_cleanup_strbuf_ struct strbuf b = { 0 };
	int err = o->terminal ? add_lines(&b, text) : 0;

	if (err < 0)
		return err;
	fputs(b.text ? b.text : text, stdout);
	return 0;
}

const char *output_colour(const struct output *o, enum colour c)
{
	if (!o->colour)
		return "";
	switch (c) {
	case COLOUR_NONE:
		return "\033[0m";
	case COLOUR_GOOD:
		return "\033[32m";
	case COLOUR_BAD:
		return "\033[1;31m";
	case COLOUR_WARNING:
		return "\033[33m";
	case COLOUR_DIM:
		return "\033[2m";
	case COLOUR_BOLD:
		return "\033[1m";
	}
	return "";
}

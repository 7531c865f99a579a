/* SPDX-License-Identifier: MIT */
/* rofs diff -u: how the text of files differs, by diff(1). */
#include <fcntl.h>
#include <string.h>
#include <sys/wait.h>

#include "basic/text.h"
#include "rofs/diff/diff.h"

#define TEXT_MAX  ((off_t)1024 * 1024) /* bytes; nobody reads the differences of more */
#define NOT_FOUND 127		       /* exit status of a child that could not run diff(1) */

/* One side: an open file, or -1 for none. */
struct side {
	int fd;
	char *label;
};

static void side_done(struct side *s)
{
	closep(&s->fd);
	free(s->label);
}

/* Of the control characters that text may have: tab, newline, and CR before a newline. */
static bool is_layout(const char *s)
{
	return *s == '\t' || *s == '\n' || (s[0] == '\r' && s[1] == '\n');
}

/* Would a terminal obey it? A byte that is no UTF-8 may be a control character of C1 by itself. */
static bool acts_on_terminal(const char *s)
{
	while (*s) {
		uint32_t c = (unsigned char)*s;
		size_t n = text_next(s, &c);

		if (text_is_control(c) && !is_layout(s))
			return true;
		s += n > 0 ? n : 1;
	}
	return false;
}

/* Returns NULL when the @n bytes of @s, and a NUL behind them, can be shown as text, else why not. */
static const char *why_not_text(const char *s, size_t n, bool terminal)
{
	if (memchr(s, '\0', n))
		return "binary";
	if (terminal && acts_on_terminal(s))
		return "contains control characters; not shown on a terminal";
	return NULL;
}

/* Returns NULL when the side can be shown as text, else why not. */
static const char *look_into(int fd, bool terminal)
{
	_cleanup_free_ char *buffer = NULL;
	struct stat st;
	ssize_t n;

	if (fd < 0)
		return NULL;
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
		return "cannot be read";
	if (st.st_size > TEXT_MAX)
		return "too large to compare as text";
	buffer = malloc((size_t)TEXT_MAX + 1);
	n = buffer ? pread(fd, buffer, (size_t)TEXT_MAX, 0) : -1;
	if (n < 0)
		return "cannot be read";
	buffer[n] = '\0';
	return why_not_text(buffer, (size_t)n, terminal);
}

static int open_side(int dir_fd, const char *name, bool there, const char *prefix, const char *path,
		     struct side *ret)
{
	_cleanup_free_ char *shown = NULL;
	int err;

	if (!there)
		return text_format(&ret->label, "/dev/null");
	ret->fd = openat(dir_fd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (ret->fd < 0)
		return -errno;
	err = text_escape(path, &shown);
	return err < 0 ? err : text_format(&ret->label, "%s%s", prefix, shown);
}

/* By descriptor: these are the files that were looked into, and their names may hold anything. */
static void run_diff(const struct side *lower, const struct side *upper, bool colour)
{
	char from[32] = "/dev/null", to[32] = "/dev/null";
	const char *argv[10] = { "diff", "-u" };
	size_t n = 2;

	if (lower->fd >= 0 && fcntl(lower->fd, F_SETFD, 0) == 0)
		snprintf(from, sizeof(from), "/proc/self/fd/%d", lower->fd);
	if (upper->fd >= 0 && fcntl(upper->fd, F_SETFD, 0) == 0)
		snprintf(to, sizeof(to), "/proc/self/fd/%d", upper->fd);

	if (colour)
		argv[n++] = "--color=always";
	argv[n++] = "--label";
	argv[n++] = lower->label;
	argv[n++] = "--label";
	argv[n++] = upper->label;
	argv[n++] = from;
	argv[n] = to;
	/* patch(1) does not read translated messages. */
	setenv("LC_ALL", "C", 1);
	execvp("diff", (char *const *)argv);
	_exit(NOT_FOUND);
}

/* diff(1) exits with 1 when there are differences, with 2 after an error, which it has reported. */
static void show_difference(struct diff_text *t, const struct side *lower, const struct side *upper)
{
	int status;
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (pid == 0)
		run_diff(lower, upper, t->output->colour);
	if (pid < 0 || waitpid(pid, &status, 0) < 0) {
		fprintf(stderr, "rofs: diff: %s\n", strerror(errno));
		t->failed = true;
	} else if (!WIFEXITED(status) || WEXITSTATUS(status) > 1) {
		t->failed = true;
		t->missing = WIFEXITED(status) && WEXITSTATUS(status) == NOT_FOUND;
		if (t->missing)
			fputs("rofs: diff(1) not found; install diffutils\n", stderr);
	}
}

static int print_line(const struct diff_text *t, const struct diff_row *row, const char *why_not)
{
	const char *bold = output_colour(t->output, COLOUR_BOLD);
	_cleanup_free_ char *note = NULL, *path = NULL;

	if (diff_note(row, &note) < 0 || text_escape(row->path, &path) < 0)
		return -ENOMEM;
	printf("%s%c %s %s%s", bold, change_kind_to_letter(row->change.kind),
	       change_type_to_string(row->change.type), path,
	       output_colour(t->output, COLOUR_NONE));
	if (*note || why_not)
		printf(" (%s%s%s)", note, *note && why_not ? "; " : "", why_not ? why_not : "");
	putchar('\n');
	return 0;
}

/* Can there be a text on one side that differs from the other? */
static bool may_differ(const struct upper_entry *e)
{
	switch (e->change.kind) {
	case CHANGE_ADDED:
	case CHANGE_MODIFIED:
	case CHANGE_DELETED:
		return S_ISREG(e->change.type);
	case CHANGE_NONE:
	case CHANGE_REPLACED:
	case CHANGE_ATTRIBUTES:
	case CHANGE_COPIED:
	case _CHANGE_KIND_MAX:
		break;
	}
	return false;
}

int diff_text_print(struct diff_text *t, const struct upper_entry *e, const struct diff_row *row)
{
	_cleanup_(side_done) struct side lower = { -1, NULL }, upper = { -1, NULL };
	const char *why_not;
	int err;

	if (!may_differ(e))
		return print_line(t, row, NULL);

	err = open_side(e->lower_dir, e->name, e->lower, "/rofs/ro", e->path, &lower);
	if (err >= 0)
		err = open_side(e->upper_dir, e->name, e->change.kind != CHANGE_DELETED, "",
				e->path, &upper);
	if (err == -ENOMEM)
		return err;
	if (err < 0)
		return print_line(t, row, "cannot be read");

	why_not = look_into(lower.fd, t->output->terminal);
	if (!why_not)
		why_not = look_into(upper.fd, t->output->terminal);
	err = print_line(t, row, why_not);
	if (err >= 0 && !why_not && !t->missing)
		show_difference(t, &lower, &upper);
	return err;
}

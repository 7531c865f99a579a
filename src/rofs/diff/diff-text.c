/* SPDX-License-Identifier: MIT */
/* rofs diff -u: how the text of files differs, by diff(1). */
#include <fcntl.h>
#include <string.h>
#include <sys/wait.h>

#include "basic/text.h"
#include "rofs/diff/diff.h"

#define TEXT_MAX  ((off_t)1024 * 1024) /* nobody reads the differences of more */
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

/* Whether the bytes are text, and may be sent to a terminal as they are. */
static const char *why_not_text(const char *s, size_t n, bool terminal)
{
	if (memchr(s, '\0', n))
		return "binary";
	for (size_t i = 0; i < n && terminal; i++) {
		unsigned char c = (unsigned char)s[i];
		bool line_end = c == '\r' && i + 1 < n && s[i + 1] == '\n';

		if ((c < ' ' && c != '\t' && c != '\n' && !line_end) || c == 0x7f)
			return "has control characters; shown when not on a terminal";
	}
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
		return "too large for a text difference";
	buffer = malloc((size_t)TEXT_MAX);
	n = buffer ? pread(fd, buffer, (size_t)TEXT_MAX, 0) : -1;
	return n < 0 ? "cannot be read" : why_not_text(buffer, (size_t)n, terminal);
}

static int open_side(int dir_fd, const char *name, bool there, const char *prefix, const char *path,
		     struct side *ret)
{
	_cleanup_free_ char *escaped = NULL;

	if (!there) {
		ret->label = strdup("/dev/null");
		return ret->label ? 0 : -ENOMEM;
	}
	ret->fd = openat(dir_fd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (ret->fd < 0)
		return -errno;
	if (text_escape(path, &escaped) < 0)
		return -ENOMEM;
	if (asprintf(&ret->label, "%s%s", prefix, escaped) < 0)
		return ret->label = NULL, -ENOMEM;
	return 0;
}

/*
 * The files by descriptor: their names may hold anything, and they are the ones that were looked
 * into.
 */
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
	/* Its own words are part of what patch(1) reads. */
	setenv("LC_ALL", "C", 1);
	execvp("diff", (char *const *)argv);
	_exit(NOT_FOUND);
}

/* diff(1) ends with 1 when there are differences, with 2 in trouble, of which it has told. */
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
			fputs("rofs: diff(1) is missing: install diffutils\n", stderr);
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

/* Has this change a text on either side that differs? */
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

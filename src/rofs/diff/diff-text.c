/* SPDX-License-Identifier: MIT */
/* rofs diff -u: how the text of files differs, by diff(1). */
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "basic/io.h"
#include "basic/text.h"
#include "rofs/diff/diff.h"
#include "system/log.h"

#define TEXT_MAX  ((size_t)1024 * 1024) /* bytes; nobody reads the differences of more */
#define BLOCK	  65536u
#define NOT_FOUND 127 /* exit status of a child that could not run diff(1) */
#define CPU_MAX	  1   /* seconds for diff(1): short lines without order take it half a minute */

/* One side of a file: a copy in memory, which nobody else can change, or -1 for none. */
struct side {
	int fd;
	int error;	     /* -errno: why it could not be read */
	const char *why_not; /* why it cannot be shown as text */
};

/* The file may grow meanwhile: what counts is how much has been read. */
static int copy_text(int from, struct side *s)
{
	char buffer[BLOCK];
	size_t len = 0;

	for (;;) {
		ssize_t n = read(from, buffer, sizeof(buffer));
		int err;

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? -errno : 0;
		len += (size_t)n;
		if (len > TEXT_MAX)
			return s->why_not = "too large to compare as text", 0;
		if (memchr(buffer, '\0', (size_t)n))
			return s->why_not = "binary", 0;
		err = write_all(s->fd, buffer, (size_t)n);
		if (err < 0)
			return err;
	}
}

/* O_NONBLOCK: it may have become a FIFO meanwhile. */
static int read_side(int dir_fd, const char *name, struct side *ret)
{
	_cleanup_close_ int fd =
		openat(dir_fd, name,
		       O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_NOATIME | O_CLOEXEC);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode))
		return -ESTALE; /* it was a file when the walk saw it */
	ret->fd = memfd_create("rofs-diff", MFD_CLOEXEC);
	return ret->fd < 0 ? -errno : copy_text(fd, ret);
}

/* By descriptor, and without a name of the file: it may be anything, and longer than arguments. */
static void run_diff(const struct side *lower, const struct side *upper, int output)
{
	/* With both equal, it gets SIGKILL, which leaves no core dump. */
	const struct rlimit cpu = { CPU_MAX, CPU_MAX };
	char from[32] = "/dev/null", to[32] = "/dev/null";
	const char *const argv[] = { "diff",	"-u",	 "--text", "--label", "lower",
				     "--label", "upper", from,	   to,	      NULL };

	if (lower->fd >= 0 && fcntl(lower->fd, F_SETFD, 0) == 0)
		snprintf(from, sizeof(from), "/proc/self/fd/%d", lower->fd);
	if (upper->fd >= 0 && fcntl(upper->fd, F_SETFD, 0) == 0)
		snprintf(to, sizeof(to), "/proc/self/fd/%d", upper->fd);
	/* patch(1) does not read translated messages. */
	setenv("LC_ALL", "C", 1);
	if (setrlimit(RLIMIT_CPU, &cpu) == 0 && dup2(output, STDOUT_FILENO) >= 0)
		execvp("diff", (char *const *)argv);
	_exit(NOT_FOUND);
}

static enum colour colour_of(const char *line)
{
	switch (*line) {
	case '+':
		return COLOUR_GOOD;
	case '-':
		return COLOUR_BAD;
	case '@':
		return COLOUR_DIM;
	default:
		return COLOUR_NONE;
	}
}

/* A terminal gets no byte of it that it would obey, a program each byte as it is. */
static int print_text(const struct output *o, const char *line)
{
	enum colour c = colour_of(line);
	int err;

	if (c != COLOUR_NONE)
		fputs(output_colour(o, c), stdout);
	err = output_lines(o, line);
	if (c != COLOUR_NONE)
		fputs(output_colour(o, COLOUR_NONE), stdout);
	return err;
}

/* The two sides of one row. */
struct difference {
	const struct diff_row *row;
	const char *path; /* as it is shown */
	struct side lower, upper;
};

static void difference_done(struct difference *d)
{
	closep(&d->lower.fd);
	closep(&d->upper.fd);
}

static void print_labels(const struct output *o, const struct difference *d)
{
	bool lower = d->lower.fd >= 0;

	fputs(output_colour(o, COLOUR_BOLD), stdout);
	printf("--- %s%s\n", lower ? "/rofs/ro" : "", lower ? d->path : "/dev/null");
	printf("+++ %s\n", d->upper.fd >= 0 ? d->path : "/dev/null");
	fputs(output_colour(o, COLOUR_NONE), stdout);
}

static int print_line(const struct diff_text *t, const struct diff_row *row, const char *path,
		      const char *why_not)
{
	const char *type = change_type_to_string(row->change.type);
	_cleanup_free_ char *note = NULL;

	if (diff_note(row, &note) < 0)
		return -ENOMEM;
	printf("%s%c %s %s%s", output_colour(t->output, COLOUR_BOLD),
	       change_kind_to_letter(row->change.kind), *type ? type : "-", path,
	       output_colour(t->output, COLOUR_NONE));
	if (*note || why_not)
		printf(" (%s%s%s)", note, *note && why_not ? "; " : "", why_not ? why_not : "");
	putchar('\n');
	return 0;
}

/*
 * What diff(1) says, with our labels in the place of its own, the two first lines. Returns how many
 * lines it says, which is not even the first if it is stopped while it compares; or -ENOMEM.
 */
static ssize_t print_difference(const struct diff_text *t, const struct difference *d, FILE *f)
{
	_cleanup_free_ char *line = NULL;
	size_t size = 0;
	ssize_t n = 0;
	int err = 0;

	for (; err >= 0 && getline(&line, &size, f) > 0; n++) {
		if (n >= 2)
			err = print_text(t->output, line);
		if (n != 0)
			continue;
		err = print_line(t, d->row, d->path, NULL);
		print_labels(t->output, d);
	}
	return err < 0 ? err : n;
}

static bool is_stopped(int status)
{
	return WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
}

/* diff(1) exits with 1 when there are differences, with 2 after an error, which it has reported. */
static void judge_status(struct diff_text *t, const char *path, int status)
{
	if (WIFEXITED(status) && WEXITSTATUS(status) <= 1)
		return;
	t->failed = true;
	t->missing = WIFEXITED(status) && WEXITSTATUS(status) == NOT_FOUND;
	if (t->missing)
		log_error(0, "diff(1) not found; install diffutils");
	if (WIFSIGNALED(status))
		log_error(0, "%s: diff(1) was killed; the output is incomplete", path);
}

/* Starts diff(1). Returns its process ID, or -errno. */
static pid_t start_diff(const struct difference *d, FILE **ret)
{
	int ends[2];
	pid_t pid;

	if (pipe2(ends, O_CLOEXEC) < 0)
		return -errno;
	fflush(stdout);
	pid = fork();
	if (pid == 0)
		run_diff(&d->lower, &d->upper, ends[1]);
	if (pid < 0)
		pid = -errno;
	close(ends[1]);
	*ret = pid < 0 ? NULL : fdopen(ends[0], "r");
	if (!*ret)
		close(ends[0]);
	return pid;
}

static int show_difference(struct diff_text *t, const struct difference *d)
{
	FILE *f = NULL;
	pid_t pid = start_diff(d, &f);
	bool stopped = false;
	ssize_t n;
	int status;

	if (pid < 0) {
		log_error(0, "diff: %s", strerror(-pid));
		t->failed = true;
		return print_line(t, d->row, d->path, NULL);
	}
	n = f ? print_difference(t, d, f) : -ENOMEM;
	fclosep(&f); /* it must not wait for a reader */
	if (waitpid(pid, &status, 0) == pid) {
		stopped = n == 0 && is_stopped(status);
		if (!stopped)
			judge_status(t, d->path, status);
	}
	if (n != 0)
		return n < 0 ? (int)n : 0;
	return print_line(t, d->row, d->path, stopped ? "too different to compare as text" : NULL);
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
	case CHANGE_UNKNOWN:
	case _CHANGE_KIND_MAX:
		break;
	}
	return false;
}

/* Reads both sides, once. */
static void read_sides(const struct upper_entry *e, struct difference *d)
{
	if (e->lower)
		d->lower.error = read_side(e->lower_dir, e->name, &d->lower);
	if (e->change.kind != CHANGE_DELETED)
		d->upper.error = read_side(e->upper_dir, e->name, &d->upper);
}

static int print_unread(struct diff_text *t, const struct diff_row *row, const char *path, int err)
{
	_cleanup_free_ char *why = NULL;

	t->failed = true;
	if (text_format(&why, "content: %s", diff_error(-err)) < 0)
		return -ENOMEM;
	return print_line(t, row, path, why);
}

static size_t add_name(struct strbuf *b, const char *name)
{
	text_add_name(b, name);
	return 0;
}

int diff_text_print(struct diff_text *t, const struct upper_entry *e, const struct diff_row *row)
{
	_cleanup_(difference_done) struct difference d = { .row = row,
							   .lower.fd = -1,
							   .upper.fd = -1 };
	const char *why_not;

	t->path.add = add_name;
	d.path = path_text_set(&t->path, e->node, NULL);
	if (!d.path)
		return -ENOMEM;
	if (!may_differ(e))
		return print_line(t, row, d.path, NULL);
	read_sides(e, &d);
	if (d.lower.error < 0 || d.upper.error < 0)
		return print_unread(t, row, d.path,
				    d.lower.error < 0 ? d.lower.error : d.upper.error);

	why_not = d.lower.why_not ? d.lower.why_not : d.upper.why_not;
	if (why_not || t->missing)
		return print_line(t, row, d.path, why_not);
	return show_difference(t, &d);
}

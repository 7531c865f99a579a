/* SPDX-License-Identifier: MIT */
/*
 * For tests of the write window: does what standard input says, one step a line, and answers with a
 * line: "ok", "ok NUMBER" or "-ERRNO: sentence".
 *
 *   window-steps WHERE...
 *   check | open | close | superblock PATH | is-open | left | restore | write NAME | keep NAME | writer NAME | sh COMMAND
 *
 *   block | pending | raise | unblock
 *
 * NAME is below the first file system. "keep" leaves a descriptor of a file that has no name any more,
 * "writer" one that can write.
 */
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#include "basic/io.h"
#include "basic/macro.h"
#include "transaction/interrupt.h"
#include "transaction/window.h"

struct steps {
	int root_fd;
	const char *const *where;
	size_t n;
	struct window *window;
};

static int open_kept(int dir_fd, const char *name)
{
	if (openat(dir_fd, name, O_RDONLY | O_CREAT | O_CLOEXEC, 0644) < 0)
		return -errno;
	return unlinkat(dir_fd, name, 0) < 0 ? -errno : 0;
}

static int on_file(struct steps *s, const char *word, const char *name)
{
	int fd = window_fd(s->window, 0);

	if (strcmp(word, "write") == 0)
		return write_file(fd, name, 0644, "text\n");
	if (strcmp(word, "keep") == 0)
		return open_kept(fd, name);
	return openat(fd, name, O_WRONLY | O_CREAT | O_CLOEXEC, 0644) < 0 ? -errno : 0;
}

static int run(const char *command)
{
	int status = system(command);

	return WIFEXITED(status) ? WEXITSTATUS(status) : -EINTR;
}

static int on_signals(const char *word)
{
	if (strcmp(word, "block") == 0)
		interrupt_block();
	else if (strcmp(word, "raise") == 0)
		interrupt_raise();
	else if (strcmp(word, "unblock") == 0)
		interrupt_unblock();
	else
		return strcmp(word, "pending") == 0 ? interrupt_pending() : -EINVAL;
	return 0;
}

static int on_state(struct steps *s, const char *word, const char *path)
{
	if (strcmp(word, "superblock") == 0)
		return window_superblock_is_rw(s->root_fd, path);
	if (strcmp(word, "is-open") == 0)
		return window_is_open(s->root_fd);
	if (strcmp(word, "left") == 0)
		return window_left_rw(s->root_fd);
	if (strcmp(word, "restore") == 0)
		return window_restore_left(s->root_fd);
	return on_signals(word);
}

static bool is_on_file(const char *word)
{
	return strcmp(word, "write") == 0 || strcmp(word, "keep") == 0 ||
	       strcmp(word, "writer") == 0;
}

static int step(struct steps *s, const char *word, const char *rest, char **ret_why)
{
	struct window *w;

	if (strcmp(word, "check") == 0)
		return window_check(s->root_fd, s->where, s->n, ret_why);
	if (strcmp(word, "open") == 0)
		return window_open(s->root_fd, s->where, s->n, &s->window, ret_why);
	if (strcmp(word, "sh") == 0)
		return run(rest);
	if (is_on_file(word))
		return on_file(s, word, rest);
	if (strcmp(word, "close") != 0)
		return on_state(s, word, rest);
	w = s->window;
	s->window = NULL;
	return window_close(w, ret_why);
}

int main(int argc, char **argv)
{
	struct steps s = { .root_fd = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC),
			   .where = (const char *const *)argv + 1,
			   .n = (size_t)argc - 1 };
	char line[512], *rest;

	setvbuf(stdout, NULL, _IOLBF, 0);
	while (fgets(line, sizeof(line), stdin)) {
		_cleanup_free_ char *why = NULL;
		int err;

		line[strcspn(line, "\n")] = '\0';
		rest = strchr(line, ' ');
		if (rest)
			*rest++ = '\0';
		err = step(&s, line, rest ? rest : "", &why);
		if (err < 0)
			printf("%d: %s\n", err, why ? why : strerror(-err));
		else if (err > 0)
			printf("ok %d\n", err);
		else
			puts("ok");
	}
	return 0;
}

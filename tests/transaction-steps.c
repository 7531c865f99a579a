/* SPDX-License-Identifier: MIT */
/*
 * For tests of transactions: does what standard input says, one step a line, and answers each with a line:
 * "ok NUMBER" or "-ERRNO: sentence". Without a write window: the directories can be written as they are.
 *
 *   rofs-transaction-steps DIR[=WHERE]...
 *   begin KIND [UNDOES]           stage_begin()
 *   new FS PATH SOURCE            copy SOURCE into a slot, and stage_new()
 *   attributes FS PATH SOURCE     the same of a directory, and stage_attributes()
 *   slot FS PATH SLOT             stage_new() of what is there already
 *   flags NUMBER                  stage_flags()
 *   gone FS PATH | room FS BYTES INODES | count | switch | done | finish
 *   exit                          without stage_done(), as if killed
 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "basic/io.h"
#include "basic/macro.h"
#include "layer/copy-tree.h"
#include "transaction/finish.h"
#include "transaction/stage.h"

struct window {
	int fds[4];
	const char *where[4];
	size_t n;
};

int window_fd(const struct window *w, size_t i)
{
	return w->fds[i];
}

size_t window_count(const struct window *w)
{
	return w->n;
}

const char *window_where(const struct window *w, size_t i)
{
	return w->where[i];
}

const char *window_dir(const struct window *w _unused_, size_t i)
{
	return i == 0 ? WINDOW_ROOT_DIR : WINDOW_OTHER_DIR;
}

struct steps {
	struct window w;
	struct stage *stage;
};

static int begin(struct steps *s, const char *kind, const char *undoes, char **ret_why)
{
	struct stage_about about = {
		.kind = transaction_kind_from_string(kind),
		.uid = 1000,
		.user = "somebody",
		.command = "rofs commit /a b",
		.undoes = undoes ? (unsigned)atoi(undoes) : 0,
	};
	int err = stage_begin(&s->w, &about, &s->stage, ret_why);

	return err < 0 ? err : (int)stage_number(s->stage);
}

/* Returns the path of the slot in @ret. */
static int fill_slot(struct steps *s, size_t fs, const char *source, struct slot *ret)
{
	/* A name of copy_tree() begins at a descriptor, with or without a slash. */
	_cleanup_close_ int system = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	_cleanup_free_ char *where = NULL;
	struct failure f;
	int err = stage_slot(s->stage, fs, ret);

	return err < 0 ? err :
			 copy_tree(system, source, ret->dir_fd, ret->name,
				   stage_links_fd(s->stage, fs), &f, &where);
}

static int step_with_source(struct steps *s, const char *word, size_t fs, const char *path,
			    const char *source)
{
	struct slot slot;
	int err;

	if (strcmp(word, "slot") == 0)
		return stage_new(s->stage, fs, source, path);
	err = fill_slot(s, fs, source, &slot);
	if (err < 0)
		return err;
	return strcmp(word, "new") == 0 ? stage_new(s->stage, fs, slot.path, path) :
					  stage_attributes(s->stage, fs, slot.path, path);
}

static int step(struct steps *s, char **words, size_t n, char **ret_why)
{
	const char *word = words[0];

	if (strcmp(word, "begin") == 0)
		return begin(s, words[1], n > 2 ? words[2] : NULL, ret_why);
	if (strcmp(word, "finish") == 0)
		return finish_interrupted(&s->w, ret_why);
	if (!s->stage)
		return -EINVAL;
	if (strcmp(word, "gone") == 0)
		return stage_gone(s->stage, (size_t)atoi(words[1]), words[2]);
	if (strcmp(word, "flags") == 0)
		return stage_flags(s->stage, (unsigned)atoi(words[1])), 0;
	if (strcmp(word, "count") == 0)
		return (int)stage_count(s->stage);
	if (strcmp(word, "room") == 0)
		return stage_room(s->stage, (size_t)atoi(words[1]),
				  &(struct copy_size){ strtoull(words[2], NULL, 10),
						       strtoull(words[3], NULL, 10) },
				  ret_why);
	if (strcmp(word, "switch") == 0)
		return stage_switch(s->stage, ret_why);
	if (strcmp(word, "done") == 0)
		return stage_done(TAKE_PTR(s->stage)), 0;
	if (strcmp(word, "exit") == 0)
		_exit(0);
	if (n == 4)
		return step_with_source(s, word, (size_t)atoi(words[1]), words[2], words[3]);
	return -EINVAL;
}

static void answer(struct steps *s, int r, const char *why)
{
	const char *refused = s->stage && r == -EPERM ? stage_why(s->stage) : NULL;

	if (r >= 0)
		printf("ok %d\n", r);
	else
		printf("%d: %s\n", r, why ? why : refused ? refused : strerror(-r));
	fflush(stdout);
}

static size_t split(char *line, char **words, size_t max)
{
	size_t n = 0;
	char *state;

	for (char *w = strtok_r(line, " \n", &state); w && n < max;
	     w = strtok_r(NULL, " \n", &state))
		words[n++] = w;
	return n;
}

int main(int argc, char **argv)
{
	struct steps s = { 0 };
	static char line[65536];
	char *words[5];

	for (int i = 1; i < argc && i <= (int)ELEMENTSOF(s.w.fds); i++) {
		char *where = strchr(argv[i], '=');

		if (where)
			*where++ = '\0';
		s.w.where[s.w.n] = where ? where : WINDOW_ROOT;
		s.w.fds[s.w.n++] = open(argv[i], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	}
	while (fgets(line, sizeof(line), stdin)) {
		_cleanup_free_ char *why = NULL;
		size_t n = split(line, words, ELEMENTSOF(words));

		int r = n > 0 ? step(&s, words, n, &why) : 0;

		if (n > 0)
			answer(&s, r, why);
	}
	stage_done(s.stage);
	return 0;
}

/* SPDX-License-Identifier: MIT */
#include "rofs/chroot/copied.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include "basic/beneath.h"
#include "basic/io.h"
#include "basic/strbuf.h"
#include "basic/text.h"
#include "layer/copy-tree.h"
#include "system/log.h"
#include "transaction/copies.h"

#define COPY_NAME_MAX 32u

static void copy_name(char buffer[COPY_NAME_MAX], size_t i)
{
	snprintf(buffer, COPY_NAME_MAX, COPIES_DIR "/%zu", i);
}

static int check(const struct chroot_system *s, char **ret_why)
{
	struct statvfs st;
	int err;

	if (fstatvfs(s->fd, &st) < 0)
		return -errno;
	if (!(st.f_flag & ST_RDONLY))
		return 0;
	err = text_format(ret_why, "%s is mounted read-only; remount it writable first", s->path);
	return err < 0 ? err : -EPERM;
}

static int finish_one(const struct window *w, const struct chroot_system *s, char **ret_why)
{
	int err = check(s, ret_why), r;

	if (err < 0)
		return err;
	r = copies_finish(w, s->fd, s->path);
	if (r > 0)
		log_info("completed an earlier transaction on %s", s->path);
	if (r >= 0)
		return 0;
	err = text_format(ret_why, "an earlier transaction cannot be completed on %s: %s", s->path,
			  strerror(-r));
	return err < 0 ? err : -EPERM;
}

int copied_finish(const struct chroot *c, char **ret_why)
{
	int err = 0;

	for (size_t i = 1; i < c->n_systems && err >= 0; i++)
		if (c->systems[i].copied)
			err = finish_one(c->window, &c->systems[i], ret_why);
	return err;
}

static int check_room(struct chroot *c, const struct chroot_system *s, char **ret_why)
{
	struct copy_size need;
	struct statvfs st;
	int err;

	if (fstatvfs(c->systems[0].fd, &st) < 0)
		return -errno;
	err = copy_tree_measure(s->fd, ".", st.f_frsize, &need);
	return err < 0 ? err : stage_room(c->stage, 0, &need, ret_why);
}

static int explain(const struct chroot_system *s, const struct failure *f, const char *where,
		   int err, char **ret_why)
{
	char text[FAILURE_TEXT_MAX];
	int failed = text_format(ret_why, "cannot copy %s: %s %s: %s", s->path,
				 failure_text(f, text), where ? where : "it",
				 failure_reason(f, err));

	return failed < 0 ? failed : -EPERM;
}

static int make_layers(struct chroot *c, struct chroot_system *s, size_t i)
{
	char name[COPY_NAME_MAX];
	int err;

	copy_name(name, i);
	s->layers_fd = make_path(stage_dir_fd(c->stage, 0), name, 0700);
	err = s->layers_fd < 0 ? s->layers_fd : make_dir(s->layers_fd, COPIED_LOWER, 0700);
	return err < 0 ? err : make_dir(s->layers_fd, CHROOT_WORK, 0700);
}

static int make_copy(struct chroot *c, struct chroot_system *s, size_t i, char **ret_why)
{
	_cleanup_free_ char *where = NULL;
	int err = make_layers(c, s, i);
	struct failure f;

	if (err < 0)
		return err;
	err = copy_tree(s->fd, ".", s->layers_fd, CHROOT_UPPER, stage_links_fd(c->stage, 0), &f,
			&where);
	return err < 0 ? explain(s, &f, where, err, ret_why) : 0;
}

int copied_make(struct chroot *c, char **ret_why)
{
	int err = 0;

	for (size_t i = 1; i < c->n_systems && err >= 0; i++) {
		struct chroot_system *s = &c->systems[i];

		if (!s->copied)
			continue;
		err = check_room(c, s, ret_why);
		if (err >= 0)
			err = make_copy(c, s, i, ret_why);
	}
	return err;
}

static int pick_one(int upper_fd, int new_fd, const char *path)
{
	_cleanup_close_ int from = -1, to = -1;
	const char *slash = strrchr(path, '/'), *name;
	_cleanup_free_ char *dir = strndup(path, slash ? (size_t)(slash - path) : 0);
	struct stat st;

	if (!dir)
		return -ENOMEM;
	from = open_parent_beneath(upper_fd, path, &name);
	if (from < 0)
		return from;
	if (fstatat(from, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return -errno;
	to = make_path(new_fd, S_ISDIR(st.st_mode) ? path : dir, 0700);
	if (to < 0 || S_ISDIR(st.st_mode))
		return to < 0 ? to : 0;
	return renameat(from, name, to, name) < 0 ? -errno : 0;
}

/* What changes is moved out of the copy, and the rest of it is not needed: it need not reach the flash. */
static int pick(const struct chroot_system *s)
{
	static const char *const rest[] = { CHROOT_UPPER, COPIED_LOWER, CHROOT_WORK };
	_cleanup_close_ int upper = open_dir_at(s->layers_fd, CHROOT_UPPER),
			    new_fd = make_dir_at(s->layers_fd, COPIES_NEW, 0700);
	int err = upper < 0 ? upper : new_fd < 0 ? new_fd : 0;

	for (size_t i = 0; i < s->delta.n && err >= 0; i++)
		if (s->delta.entries[i].kind == DELTA_NEW)
			err = pick_one(upper, new_fd, s->delta.entries[i].path);
	close(TAKE_FD(upper));
	for (size_t i = 0; i < ELEMENTSOF(rest) && err >= 0; i++)
		err = copy_tree_remove(s->layers_fd, rest[i]);
	return err;
}

/* Its texts are borrowed: only the entries are to be freed. */
static int list_changes(const struct chroot_system *s, struct copies_list *ret)
{
	*ret = (struct copies_list){ .where = s->path };
	ret->entries = calloc(s->delta.n + 1, sizeof(*ret->entries));
	if (!ret->entries)
		return -ENOMEM;
	for (; ret->n < s->delta.n; ret->n++) {
		const struct delta_entry *e = &s->delta.entries[ret->n];

		ret->entries[ret->n] =
			(struct copies_entry){ .path = e->path, .gone = e->kind == DELTA_GONE };
	}
	return 0;
}

static int explain_write(const struct chroot_system *s, const char *path, int err, char **ret_why)
{
	_cleanup_free_ char *shown = NULL;
	int failed = text_escape(path, &shown);

	if (failed >= 0)
		failed = text_format(ret_why, "cannot write %s to %s: %s", shown, s->path,
				     strerror(-err));
	return failed < 0 ? failed : -EPERM;
}

static int write_list(const struct chroot_system *s, struct copies_list *l, char **ret_why)
{
	_cleanup_close_ int new_fd = open_dir_at(s->layers_fd, COPIES_NEW);
	const char *where;
	int err;

	if (new_fd < 0)
		return new_fd;
	err = copies_write(new_fd, s->fd, l, false, &where);
	return err < 0 ? explain_write(s, where, err, ret_why) : copies_list_write(s->layers_fd, l);
}

static int write_one(const struct chroot_system *s, char **ret_why)
{
	struct copies_list l;
	int err = pick(s);

	if (err >= 0)
		err = list_changes(s, &l);
	if (err < 0)
		return err;
	err = write_list(s, &l, ret_why);
	free(l.entries);
	return err;
}

static void close_one(struct chroot_system *s)
{
	closep(&s->layers_fd);
	s->layers_fd = -1;
}

static int remove_one(struct chroot *c, size_t i)
{
	char name[COPY_NAME_MAX];

	close_one(&c->systems[i]);
	copy_name(name, i);
	return copy_tree_remove(stage_dir_fd(c->stage, 0), name);
}

/* There is none, or one of those that are left has a failure that was told. */
static void remove_directory(struct chroot *c)
{
	(void)unlinkat(stage_dir_fd(c->stage, 0), COPIES_DIR, AT_REMOVEDIR);
}

static bool is_changed(const struct chroot_system *s)
{
	return s->copied && s->delta.n > 0;
}

/* For rofs undo. */
static int note_mount_points(const struct chroot *c)
{
	_cleanup_strbuf_ struct strbuf b = { 0 };

	for (size_t i = 0; i < c->n_systems; i++)
		if (is_changed(&c->systems[i]))
			strbuf_addf(&b, "%s%s", b.len > 0 ? ", " : "", c->systems[i].path);
	if (b.len == 0 && !b.failed)
		return 0;
	return b.failed ? -ENOMEM :
			  write_file(stage_dir_fd(c->stage, 0), COPIES_NOTE, 0600, b.text);
}

int copied_write(struct chroot *c, char **ret_why)
{
	int err = 0;

	for (size_t i = 0; i < c->n_systems && err >= 0; i++) {
		struct chroot_system *s = &c->systems[i];

		if (s->copied)
			err = is_changed(s) ? write_one(s, ret_why) : remove_one(c, i);
	}
	remove_directory(c);
	return err < 0 ? err : note_mount_points(c);
}

static int switch_one(struct chroot *c, size_t i)
{
	struct copies_list l;
	int err = list_changes(&c->systems[i], &l);

	if (err < 0)
		return err;
	err = copies_switch(c->systems[i].fd, &l);
	free(l.entries);
	return err < 0 ? err : remove_one(c, i);
}

int copied_switch(struct chroot *c)
{
	bool any = false;
	int err = 0;

	for (size_t i = 0; i < c->n_systems; i++) {
		const struct chroot_system *s = &c->systems[i];
		int failed = is_changed(s) ? switch_one(c, i) : 0;

		any |= is_changed(s);
		if (failed < 0)
			err = log_error(
				failed,
				"not all files on %s were written: %s; the next boot writes "
				"the rest",
				s->path, strerror(-failed));
	}
	if (!any)
		return 0;
	remove_directory(c);
	/* Only in this order is what is left always found at boot. */
	if (err >= 0 && syncfs(stage_dir_fd(c->stage, 0)) < 0)
		err = log_error(-errno, "cannot sync the root file system: %s", strerror(errno));
	if (err >= 0)
		copied_forget(c);
	return err;
}

void copied_forget(const struct chroot *c)
{
	for (size_t i = 0; i < c->n_systems; i++)
		if (c->systems[i].copied && c->systems[i].fd >= 0)
			(void)copies_forget(c->systems[i].fd);
}

void copied_close(struct chroot *c)
{
	for (size_t i = 0; i < c->n_systems; i++)
		if (c->systems[i].copied)
			close_one(&c->systems[i]);
}

/* SPDX-License-Identifier: MIT */
/* CommitAt=: can the lower be written, and does systemd understand the times? */
#include <fcntl.h>
#include <spawn.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <sys/wait.h>

#include "basic/file-system.h"
#include "basic/macro.h"
#include "basic/text.h"
#include "rofs/check/check.h"
#include "transaction/write-protected.h"

#define ANALYZE "/usr/bin/systemd-analyze"

/* Since some headers lack them. */
#define SQUASHFS_NUMBER 0x73717368u
#define EROFS_NUMBER	0xe0f5e1e2u

/* The name of the type, if that cannot be written; NULL: it can, or is not known. */
static const char *unwritable_type(const struct plan_overlay *o, int fd)
{
	struct statfs st;

	if (o->lower_entry && file_system_is_never_written(o->lower_entry->type))
		return o->lower_entry->type;
	if (fd < 0 || fstatfs(fd, &st) < 0)
		return NULL;
	if ((unsigned)st.f_type == SQUASHFS_NUMBER)
		return "squashfs";
	return (unsigned)st.f_type == EROFS_NUMBER ? "erofs" : NULL;
}

static int find_protection(const struct checking *c, int fd, char **ret_device)
{
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		return WRITE_PROTECTED_NOT;
	return write_protected(c->l->root.root_fd, fd, st.st_dev, ret_device);
}

/* What is true of the lower, as the end of a clause; *ret stays NULL if it can be written. */
static int why_refused(struct checking *c, const struct plan_overlay *o, char **ret)
{
	_cleanup_close_ int fd = c->running ? rootfs_open_dir(&c->l->root, o->path) : -1;
	_cleanup_free_ char *device = NULL;
	const char *type = unwritable_type(o, fd);
	int protection;

	if (type)
		return text_format(ret, "which is %s", type);
	protection = find_protection(c, fd, &device);
	if (protection == WRITE_PROTECTED_VERITY)
		return text_format(ret, "which is on dm-verity");
	if (protection == WRITE_PROTECTED_DEVICE)
		return text_format(ret, "whose device is write-protected (%s)", device);
	return protection == -ENOMEM ? protection : 0;
}

static int check_lower(struct checking *c, const struct plan_overlay *o)
{
	const struct conf_section *s = &o->conf->section;
	_cleanup_free_ char *why = NULL;
	int err = why_refused(c, o, &why);

	if (why)
		check_add(c, PROBLEM_COMMIT_REFUSED, s, conf_key_pos(s, "CommitAt"),
			  "[Overlay %s]: nothing can be committed to its lower, %s; use "
			  "Partition= instead of CommitAt=",
			  s->name, why);
	return err;
}

/* Returns: -ENOENT if it is not installed, else 0. */
static int ask_systemd(const char *time, bool *ret_valid)
{
	char *const arguments[] = { (char *)ANALYZE, (char *)"calendar", (char *)"--", (char *)time,
				    NULL };
	posix_spawn_file_actions_t actions;
	int err, status;
	pid_t pid;

	if (posix_spawn_file_actions_init(&actions) != 0)
		return -ENOMEM;
	posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0);
	posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0);
	err = -posix_spawn(&pid, ANALYZE, &actions, NULL, arguments, environ);
	posix_spawn_file_actions_destroy(&actions);
	if (err < 0 || waitpid(pid, &status, 0) < 0)
		return -ENOENT;
	*ret_valid = !WIFEXITED(status) || WEXITSTATUS(status) != 1;
	return 0;
}

static int check_time(struct checking *c, const struct conf_section *s, const char *time, size_t n)
{
	_cleanup_free_ char *text = strndup(time, n);
	bool valid = true;

	if (!text)
		return -ENOMEM;
	if (!conf_is_shutdown(time, n) && ask_systemd(text, &valid) >= 0 && !valid)
		check_add(
			c, PROBLEM_COMMIT_TIME, s, conf_key_pos(s, "CommitAt"),
			"[Overlay %s]: CommitAt=: systemd does not understand '%s', so nothing is "
			"committed then; systemd-analyze calendar shows what it understands",
			s->name, text);
	return 0;
}

int check_commits(struct checking *c)
{
	const struct plan *p = &c->l->plan;
	int err = 0;

	for (size_t i = 0; i < p->n_overlays && err >= 0; i++) {
		const struct plan_overlay *o = &p->overlays[i];
		const char *s = o->conf->commit_at;
		size_t n;

		if (!s)
			continue;
		err = check_lower(c, o);
		for (; err >= 0 && (s = conf_next_time(s, &n)); s += n)
			err = check_time(c, &o->conf->section, s, n);
	}
	return err;
}

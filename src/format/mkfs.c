/* SPDX-License-Identifier: MIT */
#include "format/mkfs.h"

#include <fcntl.h>
#include <spawn.h>
#include <string.h>
#include <sys/wait.h>

#include "basic/macro.h"
#include "basic/text.h"

/* Not a word, and no question. */
static const char *option_of(const char *type)
{
	static const struct {
		const char *type, *option;
	} options[] = {
		{ "ext2", "-q" },  { "ext3", "-q" }, { "ext4", "-q" }, { "xfs", "-q" },
		{ "btrfs", "-q" }, { "f2fs", "-q" }, { "vfat", "-I" }, /* also on a medium without partitions */
	};

	for (size_t i = 0; i < ELEMENTSOF(options); i++)
		if (strcmp(options[i].type, type) == 0)
			return options[i].option;
	return NULL;
}

static int spawn(const char *const *argv, pid_t *ret)
{
	posix_spawn_file_actions_t actions;
	int err = posix_spawn_file_actions_init(&actions);

	if (err != 0)
		return -err;
	err = posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
	if (err == 0)
		err = posix_spawnp(ret, argv[0], &actions, NULL, (char *const *)argv, environ);
	posix_spawn_file_actions_destroy(&actions);
	return -err;
}

int mkfs_run(const char *type, const char *device)
{
	_cleanup_free_ char *program = NULL;
	const char *option = option_of(type);
	int err, status;
	pid_t pid = -1;

	err = text_format(&program, "mkfs.%s", type);
	if (err < 0)
		return err;
	err = spawn((const char *const[]){ program, option ? option : device,
					   option ? device : NULL, NULL },
		    &pid);
	if (err < 0)
		return err;
	if (waitpid(pid, &status, 0) < 0)
		return -errno;
	return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : -EIO;
}

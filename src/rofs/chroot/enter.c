/* SPDX-License-Identifier: MIT */
#include "rofs/chroot/enter.h"

#include <string.h>

#include "basic/text.h"
#include "system/log.h"

#define CANNOT_RUN 126
#define NOT_FOUND  127

static int set_all(void)
{
	static const char *const variables[][2] = {
		{ "HOME", "/root" },
		{ "LOGNAME", "root" },
		{ "USER", "root" },
		{ "PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin" },
		/* The prompt of bash in Debian and Ubuntu shows it. */
		{ "debian_chroot", "rofs chroot" },
		{ "PS1", "(rofs chroot) # " },
		/* needrestart would restart services of the running system. */
		{ "NEEDRESTART_SUSPEND", "1" },
		/* With --direct, systemctl(1) cannot see that this is a chroot. */
		{ "SYSTEMD_OFFLINE", "1" },
	};

	for (size_t i = 0; i < ELEMENTSOF(variables); i++)
		if (setenv(variables[i][0], variables[i][1], 1) < 0)
			return -errno;
	/* They lead to services of the running system, or to directories that are not in the chroot. */
	unsetenv("DBUS_SESSION_BUS_ADDRESS");
	unsetenv("XDG_RUNTIME_DIR");
	unsetenv("NOTIFY_SOCKET");
	unsetenv("TMPDIR");
	return 0;
}

/*
 * systemd-boot and kernel-install recognize the EFI system partition by its file system, which is another one
 * in the chroot; systemd.git docs/ENVIRONMENT.md. Of several they could not say which.
 */
static int name_esp(const struct chroot *c)
{
	static const char *const paths[] = { "/efi", "/boot", "/boot/efi" };
	const char *found = NULL;

	for (size_t i = 0; i < c->n_systems; i++) {
		if (!c->systems[i].copied)
			continue;
		if (found)
			return 0;
		found = c->systems[i].path;
	}
	for (size_t i = 0; found && i < ELEMENTSOF(paths); i++)
		if (strcmp(found, paths[i]) == 0 && setenv("SYSTEMD_ESP_PATH", found, 0) < 0)
			return -errno;
	return 0;
}

/* The caller's, if it is there as well. */
static const char *find_shell(void)
{
	const char *shell = getenv("SHELL");

	return shell && *shell == '/' && access(shell, X_OK) == 0 ? shell : "/bin/sh";
}

static void run_shell(void)
{
	const char *shell = find_shell();
	_cleanup_free_ char *name = NULL;
	char *argv[2] = { NULL, NULL };

	log_info(
		"this is the system on flash: exit 0 writes all changes to it, exit 1 discards them");
	/* A minus makes it a login shell. */
	if (text_format(&name, "-%s", strrchr(shell, '/') + 1) < 0)
		return;
	argv[0] = name;
	execv(shell, argv);
	log_error(0, "%s: %s", shell, strerror(errno));
}

int enter(const struct chroot *c, int root_fd)
{
	bool is_shell = !c->options.command[0];
	int err = 0;

	if (fchdir(root_fd) < 0 || chroot(".") < 0)
		err = -errno;
	if (err >= 0)
		err = set_all();
	if (err >= 0)
		err = name_esp(c);
	if (err < 0)
		return log_error(CANNOT_RUN, "cannot enter the chroot: %s", strerror(-err));
	if (is_shell) {
		if (chdir("/root") < 0 && chdir("/") < 0)
			return log_error(CANNOT_RUN, "cannot enter the chroot: %s",
					 strerror(errno));
		run_shell();
		return CANNOT_RUN;
	}
	execvp(c->options.command[0], c->options.command);
	err = errno == ENOENT ? NOT_FOUND : CANNOT_RUN;
	return log_error(err, "%s: %s", c->options.command[0], strerror(errno));
}

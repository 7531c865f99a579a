/* SPDX-License-Identifier: MIT */
/* What others know the machine by, on the root file system. */
#include <string.h>

#include "basic/io.h"
#include "basic/text.h"
#include "rofs/suggest/gather.h"
#include "system/setting-read.h"

#define ID_BYTES_MAX ((size_t)1 << 20)
#define ID_LETTERS   32u

/* As systemd reads it, which does not take zeros for an ID: machine-id(5). */
int gather_machine_id(const struct loaded *l, struct machine *m)
{
	_cleanup_free_ char *text = NULL;
	size_t n;
	int err = rootfs_read(&l->root, "/etc/machine-id", ID_BYTES_MAX, &text, &n);

	if (err < 0) {
		m->has_machine_id = err == -EACCES;
		return err == -ENOMEM ? err : 0;
	}
	m->has_machine_id = strspn(text, "0123456789abcdefABCDEF") == ID_LETTERS &&
			    strspn(text, "0") < ID_LETTERS &&
			    (!text[ID_LETTERS] || strcmp(text + ID_LETTERS, "\n") == 0);
	return 0;
}

static int is_host_key(_unused_ void *data, const char *name)
{
	bool is_public = strlen(name) > 4 && strcmp(name + strlen(name) - 4, ".pub") == 0;

	return strncmp(name, "ssh_host_", 9) == 0 && !is_public ? -EEXIST : 0;
}

struct keys {
	const struct loaded *l;
	struct machine *m;
};

/* Ends with -EEXIST. */
static int look_for_named(void *data, const char *value, _unused_ const char *file,
			  _unused_ unsigned line)
{
	struct keys *k = data;
	int found = gather_exists(&k->l->root, value);

	if (found != 0)
		return found < 0 ? found : -EEXIST;
	if (k->m->named_host_key)
		return 0;
	k->m->named_host_key = strdup(value);
	return k->m->named_host_key ? 0 : -ENOMEM;
}

/* The keys of HostKey=, or else those that sshd looks for by itself. */
static int look_for_keys(const struct loaded *l, struct machine *m)
{
	static const char *const files[] = { "/etc/ssh/sshd_config.d/*.conf",
					     "/etc/ssh/sshd_config" };
	_cleanup_unit_dirs_ struct unit_dirs dirs = unit_dirs_open(&l->root, UNIT_ORIGIN_IMAGE);
	struct keys k = { l, m };
	int err = 0;

	for (size_t i = 0; i < ELEMENTSOF(files) && err >= 0; i++) {
		const struct setting s = { .syntax = SETTING_LINES,
					   .file = files[i],
					   .key = "HostKey",
					   .count = SETTING_COUNT_ALL };

		err = setting_read(&dirs, &s, NULL, look_for_named, &k);
	}
	if (err < 0 || m->named_host_key)
		return err;
	return each_name(rootfs_open_dir(&l->root, "/etc/ssh"), is_host_key, NULL);
}

int gather_host_keys(const struct loaded *l, struct machine *m)
{
	int err = gather_exists(&l->root, "/usr/sbin/sshd");

	if (err == 0)
		err = gather_exists(&l->root, "/usr/bin/sshd");
	if (err <= 0)
		return err;
	err = look_for_keys(l, m);
	m->lacks_host_keys = err == 0 || err == -ENOENT;
	return err == -ENOMEM ? err : 0;
}

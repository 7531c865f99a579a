/* SPDX-License-Identifier: MIT */
/* Home directories that are read-only. */
#include <string.h>

#include "basic/path.h"
#include "basic/path-set.h"
#include "rofs/check/asking.h"
#include "rofs/check/check.h"
#include "system/homes.h"
#include "system/unit-presence.h"

/* struct writers - who writes to home directories besides their owners */
struct writers {
	char *keys;	 /* the file there from which sshd reads keys; NULL: none; owned */
	bool cloud_init; /* writes keys */
};

static void writers_done(struct writers *w)
{
	free(w->keys);
}

/* AuthorizedKeysFile=, of which the first file is for people. */
static int find_keys_file(const struct unit_dirs *dirs, char **ret)
{
	static const char *const files[] = { "/etc/ssh/sshd_config",
					     "/etc/ssh/sshd_config.d/*.conf" };
	_cleanup_asking_ struct asking x = { 0 };
	int err = ask(dirs, files, NULL, "AuthorizedKeysFile", &x);
	const char *value = x.last ? x.last : ".ssh/authorized_keys";

	if (err < 0)
		return err;
	if (strncmp(value, "%h/", 3) == 0)
		value += 3;
	*ret = NULL;
	if (*value == '/' || strcasecmp(value, "none") == 0)
		return 0;
	*ret = strndup(value, strcspn(value, " \t"));
	return *ret ? 0 : -ENOMEM;
}

static int look_for_writers(struct checking *c, struct writers *ret)
{
	static const char *const sshd[] = { "ssh.service", "sshd.service", "ssh.socket" };
	_cleanup_unit_dirs_ struct unit_dirs dirs = unit_dirs_open(&c->l->root, UNIT_ORIGIN_IMAGE);
	struct unit_presence p = { 0 };
	int err = 0;

	for (size_t i = 0; i < ELEMENTSOF(sshd) && err >= 0; i++)
		err = unit_presence_add(&dirs, sshd[i], &p);
	if (err >= 0 && p.installed)
		err = find_keys_file(&dirs, &ret->keys);
	if (err >= 0)
		err = check_cloud_init_runs(c, &dirs, &ret->cloud_init);
	return err;
}

static void report(struct checking *c, const struct writers *w, const char *home,
		   const char *overlay)
{
	const struct pos nowhere = { 0 };

	if (w->cloud_init)
		check_add(
			c, PROBLEM_WRITE_FAILS, NULL, nowhere,
			"cloud-init writes SSH keys to %s/.ssh, which is read-only, so that new keys "
			"do not work; add [Overlay %s]",
			home, overlay);
	else if (w->keys)
		check_add(
			c, PROBLEM_HOME_READ_ONLY, NULL, nowhere,
			"%s is read-only: SSH keys cannot be added to %s, and shells and other "
			"programs cannot save their history and settings there; to make it writable, "
			"add [Overlay %s]",
			home, w->keys, overlay);
	else
		check_add(
			c, PROBLEM_HOME_READ_ONLY, NULL, nowhere,
			"%s is read-only: shells and other programs cannot save their history and "
			"settings there; to make it writable, add [Overlay %s]",
			home, overlay);
}

int check_homes(struct checking *c)
{
	_cleanup_homes_ struct homes homes = { 0 };
	_cleanup_path_set_ struct path_set told = { 0 };
	_cleanup_(writers_done) struct writers writers = { 0 };
	int err = homes_read(&c->l->root, &homes);

	if (err >= 0)
		err = look_for_writers(c, &writers);
	for (size_t i = 0; i < homes.n && err >= 0; i++) {
		const struct home *h = &homes.items[i];
		_cleanup_free_ char *dir = NULL;
		const char *overlay;

		if (!home_is_login(h) || h->is_closed)
			continue;
		err = rootfs_resolve(&c->l->root, h->dir, &dir);
		if (err < 0) {
			err = err == -ENOMEM ? err : 0;
			continue;
		}
		overlay = path_is_below(dir, "/home") ? "/home" : dir;
		if (check_place_of(c, dir).kind != PLACE_READ_ONLY || path_set_has(&told, overlay))
			continue;
		report(c, &writers, dir, overlay);
		err = path_set_add(&told, overlay);
	}
	return err;
}

/* SPDX-License-Identifier: MIT */
/* What services write to /etc on their own: host keys, the clock, name servers. */
#include <string.h>

#include "basic/io.h"
#include "basic/path.h"
#include "rofs/check/asking.h"
#include "rofs/check/check.h"
#include "system/unit-presence.h"

static const struct pos nowhere;

/* Returns: 1: one of the units is started at boot; 0, or -ENOMEM. */
static int is_enabled(const struct unit_dirs *dirs, const char *const *names, size_t n)
{
	struct unit_presence p = { 0 };
	int err = 0;

	for (size_t i = 0; i < n && err >= 0; i++)
		err = unit_presence_add(dirs, names[i], &p);
	return err < 0 ? err : p.enabled;
}

#define IS_ENABLED(dirs, ...)                                    \
	is_enabled((dirs), (const char *const[]){ __VA_ARGS__ }, \
		   ELEMENTSOF(((const char *const[]){ __VA_ARGS__ })))

/* struct host_keys - the host keys of sshd, which starts if it has one of several */
struct host_keys {
	const struct checking *c;
	bool found;
	char *missing; /* the first that HostKey= names and that is not there; NULL: none. Owned. */
};

static void host_keys_done(struct host_keys *k)
{
	free(k->missing);
}

static int take_host_key(void *data, const char *value, _unused_ const char *file,
			 _unused_ unsigned line)
{
	struct host_keys *k = data;
	_cleanup_free_ char *path = strdup(value), *resolved = NULL;
	struct stat st;
	int err;

	if (!path)
		return -ENOMEM;
	if (*path != '/')
		return 0;
	path_clean(path);
	err = rootfs_resolve(&k->c->l->root, path, &resolved);
	if (err == -ENOMEM)
		return err;
	if (err >= 0 && rootfs_stat(&k->c->l->root, resolved, &st) == 0)
		k->found = true;
	else if (!k->missing)
		k->missing = TAKE_PTR(path);
	return 0;
}

static int is_host_key(void *data, const char *name)
{
	struct host_keys *k = data;
	size_t n = strlen(name);

	k->found = k->found || (strncmp(name, "ssh_host_", strlen("ssh_host_")) == 0 && n > 4 &&
				strcmp(name + n - 4, ".pub") != 0);
	return 0;
}

static int find_host_keys(const struct unit_dirs *dirs, struct host_keys *k)
{
	static const char *const files[] = { "/etc/ssh/sshd_config",
					     "/etc/ssh/sshd_config.d/*.conf" };
	int err = 0;

	for (size_t i = 0; i < ELEMENTSOF(files) && err >= 0; i++) {
		const struct setting s = { .syntax = SETTING_LINES,
					   .file = files[i],
					   .key = "HostKey" };

		err = setting_read(dirs, &s, NULL, take_host_key, k);
	}
	if (err < 0 || k->found || k->missing)
		return err;
	err = each_name(rootfs_open_dir(&k->c->l->root, "/etc/ssh"), is_host_key, k);
	return err == -ENOMEM ? err : 0;
}

static void report_host_keys(struct checking *c, const char *dir)
{
	struct place place = check_place_of(c, dir);

	if (place.kind == PLACE_READ_ONLY) {
		check_add(c, PROBLEM_HOST_KEYS_MISSING, NULL, nowhere,
			  "sshd has no host key in %s, which is read-only, so none can be made and "
			  "sshd does not start; boot with rofs=off and run ssh-keygen -A",
			  dir);
	} else if (place.kind == PLACE_OVERLAY && !place.overlay->on_partition) {
		const struct conf_section *s = &place.overlay->conf->section;

		check_add(
			c, PROBLEM_HOST_KEYS_MISSING, s, s->pos,
			"[Overlay %s]: sshd has no host key in %s: one that is made at boot is lost at "
			"power-off, so each boot has a different one; boot with rofs=off and run "
			"ssh-keygen -A",
			s->name, dir);
	}
}

/* If cloud-init has not run yet, check_cloud_init() reports the same. */
static int check_host_keys(struct checking *c, const struct unit_dirs *dirs)
{
	_cleanup_(host_keys_done) struct host_keys k = { .c = c };
	bool cloud_init = false;
	int err = IS_ENABLED(dirs, "ssh.service", "sshd.service", "ssh.socket", "sshd.socket");

	if (err <= 0)
		return err;
	err = check_cloud_init_runs(c, dirs, &cloud_init);
	if (err < 0 || cloud_init)
		return err;
	err = find_host_keys(dirs, &k);
	if (err < 0 || k.found)
		return err;
	if (k.missing)
		*strrchr(k.missing, '/') = '\0';
	report_host_keys(c, k.missing && *k.missing ? k.missing : "/etc/ssh");
	return 0;
}

#define FAKE_HWCLOCK_CURE                                                                             \
	"remove it, use systemd-timesyncd, and add [Persist /var/lib/systemd], where that keeps the " \
	"time"

/* Machines without a clock that runs while they are off, such as a Raspberry Pi. */
static int check_clock(struct checking *c, const struct unit_dirs *dirs)
{
	static const struct setting data = { .syntax = SETTING_LINES,
					     .file = "/etc/default/fake-hwclock",
					     .key = "FILE" };
	_cleanup_asking_ struct asking x = { 0 };
	struct place place;
	const char *file;
	int err = IS_ENABLED(dirs, "fake-hwclock.service", "fake-hwclock-save.service");

	if (err <= 0)
		return err;
	err = setting_read(dirs, &data, NULL, asking_take, &x);
	if (err < 0)
		return err;
	if (x.last && *x.last == '/')
		path_clean(x.last);
	file = x.last && *x.last == '/' ? x.last : "/etc/fake-hwclock.data";
	place = check_place_of(c, file);
	if (place.kind == PLACE_READ_ONLY) {
		check_add(
			c, PROBLEM_WRITE_FAILS, NULL, nowhere,
			"fake-hwclock saves the time in %s, which is read-only, so each boot starts "
			"with the same old time; " FAKE_HWCLOCK_CURE,
			file);
	} else if (place.kind == PLACE_OVERLAY && !place.overlay->on_partition) {
		const struct conf_section *s = &place.overlay->conf->section;

		check_add(
			c, PROBLEM_WRITE_LOST, s, s->pos,
			"[Overlay %s]: fake-hwclock saves the time in %s, which is lost at "
			"power-off, so each boot starts with the same old time; " FAKE_HWCLOCK_CURE,
			s->name, file);
	}
	return 0;
}

/* Does NetworkManager leave the file alone? Returns: 1, 0 or -ENOMEM. */
static int leaves_resolv_conf(const struct unit_dirs *dirs)
{
	static const char *const files[] = { "/etc/NetworkManager/NetworkManager.conf",
					     "/etc/NetworkManager/conf.d/*.conf" };
	_cleanup_asking_ struct asking dns = { 0 }, manager = { 0 };
	int err = ask(dirs, files, "main", "dns", &dns);

	if (err >= 0)
		err = ask(dirs, files, "main", "rc-manager", &manager);
	if (err < 0)
		return err;
	return (dns.last &&
		(strcmp(dns.last, "none") == 0 || strcmp(dns.last, "systemd-resolved") == 0)) ||
	       (manager.last && strcmp(manager.last, "unmanaged") == 0);
}

/* "eth0 inet dhcp" ends with the method. */
static int take_interface(void *data, const char *value, _unused_ const char *file,
			  _unused_ unsigned line)
{
	bool *has_dhcp = data;
	size_t n = strlen(value), m = strlen("dhcp");

	*has_dhcp = *has_dhcp || (n > m && strcmp(value + n - m, "dhcp") == 0 &&
				  strchr(" \t", value[n - m - 1]));
	return 0;
}

/* Does ifupdown ask DHCP for an address? Returns: 1, 0 or -ENOMEM. */
static int ifupdown_has_dhcp(const struct unit_dirs *dirs)
{
	static const char *const files[] = { "/etc/network/interfaces",
					     "/etc/network/interfaces.d/*" };
	int err = IS_ENABLED(dirs, "networking.service");
	bool has_dhcp = false, enabled = err > 0;

	for (size_t i = 0; i < ELEMENTSOF(files) && enabled && err >= 0; i++) {
		const struct setting s = { .syntax = SETTING_LINES,
					   .file = files[i],
					   .key = "iface" };

		err = setting_read(dirs, &s, NULL, take_interface, &has_dhcp);
	}
	return err < 0 ? err : has_dhcp;
}

/* The program that writes the name servers from DHCP. NULL: none. */
static int find_resolv_writer(const struct unit_dirs *dirs, const char **ret)
{
	int manager = IS_ENABLED(dirs, "NetworkManager.service"),
	    client = IS_ENABLED(dirs, "dhcpcd.service"), dhcp = ifupdown_has_dhcp(dirs),
	    leaves = manager > 0 ? leaves_resolv_conf(dirs) : 0;

	if (manager < 0 || client < 0 || dhcp < 0 || leaves < 0)
		return -ENOMEM;
	*ret = manager && !leaves ? "NetworkManager" :
	       client		  ? "dhcpcd" :
	       dhcp		  ? "the DHCP client of ifupdown" :
				    NULL;
	return 0;
}

/* It is usually a link to a file in /run. */
static int check_resolv_conf(struct checking *c, const struct unit_dirs *dirs)
{
	_cleanup_free_ char *path = NULL;
	const char *writer;
	int err = rootfs_resolve(&c->l->root, "/etc/resolv.conf", &path);

	if (err < 0)
		return err == -ENOMEM ? err : 0;
	if (check_place_of(c, path).kind != PLACE_READ_ONLY)
		return 0;
	err = find_resolv_writer(dirs, &writer);
	if (err >= 0 && writer)
		check_add(
			c, PROBLEM_WRITE_FAILS, NULL, nowhere,
			"%s writes name servers to %s, which is read-only, so those of the network "
			"are not used; add [Overlay /etc]%s",
			writer, path,
			strcmp(writer, "NetworkManager") == 0 ?
				", or make /etc/resolv.conf a link to "
				"/run/NetworkManager/resolv.conf" :
				"");
	return err;
}

int check_etc(struct checking *c)
{
	static int (*const checks[])(struct checking *, const struct unit_dirs *) = {
		check_host_keys,
		check_clock,
		check_resolv_conf,
	};
	_cleanup_unit_dirs_ struct unit_dirs dirs = unit_dirs_open(&c->l->root, UNIT_ORIGIN_IMAGE);
	int err = 0;

	for (size_t i = 0; i < ELEMENTSOF(checks) && err >= 0; i++)
		err = checks[i](c, &dirs);
	return err < 0 ? err : 0;
}

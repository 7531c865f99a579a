/* SPDX-License-Identifier: MIT */
/* Persists that are single files. */
#include <string.h>

#include "rofs/check/check.h"

/* Do programs write this file by rename(2) over the old one, which fails on a mount point? */
static bool is_replaced(const char *path)
{
	static const char *const replaced[] = {
		"/etc/passwd",
		"/etc/shadow",
		"/etc/group",
		"/etc/gshadow",
		"/etc/subuid",
		"/etc/subgid",
		"/etc/resolv.conf",
		"/etc/hostname",
		"/etc/hosts",
		"/etc/adjtime",
		"/etc/locale.conf",
		"/etc/vconsole.conf",
		"/etc/machine-info",
		"/etc/default/locale",
		"/etc/default/keyboard",
		"/etc/sudoers",
		"/etc/wpa_supplicant/wpa_supplicant.conf",
		"/var/lib/chrony/chrony.drift",
		"/var/lib/chrony/drift",
		"/var/lib/ntp/ntp.drift",
		"/var/lib/ntpsec/ntp.drift",
		"/etc/localtime",
		"/etc/timezone",
		"/etc/crontab",
		"/etc/mtab",
		"/etc/machine-id",
		"/etc/ld.so.cache",
		"/etc/printcap",
		"/etc/fstab",
		"/etc/network/interfaces",
	};

	for (size_t i = 0; i < ELEMENTSOF(replaced); i++)
		if (strcmp(path, replaced[i]) == 0)
			return true;
	return false;
}

int check_files(struct checking *c)
{
	const struct conf *conf = &c->l->conf;

	for (size_t i = 0; i < conf->n_persists; i++) {
		const struct conf_section *s = &conf->persists[i]->section;

		if (conf->persists[i]->kind != PERSIST_FILE)
			continue;
		if (is_replaced(s->name))
			check_add(
				c, PROBLEM_FILE_REPLACED, s, conf_key_pos(s, "Kind"),
				"[Persist %s]: programs replace this file by renaming a new one "
				"over it, which fails on a mount point; persist its directory, or "
				"leave the file on the root file system",
				s->name);
		else
			check_add(
				c, PROBLEM_FILE_BOUND, s, conf_key_pos(s, "Kind"),
				"[Persist %s]: a program that replaces this file by renaming a new "
				"one over it will fail; if any does, persist the directory instead",
				s->name);
	}
	return 0;
}

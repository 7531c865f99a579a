/* SPDX-License-Identifier: MIT */
/* Other software that mounts an overlay on / before rofs acts. */
#include <string.h>

#include "basic/text.h"
#include "basic/value.h"
#include "rofs/check/check.h"
#include "system/setting-read.h"

#define SCRIPTS "/usr/share/initramfs-tools/scripts/"

/*
 * struct by_word - a word of the kernel command line that makes it do so
 *
 * With "=" at its end, it needs a value; with "=" inside, it is all of the word; without, either.
 * Sources: the initramfs scripts of the packages; systemd-volatile-root.service(8).
 */
static const struct by_word {
	const char *word, *who;
} words[] = {
	{ "overlayroot=", "overlayroot" },
	{ "boot=overlay", "the overlay of raspi-config" },
	{ "lockfs", "bilibop-lockfs" },
	{ "fsprotect", "fsprotect" },
	{ "aufs=tmpfs", "the initramfs" },
	{ "rootovl", "dracut" },
	{ "rd.overlay", "dracut" },
	{ "rd.overlayfs", "dracut" },
	{ "rd.live.overlay.overlayfs", "dracut" },
	{ "rd.live.image", "dracut" },
	{ "boot=live", "live-boot" },
	{ "boot=casper", "casper" },
};

/* struct by_file - a file that makes it do so, unless a word of the kernel command line takes precedence */
static const struct by_file {
	const char *who, *script, *key, *off;
	const char *files[2]; /* the last one counts */
	const char *words[2];
} files[] = {
	{ "overlayroot",
	  SCRIPTS "init-bottom/overlayroot",
	  "overlayroot",
	  "disabled",
	  { "/etc/overlayroot.conf", "/etc/overlayroot.local.conf" },
	  { "overlayroot=" } },
	{ "bilibop-lockfs",
	  SCRIPTS "local-bottom/bilibop-lockfs",
	  "BILIBOP_LOCKFS",
	  "false",
	  { "/etc/bilibop/bilibop.conf" },
	  { "lockfs", "nolockfs" } },
};

static bool is_off(const char *value)
{
	bool on;

	return !*value || strcmp(value, "disabled") == 0 || (value_boolean(value, &on) >= 0 && !on);
}

/* Is the word on the kernel command line, with a value that switches it on? */
static int is_on(const char *cmdline, const char *word, bool *ret)
{
	_cleanup_free_ char *name = NULL, *value = NULL;
	size_t n = strcspn(word, "=");
	int err;

	*ret = word[n] != '=' || word[n + 1] ? boot_has_word(cmdline, word) : false;
	if (*ret || (word[n] && word[n + 1]))
		return 0;
	err = text_format(&name, "%.*s=", (int)n, word);
	if (err >= 0)
		err = boot_value(cmdline, name, &value);
	*ret = value && !is_off(value);
	return err;
}

static int check_words(struct checking *c)
{
	const struct pos at = { .file = "/proc/cmdline" };
	const char *cmdline = c->l->cmdline;
	bool on;
	int err = is_on(cmdline, "systemd.volatile", &on);

	if (err >= 0 && on)
		check_add(c, PROBLEM_CMDLINE_VOLATILE, NULL, at,
			  "systemd.volatile= mounts its own / or /var, which conflicts with rofs; "
			  "expected only one of the two");
	for (size_t i = 0; i < ELEMENTSOF(words) && err >= 0; i++) {
		const struct by_word *w = &words[i];

		err = is_on(cmdline, w->word, &on);
		if (strcmp(w->word, "lockfs") == 0 && boot_has_word(cmdline, "nolockfs"))
			on = false;
		if (err >= 0 && on)
			check_add(
				c, PROBLEM_ROOT_OVERLAID, NULL, at,
				"%s on the kernel command line: %s mounts an overlay on / before rofs acts, "
				"and the two conflict; to use rofs, remove this word",
				w->word, w->who);
	}
	return err;
}

/* struct said - whether the last value of a key turns the overlay on, and its position */
struct said {
	struct checking *c;
	struct pos pos;
	bool on;
	const char *off;
};

static int take(void *data, const char *value, const char *file, unsigned line)
{
	struct said *s = data;

	s->on = *value && strcmp(value, s->off) != 0;
	s->pos = (struct pos){ .file = check_file_name(s->c, file), .line = line };
	return s->pos.file ? 0 : -ENOMEM;
}

/* Returns: 1, 0 or -ENOMEM. */
static int is_there(const struct rootfs *r, const char *path)
{
	_cleanup_free_ char *resolved = NULL;
	struct stat st;
	int err = rootfs_resolve(r, path, &resolved);

	if (err >= 0)
		err = rootfs_stat(r, resolved, &st);
	return err == -ENOMEM ? err : err >= 0;
}

static bool is_overruled(const struct checking *c, const struct by_file *f)
{
	for (size_t i = 0; i < ELEMENTSOF(f->words); i++)
		if (f->words[i] && boot_has_word(c->l->cmdline, f->words[i]))
			return true;
	return false;
}

static int check_files_of(struct checking *c, const struct unit_dirs *dirs, const struct by_file *f)
{
	struct said said = { .c = c, .off = f->off };
	int err = is_there(&c->l->root, f->script);

	if (err <= 0 || is_overruled(c, f))
		return err;
	for (size_t i = 0; i < ELEMENTSOF(f->files) && err >= 0; i++) {
		const struct setting s = { .syntax = SETTING_LINES,
					   .file = f->files[i],
					   .key = f->key };

		if (f->files[i])
			err = setting_read(dirs, &s, NULL, take, &said);
	}
	if (err >= 0 && said.on)
		check_add(
			c, PROBLEM_ROOT_OVERLAID, NULL, said.pos,
			"%s mounts an overlay on / before rofs acts, and the two conflict; to use rofs, "
			"set %s=\"%s\" here",
			f->who, f->key, f->off);
	return err;
}

int check_root_overlay(struct checking *c)
{
	_cleanup_unit_dirs_ struct unit_dirs dirs = unit_dirs_open(&c->l->root, UNIT_ORIGIN_IMAGE);
	int err = check_words(c);

	for (size_t i = 0; i < ELEMENTSOF(files) && err >= 0; i++)
		err = check_files_of(c, &dirs, &files[i]);
	return err;
}

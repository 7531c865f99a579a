/* SPDX-License-Identifier: MIT */
#include "system/native-entry.h"

#include <string.h>
#include <sys/stat.h>

#include "basic/path.h"
#include "basic/text.h"
#include "basic/value.h"
#include "plan/fstab.h"
#include "system/unit-specifiers.h"

/* Of what is said in the unit file itself, nothing counts where fstab has one of the same name. */
bool native_counts(const struct native *n, const struct unit_setting *s)
{
	return n->counts || !n->unit.has_fragment || s->pos.file != n->unit.files[0];
}

/* The last assignment, an empty one as well. */
const struct unit_setting *native_setting(const struct native *n, const char *key)
{
	for (size_t i = n->unit.n_settings; i-- > 0;) {
		const struct unit_setting *s = &n->unit.settings[i];

		if (strcmp(s->section, "Mount") == 0 && strcmp(s->key, key) == 0 &&
		    native_counts(n, s))
			return s;
	}
	return NULL;
}

/* Why it cannot be a lower; the first reason counts. */
static int refuse(struct fstab_entry *e, struct pos pos, char *reason)
{
	_cleanup_free_ char *owned = reason;

	if (!reason)
		return -ENOMEM;
	if (e->refused)
		return 0;
	free(e->file);
	e->refused = TAKE_PTR(owned);
	e->file = strdup(pos.file);
	e->line = pos.line;
	return e->file ? 0 : -ENOMEM;
}

static int refuse_specifier(struct fstab_entry *e, const struct unit_setting *s, int specifier)
{
	char *reason = NULL;
	int err = text_format(
		&reason,
		"%s= has the specifier %%%c; expected a value without it, or a line of fstab",
		s->key, specifier);

	return err < 0 ? err : refuse(e, s->pos, reason);
}

/* The value of a key, or what fstab says; *@ret is NULL when neither says anything. */
static int read_value(const struct native *n, const char *key, const char *of_base,
		      struct fstab_entry *e, char **ret)
{
	const struct unit_setting *s = native_setting(n, key);
	int err;

	if (!s) {
		*ret = of_base ? strdup(of_base) : NULL;
		return of_base && !*ret ? -ENOMEM : 0;
	}
	err = unit_specifiers_expand(s->value, n->name, n->dir, ret);
	if (err <= 0)
		return err;
	err = refuse_specifier(e, s, err);
	if (err >= 0)
		*ret = strdup(s->value);
	return *ret ? err : -ENOMEM;
}

/* What only fstab means by an option, a unit says by its links. */
static bool is_of_fstab(const char *s, size_t n)
{
	static const char *const words[] = { "noauto", "auto", "x-systemd.automount",
					     "comment=systemd.automount" };

	for (size_t i = 0; i < ELEMENTSOF(words); i++)
		if (strlen(words[i]) == n && strncmp(s, words[i], n) == 0)
			return true;
	return false;
}

static void add_option(struct strbuf *b, const char *s, size_t n)
{
	if (n == 0)
		return;
	if (b->len)
		strbuf_add_char(b, ',');
	strbuf_add_n(b, s, n);
}

/* What the unit of a lower has anyway, or must not have as it is not stopped. */
static bool is_default(const char *key, const char *unit)
{
	return strcmp(key, "Before") == 0 &&
	       (strcmp(unit, "local-fs.target") == 0 || strcmp(unit, "umount.target") == 0);
}

/* systemd ignores what names no unit and is no path, where a line of fstab would name a mount unit so. */
static bool is_ignored(const char *key, const char *word)
{
	if (strchr(word, ','))
		return true; /* it would be two options; no name of a unit has one */
	return strstr(key, "MountsFor") ? word[0] != '/' : !value_is_unit(word, strlen(word));
}

/* As options of fstab, one for each unit or path. */
static int add_list(struct strbuf *b, const struct native *n, const char *key, const char *option,
		    struct fstab_entry *e)
{
	static const char separators[] = " \t\"'";
	const struct unit_setting *s = NULL;
	int err = 0;

	while (err >= 0 && (s = unit_file_next(&n->unit, "Unit", key, s))) {
		_cleanup_free_ char *words = NULL;
		char *state, *word;

		if (!native_counts(n, s))
			continue;
		err = unit_specifiers_expand(s->value, n->name, n->dir, &words);
		if (err > 0)
			err = refuse_specifier(e, s, err);
		for (word = words ? strtok_r(words, separators, &state) : NULL; word;
		     word = strtok_r(NULL, separators, &state))
			if (!is_ignored(key, word) && !is_default(key, word))
				strbuf_addf(b, "%s%s%s", b->len ? "," : "", option, word);
	}
	return err;
}

static int add_dependencies(struct strbuf *b, const struct native *n, struct fstab_entry *e)
{
	static const struct {
		const char *key, *option;
	} lists[] = {
		{ "Requires", "x-systemd.requires=" },
		{ "BindsTo", "x-systemd.requires=" },
		{ "Requisite", "x-systemd.requires=" },
		{ "Wants", "x-systemd.wants=" },
		{ "After", "x-systemd.after=" },
		{ "Before", "x-systemd.before=" },
		{ "RequiresMountsFor", "x-systemd.requires-mounts-for=" },
		{ "WantsMountsFor", "x-systemd.wants-mounts-for=" },
	};
	const struct unit_setting *timeout = native_setting(n, "TimeoutSec");
	int err = 0;

	for (size_t i = 0; i < ELEMENTSOF(lists) && err >= 0; i++)
		err = add_list(b, n, lists[i].key, lists[i].option, e);
	if (timeout && timeout->value[0] && !strchr(timeout->value, ','))
		strbuf_addf(b, "%sx-systemd.mount-timeout=%s", b->len ? "," : "", timeout->value);
	return err;
}

static int read_options(const struct native *n, const char *of_base, struct fstab_entry *e)
{
	_cleanup_strbuf_ struct strbuf b = { 0 };
	_cleanup_free_ char *given = NULL;
	int err = read_value(n, "Options", of_base, e, &given);

	if (err < 0)
		return err;
	for (const char *s = given ? given : "";; s++) {
		size_t len;

		s += strspn(s, " \t");
		len = text_option_length(s);
		if (!is_of_fstab(s, len))
			add_option(&b, s, len);
		s += len;
		if (!*s)
			break;
	}
	err = add_dependencies(&b, n, e);
	if (err < 0)
		return err;
	if (!b.len)
		strbuf_add(&b, "defaults");
	if (!n->mounted)
		strbuf_add(&b, ",noauto");
	return strbuf_take(&b, &e->options);
}

/* Where the entry is written: that which says what is mounted, or how. */
static struct pos entry_pos(const struct native *n)
{
	static const char *const keys[] = { "What", "Options", "Type" };

	for (size_t i = 0; i < ELEMENTSOF(keys); i++) {
		const struct unit_setting *s = native_setting(n, keys[i]);

		if (s)
			return s->pos;
	}
	return (struct pos){ .file = n->unit.n_files ? n->unit.files[0] : n->unit.unread_file };
}

/* Whether they are met is known in each boot only. */
static const struct unit_setting *find_condition(const struct native *n)
{
	for (size_t i = 0; i < n->unit.n_settings; i++) {
		const struct unit_setting *s = &n->unit.settings[i];

		if (strcmp(s->section, "Unit") != 0 ||
		    (strncmp(s->key, "Condition", 9) != 0 && strncmp(s->key, "Assert", 6) != 0))
			continue;
		/* An empty value resets what is before it. */
		s = unit_file_next(&n->unit, s->section, s->key, NULL);
		if (s && native_counts(n, s))
			return s;
	}
	return NULL;
}

/*
 * Whether there is such a file, in the untouched system: then no mount is ever made by this unit. What is
 * below a mount point is not looked at, and counts as there.
 */
static int is_missing(const struct rootfs *r, const struct mount_points *m, const char *path)
{
	_cleanup_free_ char *clean = strdup(path), *resolved = NULL;
	struct stat st;
	int end;

	if (!clean)
		return -ENOMEM;
	path_clean(clean);
	end = rootfs_resolve_up_to(r, clean, &m->all, &resolved);
	if (end < 0)
		return end == -ENOMEM ? end : 0;
	return end == ROOTFS_READ && rootfs_stat(r, resolved, &st) == -ENOENT;
}

int native_is_never_mounted(const struct native *n, const struct rootfs *r,
			    const struct mount_points *m)
{
	const struct unit_setting *s = NULL;

	while ((s = unit_file_next(&n->unit, "Unit", "ConditionPathExists", s))) {
		int missing = 0;

		/* With "!" or "|" it is another condition. */
		if (native_counts(n, s) && s->value[0] == '/' && !strchr(s->value, '%'))
			missing = is_missing(r, m, s->value);
		if (missing)
			return missing;
	}
	return 0;
}

/* A file system in RAM is empty, and nothing is lost whether it is mounted or not. */
static int refuse_condition(const struct native *n, struct fstab_entry *e)
{
	const struct unit_setting *s = find_condition(n);
	char *reason = NULL;
	int err;

	if (!s || fstab_is_in_ram(e))
		return 0;
	err = text_format(&reason, "%s= decides in each boot whether it does; expected none",
			  s->key);
	return err < 0 ? err : refuse(e, s->pos, reason);
}

static int refuse_unread(const struct native *n, struct fstab_entry *e)
{
	char *reason = NULL;
	int err = text_format(&reason, "it cannot be read: %s", rootfs_explain(n->unit.unread));

	return err < 0 ? err : refuse(e, (struct pos){ .file = n->unit.unread_file }, reason);
}

static int read_spec(const struct native *n, const struct rootfs *r, const struct mount_points *m,
		     const char *of_base, struct fstab_entry *e)
{
	int err = read_value(n, "What", of_base, e, &e->spec);

	if (err < 0)
		return err;
	if (!e->spec || !e->spec[0]) {
		err = refuse(e, entry_pos(n),
			     strdup("it has no What=; expected a device or a directory"));
		free(e->spec);
		e->spec = strdup("");
		return e->spec ? err : -ENOMEM;
	}
	return fstab_read_source(r, m, e);
}

int native_entry_read(const struct native *n, const struct rootfs *r, const struct mount_points *m,
		      const struct fstab_entry *base, struct fstab_entry *e)
{
	static const struct fstab_entry none;
	struct pos pos = entry_pos(n);
	int err = 0;

	if (n->counts || !base)
		base = &none;
	e->passno = base->passno;
	e->line = pos.line;
	e->dir = strdup(n->dir);
	e->file = strdup(pos.file);
	if (!e->dir || !e->file)
		return -ENOMEM;
	if (n->unit.unread)
		err = refuse_unread(n, e);
	if (err >= 0)
		err = read_options(n, base->options, e);
	if (err >= 0)
		err = read_value(n, "Type", base->type ? base->type : "auto", e, &e->type);
	if (err >= 0)
		err = read_spec(n, r, m, base->spec, e);
	if (err >= 0)
		err = refuse_condition(n, e);
	return err;
}

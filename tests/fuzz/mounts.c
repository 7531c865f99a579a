/* SPDX-License-Identifier: MIT */
/* Mount units: each is one of the declared mounts, with its options and no others. */
#include "judge.h"

#include <string.h>

#include "basic/macro.h"
#include "plan/fstab.h"

#define OPTION_BYTES_MAX 255u /* fsconfig(2): a value has 256 bytes with its NUL */

/* Is @what the same file as @spec, on the root below all overlays? */
static bool is_untouched(const char *what, const char *spec)
{
	static const char ro[] = "/rofs/ro";

	return spec[0] == '/' && strncmp(what, ro, strlen(ro)) == 0 &&
	       same_path(what[strlen(ro)] ? what + strlen(ro) : "/", spec);
}

static bool has_what(const struct mount *m, const char *what)
{
	switch (m->kind) {
	case MOUNT_PARTITION:
		return is_device(what, m->what);
	case MOUNT_LOWER:
		/* A blank at the start cannot be said in a unit. */
		return is_device(what, m->what) ||
		       same_path(what, m->what + strspn(m->what, " ")) ||
		       is_untouched(what, m->what);
	case MOUNT_SHARED_POOL:
	case MOUNT_OWN_POOL:
	case MOUNT_RO:
	case MOUNT_TMP:
	case MOUNT_LOWER_BIND:
	case MOUNT_MERGED:
	case MOUNT_BIND:
	case MOUNT_PERSIST:
	case MOUNT_FSTAB_DUPLICATE:
		break;
	}
	return same_path(what, m->what);
}

bool has_word(const char *list, const char *word)
{
	size_t n = strlen(word);

	for (const char *s = list; *s;) {
		size_t len = strcspn(s, ",");

		if (len == n && strncmp(s, word, n) == 0)
			return true;
		s += len + (s[len] == ',');
	}
	return false;
}

/* Is every option one of @allowed? There, a word that ends in '=' allows any value. */
static bool all_words_in(const char *options, const char *allowed)
{
	_cleanup_free_ char *copy = join(options, "");
	char *rest = copy, *word;

	while ((word = strsep(&rest, ","))) {
		_cleanup_free_ char *name = copy_n(word, strcspn(word, "=") + 1);

		if (!has_word(allowed, word) && !has_word(allowed, name))
			return false;
	}
	return true;
}

/* The kernel and mount(8) split these at , : and \, and fsconfig(2) takes 255 bytes. */
static void check_layer(const char *option, const char *path)
{
	check_that(strpbrk(path, ",:\\\"%' \t") == NULL, "a layer path with a special character",
		   path);
	check_that(strlen(path) <= OPTION_BYTES_MAX, option, "longer than 255 bytes");
}

static const struct flag {
	const char *set, *clear, *implied; /* by these words of fstab */
} flags[] = {
	{ "nosuid", "suid", "user,users,owner,group" },
	{ "nodev", "dev", "user,users,owner,group" },
	{ "noexec", "exec", "user,users" },
	{ "nosymfollow", "symfollow", "" },
	{ "ro", "rw", "" },
};
#define FLAG_READ_ONLY 4u
#define RESTRICTIONS   "nosuid,nodev,noexec,nosymfollow,"

/* As it is, or with a value. */
static bool is_flag(const char *word, const char *name)
{
	size_t n = strlen(name);

	return strncmp(word, name, n) == 0 && (!word[n] || word[n] == '=');
}

/* The last of the words that concern the flag decides. -1: there is none. */
static int flag_of(const char *options, const struct flag *flag)
{
	int found = -1;

	for (const char *s = options; *s;) {
		_cleanup_free_ char *word = copy_n(s, strcspn(s, ","));

		if (is_flag(word, flag->clear))
			found = 0;
		else if (is_flag(word, flag->set) || has_word(flag->implied, word))
			found = 1;
		s += strlen(word) + (s[strlen(word)] == ',');
	}
	return found;
}

/* Does @options have what @a or @b (NULL: none) has of RESTRICTIONS, and no more? */
static bool has_flags(const char *a, const char *b, const char *options)
{
	for (size_t i = 0; i < FLAG_READ_ONLY; i++)
		if ((flag_of(options, &flags[i]) > 0) !=
		    (flag_of(a, &flags[i]) > 0 || (b && flag_of(b, &flags[i]) > 0)))
			return false;
	return true;
}

/* That / and /usr are read-only is not inherited. */
static bool is_inherited(const struct mount *m, size_t i)
{
	const struct fstab_entry *e = m->entry;

	if (m->partition && flag_of(m->partition->options, &flags[i]) > 0)
		return true;
	return e && !(i == FLAG_READ_ONLY && fstab_is_kept_read_only(e)) &&
	       flag_of(e->options, &flags[i]) > 0;
}

/* Of the lower and the partition, unless the overlay's own options say something of the flag. */
static bool has_inherited_flags(const struct mount *m, const char *options, const char *own)
{
	for (size_t i = 0; i < ELEMENTSOF(flags); i++) {
		int wanted = flag_of(own, &flags[i]);

		if (wanted < 0)
			wanted = is_inherited(m, i);
		if ((flag_of(options, &flags[i]) > 0) != (wanted > 0))
			return false;
	}
	return true;
}

static bool has_overlay_options(const struct mount *m, const char *options)
{
	_cleanup_free_ char *layers = NULL, *allowed = NULL, *upper = join(m->layers, "/upper");
	const char *own;
	const char *path = m->where + strlen("/rofs/overlay");
	_cleanup_free_ char *lower = m->lower_is_live ? join("/proc/self/fd/100", "") :
							join("/rofs/ro", path);

	check_that(asprintf(&layers, "lowerdir=%s,upperdir=%s/upper,workdir=%s/work,", lower,
			    m->layers, m->layers) > 0,
		   "out of memory", "");
	if (strncmp(options, layers, strlen(layers)) != 0)
		return false;
	check_layer("lowerdir", path);
	check_layer("upperdir", upper);

	own = m->overlay->options ? m->overlay->options : "";
	allowed = join(
		"index=off,metacopy=off,redirect_dir=off,redirect_dir=nofollow,xino=off,private,ro," RESTRICTIONS,
		own);
	return all_words_in(options + strlen(layers), allowed) &&
	       has_inherited_flags(m, options + strlen(layers), own);
}

/* Of what stays read-only, systemd runs quotaon(8) in vain. */
static bool has_quota_option(const char *options)
{
	static const char *const words[] = { "quota",  "usrquota", "grpquota", "prjquota",
					     "uquota", "gquota",   "pquota" };

	for (size_t i = 0; i < ELEMENTSOF(words); i++)
		if (has_word(options, words[i]))
			return true;
	return false;
}

/* A blank at the end cannot be said in a unit. */
static bool has_lower_options(const struct mount *m, const char *options)
{
	bool bind = has_word(m->entry->options, "bind") || has_word(m->entry->options, "rbind");
	_cleanup_free_ char *allowed =
		join(bind ? RESTRICTIONS "private,ro," : RESTRICTIONS "ro,", m->entry->options);

	strip(allowed);
	return has_word(options, "ro") && !has_word(options, "rw") && !has_quota_option(options) &&
	       all_words_in(options, allowed) && has_flags(m->entry->options, NULL, options);
}

static bool has_lower_bind_options(const struct mount *m, const char *options)
{
	return all_words_in(options, RESTRICTIONS "bind,ro,private") && has_word(options, "ro") &&
	       has_word(options, "private") && has_flags(m->entry->options, NULL, options);
}

static bool has_partition_options(const struct mount *m, const char *options)
{
	_cleanup_free_ char *expected = join(m->partition->options, ",private");

	return strcmp(options, expected) == 0;
}

/* Each flag of the two is kept, and nothing else. */
static bool has_duplicate_options(const struct mount *m, const char *options)
{
	bool read_only = flag_of(m->entry->options, &flags[FLAG_READ_ONLY]) > 0 ||
			 flag_of(m->partition->options, &flags[FLAG_READ_ONLY]) > 0;

	return strncmp(options, "bind", 4) == 0 && all_words_in(options, RESTRICTIONS "bind,ro") &&
	       has_word(options, "ro") == read_only &&
	       has_flags(m->entry->options, m->partition->options, options);
}

/* Those of the entry whose mount point it takes, and then all, as it has only its own. */
static bool has_persist_options(const struct mount *m, const char *options)
{
	bool more = false;

	for (size_t i = 0; i < FLAG_READ_ONLY && m->entry; i++)
		more = more || (flag_of(m->entry->options, &flags[i]) > 0 &&
				flag_of(m->partition->options, &flags[i]) <= 0);
	if (!more)
		return strcmp(options, "bind") == 0;
	return strncmp(options, "bind,", 5) == 0 && all_words_in(options, RESTRICTIONS "bind,ro") &&
	       has_word(options, "ro") ==
		       (flag_of(m->partition->options, &flags[FLAG_READ_ONLY]) > 0) &&
	       has_flags(m->entry->options, m->partition->options, options);
}

static bool has_options(const struct mount *m, const char *options)
{
	switch (m->kind) {
	case MOUNT_SHARED_POOL:
	case MOUNT_OWN_POOL:
		return all_words_in(options, "mode=0700,nosuid,nodev,noexec,size=,nr_inodes=");
	case MOUNT_RO:
		return strcmp(options, "bind,ro,private") == 0;
	case MOUNT_LOWER_BIND:
		return has_lower_bind_options(m, options);
	case MOUNT_TMP:
		return strcmp(options,
			      "mode=1777,strictatime,nosuid,nodev,size=50%,nr_inodes=1m") == 0;
	case MOUNT_LOWER:
		return has_lower_options(m, options);
	case MOUNT_MERGED:
		return has_overlay_options(m, options);
	case MOUNT_BIND:
		/* Recursive, where there are guards in it. */
		return strcmp(options, "bind") == 0 || strcmp(options, "rbind") == 0;
	case MOUNT_PERSIST:
		return has_persist_options(m, options);
	case MOUNT_PARTITION:
		return has_partition_options(m, options);
	case MOUNT_FSTAB_DUPLICATE:
		return has_duplicate_options(m, options);
	}
	return false;
}

const char *type_of(const struct mount *m)
{
	switch (m->kind) {
	case MOUNT_SHARED_POOL:
	case MOUNT_OWN_POOL:
	case MOUNT_TMP:
		return "tmpfs";
	case MOUNT_MERGED:
		return "overlay";
	case MOUNT_LOWER:
		return m->entry->type;
	case MOUNT_PARTITION:
		return m->partition->type;
	case MOUNT_RO:
	case MOUNT_LOWER_BIND:
	case MOUNT_BIND:
	case MOUNT_PERSIST:
	case MOUNT_FSTAB_DUPLICATE:
		break;
	}
	return "none";
}

static bool is_mount(const struct mount *m, const char *what, const char *type, const char *options)
{
	_cleanup_free_ char *expected = join(type_of(m), "");

	return has_what(m, what) && strcmp(type, strip(expected)) == 0 && has_options(m, options);
}

void check_mount(const struct check *c, const struct unit *u)
{
	static const struct rule rules[] = {
		{ "Unit", "Description", 1, 1 },
		{ "Unit", "Documentation", 1, 1 },
		{ "Unit", "SourcePath", 0, 1 },
		{ "Unit", "DefaultDependencies", 1, 1 },
		/* What partitions and fstab name comes to ours. */
		{ "Unit", "Before", 1, SIZE_MAX },
		{ "Unit", "After", 0, SIZE_MAX },
		{ "Unit", "Requires", 0, SIZE_MAX },
		{ "Unit", "Wants", 0, SIZE_MAX },
		{ "Unit", "RefuseManualStop", 0, 1 },
		{ "Unit", "AssertPathExists", 0, 1 },
		{ "Unit", "AssertPathIsMountPoint", 0, 1 },
		{ "Mount", "LogLevelMax", 0, 1 },
		{ "Mount", "LazyUnmount", 0, 1 },
		{ "Mount", "TimeoutSec", 0, 1 },
		{ "Unit", "Conflicts", 0, 1 },
		{ "Unit", "RequiresMountsFor", 0, SIZE_MAX },
		{ "Mount", "What", 1, 1 },
		{ "Mount", "Where", 1, 1 },
		{ "Mount", "Type", 1, 1 },
		{ "Mount", "Options", 1, 1 },
	};
	_cleanup_free_ char *where = NULL, *what = NULL, *type = NULL, *options = NULL,
			    *named = NULL;

	check_counts(u, rules, ELEMENTSOF(rules));
	check_unit_section(c, u);
	where = unpercent(value_of(u, "Where"));
	what = unpercent(value_of(u, "What"));
	type = unpercent(value_of(u, "Type"));
	options = unpercent(value_of(u, "Options"));
	named = path_of_unit(u->name, ".mount");
	check_that(same_path(where, named), "Where= is not what the unit is named after", where);

	for (size_t i = 0; i < u->n; i++)
		check_that(strcmp(u->settings[i].key, "TimeoutSec") != 0 ||
				   is_span(u->settings[i].value),
			   "no time span", u->name);
	for (size_t i = 0; i < c->n_mounts; i++)
		if (strcmp(named, c->mounts[i].where) == 0 &&
		    is_mount(&c->mounts[i], what, type, options))
			return;
	check_that(false, "a mount that nobody declared", where);
}

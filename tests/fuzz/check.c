/* SPDX-License-Identifier: MIT */
/*
 * What the units may say. Shares no code with the renderer: names and values are read back instead
 * of written again.
 */
#include "check.h"

#include <stdlib.h>
#include <string.h>

#include "basic/macro.h"
#include "basic/text.h"
#include "plan/fstab.h"
#include "plan/unit-name.h"

#define NAME_BYTES_MAX	 255u /* NAME_MAX, and UNIT_NAME_MAX less the NUL */
#define OPTION_BYTES_MAX 255u /* fsconfig(2): a value has 256 bytes with its NUL */

void check_that(bool holds, const char *what, const char *about)
{
	if (holds)
		return;
	fprintf(stderr, "not as meant: %s: %s\n", what, about);
	abort();
}

/* --- a unit as systemd reads it ------------------------------------------------------------------------------------------ */

struct setting {
	char *section, *key, *value;
};

struct unit {
	const char *name;
	struct setting *settings;
	size_t n;
};

static void unit_done(struct unit *u)
{
	for (size_t i = 0; i < u->n; i++) {
		free(u->settings[i].section);
		free(u->settings[i].key);
		free(u->settings[i].value);
	}
	free(u->settings);
}

static char *copy_n(const char *s, size_t n)
{
	size_t len = strlen(s);
	char *copy = strndup(s, n < len ? n : len);

	check_that(copy != NULL, "out of memory", "");
	return copy;
}

static char *join(const char *a, const char *b)
{
	char *s = NULL;

	check_that(asprintf(&s, "%s%s", a, b) >= 0, "out of memory", "");
	return s;
}

static char *strip(char *s)
{
	size_t n;

	s += strspn(s, " \t");
	for (n = strlen(s); n > 0 && strchr(" \t", s[n - 1]); n--)
		;
	s[n] = '\0';
	return s;
}

/* One logical line: continuation lines are joined already. */
static void parse_line(struct unit *u, char **section, char *line)
{
	char *equals;

	line = strip(line);
	if (!*line)
		return;
	if (*line == '[') {
		check_that(line[strlen(line) - 1] == ']', "broken section header", line);
		free(*section);
		*section = copy_n(line + 1, strlen(line) - 2);
		return;
	}

	equals = strchr(line, '=');
	check_that(equals != NULL, "a line that is no setting", line);
	check_that(*section != NULL, "a setting before any section", line);
	*equals = '\0';
	check_that(array_reserve(u->settings, u->n) == 0, "out of memory", "");
	u->settings[u->n++] = (struct setting){
		copy_n(*section, strlen(*section)),
		copy_n(strip(line), strlen(strip(line))),
		copy_n(strip(equals + 1), strlen(strip(equals + 1))),
	};
}

/* Does an odd number of backslashes end the line, so that the next one belongs to it? */
static bool continues(const char *line)
{
	bool escaped = false;

	for (; *line; line++)
		escaped = !escaped && *line == '\\';
	return escaped;
}

static bool is_comment(const char *line)
{
	line += strspn(line, " \t");
	return *line == '#' || *line == ';';
}

/* conf-parser.c, config_parse(): comments are skipped also between continuation lines. */
static struct unit parse_unit(const struct unit_file *f)
{
	_cleanup_free_ char *section = NULL, *pending = NULL, *copy = copy_n(f->text, SIZE_MAX);
	struct unit u = { .name = f->name };
	char *rest = copy, *line;

	while ((line = strsep(&rest, "\n"))) {
		char *joined;

		if (is_comment(line))
			continue;
		joined = join(pending ? pending : "", line);
		free(pending);
		pending = joined;
		if (continues(joined)) {
			joined[strlen(joined) - 1] = ' ';
			continue;
		}
		parse_line(&u, &section, joined);
		free(pending);
		pending = NULL;
	}
	check_that(!pending, "the last line continues", f->name);
	return u;
}

static const char *value_of(const struct unit *u, const char *key)
{
	for (size_t i = 0; i < u->n; i++)
		if (strcmp(u->settings[i].key, key) == 0)
			return u->settings[i].value;
	check_that(false, key, "is missing");
	return NULL;
}

/* --- reading back -------------------------------------------------------------------------------------------------------- */

/* @sign starts something that is replaced, unless it is doubled. */
static char *undouble(const char *s, char sign)
{
	char *copy = copy_n(s, strlen(s)), *to = copy;

	for (; *s; s++) {
		check_that(*s != sign || s[1] == sign, "a sign that is not doubled", s);
		*to++ = *s;
		s += *s == sign;
	}
	*to = '\0';
	return copy;
}

/* Specifiers: nothing but %% is meant. */
static char *unpercent(const char *s)
{
	return undouble(s, '%');
}

/* Slashes together count as one, and those at the end do not count. */
static char *simplify(const char *s)
{
	char *copy = copy_n(s, strlen(s)), *to = copy;

	for (; *s; s++)
		if (*s != '/' || to == copy || to[-1] != '/')
			*to++ = *s;
	while (to > copy + 1 && to[-1] == '/')
		to--;
	*to = '\0';
	return copy;
}

static bool same_path(const char *value, const char *path)
{
	_cleanup_free_ char *a = simplify(value), *b = simplify(path);

	return strcmp(a, b) == 0;
}

/* \xNN becomes the byte it stands for. With @dashes also '-' becomes '/': a unit name back into its path. */
static char *unescape(const char *s, size_t n, bool dashes)
{
	char *copy = copy_n(s, n), *to = copy;

	for (const char *p = copy; *p; p++) {
		unsigned byte = 0;

		if (*p == '-' && dashes) {
			*to++ = '/';
		} else if (*p == '\\') {
			check_that(p[1] == 'x' && sscanf(p + 2, "%2x", &byte) == 1 && byte,
				   "broken escape", s);
			*to++ = (char)byte;
			p += 3;
		} else {
			*to++ = *p;
		}
	}
	*to = '\0';
	return copy;
}

static bool ends_with(const char *s, const char *end)
{
	return strlen(s) >= strlen(end) && strcmp(s + strlen(s) - strlen(end), end) == 0;
}

static char *path_of_unit(const char *name, const char *suffix)
{
	_cleanup_free_ char *path = NULL;

	check_that(ends_with(name, suffix), suffix, name);
	path = unescape(name, strlen(name) - strlen(suffix), true);
	return join("/", path);
}

/* fstab may have quotes around a tag's value. */
static bool is_quoted(const char *s, const char *plain)
{
	size_t n = strlen(plain);

	return strchr("\"'", *s) && *s && strlen(s) == n + 2 && s[n + 1] == *s &&
	       strncmp(s + 1, plain, n) == 0;
}

/* Is @path where udev puts @device? */
static bool is_device(const char *path, const char *device)
{
	static const char *const tags[][2] = {
		{ "LABEL=", "/dev/disk/by-label/" },
		{ "UUID=", "/dev/disk/by-uuid/" },
		{ "PARTLABEL=", "/dev/disk/by-partlabel/" },
		{ "PARTUUID=", "/dev/disk/by-partuuid/" },
	};

	for (size_t i = 0; i < ELEMENTSOF(tags); i++) {
		_cleanup_free_ char *value = NULL;
		size_t n = strlen(tags[i][1]);

		if (strncmp(device, tags[i][0], strlen(tags[i][0])) != 0)
			continue;
		device += strlen(tags[i][0]);
		if (strncmp(path, tags[i][1], n) != 0) /* an empty value leaves the directory */
			return (!*device || is_quoted(device, "")) && same_path(path, tags[i][1]);
		value = unescape(path + n, SIZE_MAX, false);
		return strcmp(value, device) == 0 || is_quoted(device, value);
	}
	return strncmp(device, "/dev/", 5) == 0 && same_path(path, device);
}

/* --- what was declared --------------------------------------------------------------------------------------------------- */

enum kind {
	SHARED_POOL,
	OWN_POOL,
	RO,
	TMP,
	LOWER,
	LOWER_BIND,
	MERGED,
	BIND,
	PARTITION,
	PERSIST,
	TWIN
};

/* A mount that would be all right. */
struct mount {
	enum kind kind;
	char *where, *what;
	char *layers; /* of an overlay */
	const struct conf_overlay *overlay;
	const struct conf_partition *partition;
	const struct fstab_entry *entry;
};

struct check {
	const struct conf *conf;
	const struct facts *facts;
	const struct unit_set *set;
	struct mount *mounts;
	size_t n_mounts;
};

static struct mount *add_mount(struct check *c, enum kind kind, char *where, char *what)
{
	check_that(array_reserve(c->mounts, c->n_mounts) == 0, "out of memory", "");
	c->mounts[c->n_mounts] = (struct mount){ .kind = kind, .where = where, .what = what };
	return &c->mounts[c->n_mounts++];
}

static char *on_partition(const char *partition, const char *directory)
{
	_cleanup_free_ char *where = join("/rofs/persist/", partition);

	return join(where, strcmp(directory, "/") == 0 ? "" : directory);
}

static char *layers_of(const struct conf_overlay *o, const char *path)
{
	_cleanup_free_ char *directory = join("/overlay", path);

	if (!o->partition)
		return join("/rofs/rw", path);
	return on_partition(o->partition, o->directory ? o->directory : directory);
}

static void allow_overlay(struct check *c, const struct conf_overlay *o, const char *path)
{
	struct mount *m;

	if (o->size.bytes || o->size.percent)
		add_mount(c, OWN_POOL, join("/rofs/rw", path), join("rofs", ""));
	m = add_mount(c, MERGED, join("/rofs/overlay", path), join("rofs", ""));
	m->overlay = o;
	m->layers = layers_of(o, path);
	m = add_mount(c, BIND, join(path, ""), join("/rofs/overlay", path));
	m->overlay = o;
	if (!o->partition)
		return;
	m = add_mount(c, BIND, join(path, ""), join("/rofs/fallback", path));
	m->overlay = o;
}

static void allow_fstab(struct check *c, const struct fstab_entry *e)
{
	add_mount(c, LOWER_BIND, join("/rofs/ro", e->dir), join(e->dir, ""))->entry = e;
	add_mount(c, LOWER, join("/rofs/ro", e->dir), join(e->spec, ""))->entry = e;
}

/* How a device path is spelled is checked where a partition is mounted from it. */
static bool is_same_device(const char *a, const char *b)
{
	_cleanup_free_ char *x = NULL, *y = NULL;

	return unit_name_device_path(a, &x) >= 0 && unit_name_device_path(b, &y) >= 0 &&
	       same_path(x, y);
}

/* What fstab mounts from a partition that is declared. */
static void allow_twins(struct check *c, const struct conf_partition *p)
{
	for (size_t i = 0; i < c->facts->n_fstab; i++) {
		const struct fstab_entry *e = &c->facts->fstab[i];
		struct mount *m;

		if (e->dir[0] != '/' || !is_same_device(e->spec, p->device))
			continue;
		m = add_mount(c, TWIN, join(e->dir, ""), join("/rofs/persist/", p->section.name));
		m->entry = e;
		m->partition = p;
	}
}

/* Everything that the configuration can mean. Sections with a mistake mean nothing. */
static void allow(struct check *c)
{
	const struct conf *conf = c->conf;

	add_mount(c, SHARED_POOL, join("/rofs", ""), join("rofs", ""));
	add_mount(c, RO, join("/rofs/ro", ""), join("/", ""));
	add_mount(c, TMP, join("/tmp", ""), join("tmpfs", ""));
	for (size_t i = 0; i < c->facts->n_fstab; i++)
		if (c->facts->fstab[i].dir[0] == '/' && c->facts->fstab[i].dir[1])
			allow_fstab(c, &c->facts->fstab[i]);
	for (size_t i = 0; i < conf->n_overlays; i++)
		if (!conf->overlays[i]->section.invalid)
			allow_overlay(c, conf->overlays[i], c->facts->overlays[i].resolved);
	for (size_t i = 0; i < conf->n_partitions; i++) {
		if (conf->partitions[i]->section.invalid)
			continue;
		add_mount(c, PARTITION, join("/rofs/persist/", conf->partitions[i]->section.name),
			  join(conf->partitions[i]->device, ""))
			->partition = conf->partitions[i];
		allow_twins(c, conf->partitions[i]);
	}
	for (size_t i = 0; i < conf->n_persists; i++)
		if (!conf->persists[i]->section.invalid)
			add_mount(c, PERSIST, join(c->facts->persists[i].resolved, ""),
				  on_partition(conf->persists[i]->partition,
					       conf->persists[i]->directory));
}

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
	case PARTITION:
		return is_device(what, m->what);
	case LOWER:
		/* A blank at the start cannot be said in a unit. */
		return is_device(what, m->what) ||
		       same_path(what, m->what + strspn(m->what, " ")) ||
		       is_untouched(what, m->what);
	case SHARED_POOL:
	case OWN_POOL:
	case RO:
	case TMP:
	case LOWER_BIND:
	case MERGED:
	case BIND:
	case PERSIST:
	case TWIN:
		break;
	}
	return same_path(what, m->what);
}

static bool has_word(const char *list, const char *word)
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

static bool has_overlay_options(const struct mount *m, const char *options)
{
	_cleanup_free_ char *layers = NULL, *allowed = NULL, *upper = join(m->layers, "/upper");
	const char *path = m->where + strlen("/rofs/overlay");

	check_layer("lowerdir", path);
	check_layer("upperdir", upper);
	check_that(asprintf(&layers, "lowerdir=/rofs/ro%s,upperdir=%s/upper,workdir=%s/work,", path,
			    m->layers, m->layers) > 0,
		   "out of memory", "");
	if (strncmp(options, layers, strlen(layers)) != 0)
		return false;

	allowed = join("index=off,metacopy=off,redirect_dir=off,xino=off,private,",
		       m->overlay->options ? m->overlay->options : "");
	return all_words_in(options + strlen(layers), allowed);
}

/* A blank at the end cannot be said in a unit. */
static bool has_lower_options(const struct mount *m, const char *options)
{
	bool bind = has_word(m->entry->options, "bind") || has_word(m->entry->options, "rbind");
	_cleanup_free_ char *allowed = join(bind ? "private,ro," : "ro,", m->entry->options);

	strip(allowed);
	return has_word(options, "ro") && !has_word(options, "rw") &&
	       all_words_in(options, allowed);
}

static bool has_partition_options(const struct mount *m, const char *options)
{
	_cleanup_free_ char *expected = join(m->partition->options, ",private");

	return strcmp(options, expected) == 0;
}

/* Each flag of the two is kept, and nothing else. */
static bool has_twin_options(const struct mount *m, const char *options)
{
	static const char *const flags[] = { "ro", "nosuid", "nodev", "noexec" };
	bool wrong = strncmp(options, "bind", 4) != 0 ||
		     !all_words_in(options, "bind,ro,nosuid,nodev,noexec");

	for (size_t i = 0; i < ELEMENTSOF(flags); i++)
		wrong = wrong || has_word(options, flags[i]) !=
					 (fstab_has_option(m->entry->options, flags[i]) ||
					  fstab_has_option(m->partition->options, flags[i]));
	return !wrong;
}

static bool has_options(const struct mount *m, const char *options)
{
	switch (m->kind) {
	case SHARED_POOL:
	case OWN_POOL:
		return all_words_in(options, "mode=0700,nosuid,nodev,noexec,size=,nr_inodes=");
	case RO:
	case LOWER_BIND:
		return strcmp(options, "bind,ro,private") == 0;
	case TMP:
		return strcmp(options,
			      "mode=1777,strictatime,nosuid,nodev,size=50%,nr_inodes=1m") == 0;
	case LOWER:
		return has_lower_options(m, options);
	case MERGED:
		return has_overlay_options(m, options);
	case BIND:
	case PERSIST:
		return strcmp(options, "bind") == 0;
	case PARTITION:
		return has_partition_options(m, options);
	case TWIN:
		return has_twin_options(m, options);
	}
	return false;
}

static const char *type_of(const struct mount *m)
{
	switch (m->kind) {
	case SHARED_POOL:
	case OWN_POOL:
	case TMP:
		return "tmpfs";
	case MERGED:
		return "overlay";
	case LOWER:
		return m->entry->type;
	case PARTITION:
		return m->partition->type;
	case RO:
	case LOWER_BIND:
	case BIND:
	case PERSIST:
	case TWIN:
		break;
	}
	return "none";
}

/* --- settings ------------------------------------------------------------------------------------------------------------ */

struct rule {
	const char *section, *key;
	size_t min, max; /* how often */
};

/* A setting that is in no rule, or too often, was not meant. */
static void check_counts(const struct unit *u, const struct rule *rules, size_t n_rules)
{
	size_t known = 0;

	for (size_t i = 0; i < n_rules; i++) {
		size_t n = 0;

		for (size_t k = 0; k < u->n; k++)
			n += strcmp(u->settings[k].section, rules[i].section) == 0 &&
			     strcmp(u->settings[k].key, rules[i].key) == 0;
		check_that(n >= rules[i].min && n <= rules[i].max, rules[i].key, u->name);
		known += n;
	}
	check_that(known == u->n, "a setting that was not meant", u->name);
}

static const struct unit_file *find(const struct check *c, const char *name)
{
	for (size_t i = 0; i < c->set->n_files; i++)
		if (strcmp(c->set->files[i].name, name) == 0)
			return &c->set->files[i];
	return NULL;
}

static bool is_known_unit(const char *name)
{
	static const char *const names[] = {
		"local-fs.target",
		"local-fs-pre.target",
		"umount.target",
		"systemd-resolved.service",
		"systemd-networkd.service",
		"systemd-timesyncd.service",
		"systemd-firstboot.service",
	};

	for (size_t i = 0; i < ELEMENTSOF(names); i++)
		if (strcmp(names[i], name) == 0)
			return true;
	return false;
}

/* systemd-fsck@DEVICE.service of what this unit mounts. */
static bool is_fsck_of(const char *name, const struct unit *u)
{
	static const char template[] = "systemd-fsck@";
	_cleanup_free_ char *device = NULL, *what = NULL, *clean = NULL;

	if (strncmp(name, template, strlen(template)) != 0)
		return false;
	device = path_of_unit(name + strlen(template), ".service");
	what = unpercent(value_of(u, "What"));
	/* systemd has one name for a device: that of its clean path. */
	clean = simplify(what);
	return strcmp(device, clean) == 0;
}

/* The device of a partition that may be formatted, or its fsck. */
static bool is_of_blank_partition(const struct check *c, const char *unit)
{
	bool fsck = strncmp(unit, "systemd-fsck@", 13) == 0;
	_cleanup_free_ char *path = NULL;

	if (!fsck && !ends_with(unit, ".device"))
		return false;
	path = fsck ? path_of_unit(unit + 13, ".service") : path_of_unit(unit, ".device");
	for (size_t i = 0; i < c->n_mounts; i++)
		if (c->mounts[i].kind == PARTITION && c->mounts[i].partition->format &&
		    is_device(path, c->mounts[i].what))
			return true;
	return false;
}

static void check_units_named(const struct check *c, const struct unit *u, const char *value)
{
	_cleanup_free_ char *copy = join(value, "");
	char *state, *word;

	for (word = strtok_r(copy, " \t", &state); word; word = strtok_r(NULL, " \t", &state))
		check_that(is_known_unit(word) || find(c, word) || is_of_blank_partition(c, word) ||
				   is_fsck_of(word, u),
			   "a unit that was not meant", word);
}

static bool is_pool_or_layer(const struct check *c, const char *path)
{
	for (size_t i = 0; i < c->n_mounts; i++) {
		const struct mount *m = &c->mounts[i];
		const char *lower = m->kind == MERGED ? m->where + strlen("/rofs/overlay") : NULL;

		if (m->layers && strcmp(m->layers, path) == 0)
			return true;
		if (lower && strncmp(path, "/rofs/ro", 8) == 0 && strcmp(path + 8, lower) == 0)
			return true;
		if (strncmp(m->where, "/rofs", 5) == 0 && strcmp(m->where, path) == 0)
			return true;
	}
	return false;
}

/* The directory that the mount point of a persist is in. */
static bool is_above_persist(const struct check *c, const char *path)
{
	for (size_t i = 0; i < c->n_mounts; i++) {
		const char *where = c->mounts[i].where;

		if (c->mounts[i].kind == PERSIST &&
		    strlen(path) == (size_t)(strrchr(where, '/') - where) &&
		    strncmp(path, where, strlen(path)) == 0)
			return true;
	}
	return false;
}

/* One word in quotes, a backslash before what is meant as it stands. */
static void check_mounts_for(const struct check *c, const char *value)
{
	_cleanup_free_ char *word = join(value, ""), *path = NULL;
	char *to = word;
	size_t i;

	check_that(value[0] == '"', "RequiresMountsFor= without quotes", value);
	for (i = 1; value[i] && value[i] != '"'; i++) {
		i += value[i] == '\\';
		*to++ = value[i];
	}
	*to = '\0';
	check_that(value[i] == '"' && !value[i + 1], "RequiresMountsFor= of several paths", value);
	path = unpercent(word);
	check_that(is_pool_or_layer(c, path) || is_above_persist(c, path),
		   "RequiresMountsFor= of a path nobody declared", path);
}

static void check_source(const struct check *c, const char *value)
{
	_cleanup_free_ char *path = unpercent(value);

	for (size_t i = 0; i < c->conf->n_files; i++)
		if (same_path(path, c->conf->files[i]))
			return;
	check_that(false, "SourcePath= of no file of the configuration", path);
}

static void check_unit_section(const struct check *c, const struct unit *u)
{
	static const char *const dependencies[] = { "Requires", "Wants", "After", "Before",
						    "Conflicts" };

	for (size_t i = 0; i < u->n; i++) {
		const struct setting *s = &u->settings[i];

		free(unpercent(s->value)); /* for its check */
		for (size_t k = 0; k < ELEMENTSOF(dependencies); k++)
			if (strcmp(s->key, dependencies[k]) == 0)
				check_units_named(c, u, s->value);
		if (strcmp(s->key, "RequiresMountsFor") == 0)
			check_mounts_for(c, s->value);
		if (strcmp(s->key, "SourcePath") == 0)
			check_source(c, s->value);
		if (strcmp(s->key, "AssertPathExists") == 0)
			check_that(strncmp(s->value, PLAN_PREPARED_DIR "/",
					   strlen(PLAN_PREPARED_DIR "/")) == 0 &&
					   strcmp(s->value + strlen(PLAN_PREPARED_DIR "/"),
						  u->name) == 0,
				   "an assertion about another unit", s->value);
	}
}

static bool is_mount(const struct mount *m, const char *what, const char *type, const char *options)
{
	_cleanup_free_ char *expected = join(type_of(m), "");

	return has_what(m, what) && strcmp(type, strip(expected)) == 0 && has_options(m, options);
}

static void check_mount(const struct check *c, const struct unit *u)
{
	static const struct rule rules[] = {
		{ "Unit", "Description", 1, 1 },
		{ "Unit", "Documentation", 1, 1 },
		{ "Unit", "SourcePath", 0, 1 },
		{ "Unit", "DefaultDependencies", 1, 1 },
		{ "Unit", "Before", 1, 3 },
		{ "Unit", "After", 0, 3 },
		{ "Unit", "Requires", 0, 2 },
		{ "Unit", "Wants", 0, 3 },
		{ "Unit", "RefuseManualStop", 0, 1 },
		{ "Unit", "AssertPathExists", 0, 1 },
		{ "Unit", "AssertPathIsMountPoint", 0, 1 },
		{ "Mount", "LogLevelMax", 0, 1 },
		{ "Unit", "Conflicts", 0, 1 },
		{ "Unit", "RequiresMountsFor", 0, 2 },
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

	for (size_t i = 0; i < c->n_mounts; i++)
		if (strcmp(named, c->mounts[i].where) == 0 &&
		    is_mount(&c->mounts[i], what, type, options))
			return;
	check_that(false, "a mount that nobody declared", where);
}

/* What may be bound to the path of an overlay whose partition is missing. */
static bool is_fallback(const struct check *c, const char *path)
{
	for (size_t i = 0; i < c->n_mounts; i++)
		if (c->mounts[i].kind == BIND && strcmp(c->mounts[i].what, path) == 0)
			return strncmp(path, "/rofs/fallback/", 15) == 0;
	return false;
}

static const struct conf_partition *find_partition(const struct check *c, const char *name)
{
	for (size_t i = 0; i < c->n_mounts; i++)
		if (c->mounts[i].kind == PARTITION &&
		    strcmp(c->mounts[i].partition->section.name, name) == 0)
			return c->mounts[i].partition;
	return NULL;
}

/* One command with a partition's name as the last part of its argument. */
static void check_partition_service(const struct check *c, const struct unit *u,
				    const char *command)
{
	static const struct rule rules[] = {
		{ "Unit", "Description", 1, 1 },     { "Unit", "Documentation", 1, 1 },
		{ "Unit", "SourcePath", 1, 1 },	     { "Unit", "DefaultDependencies", 1, 1 },
		{ "Unit", "After", 1, 2 },	     { "Unit", "Requires", 1, 1 },
		{ "Unit", "Before", 0, 1 },	     { "Service", "Type", 1, 1 },
		{ "Service", "ExecStart", 1, 1 },    { "Service", "RemainAfterExit", 1, 1 },
		{ "Unit", "IgnoreOnIsolate", 0, 1 }, { "Unit", "RefuseManualStop", 0, 1 },
	};
	const struct conf_partition *p;
	const char *start;

	check_counts(u, rules, ELEMENTSOF(rules));
	check_unit_section(c, u);
	start = value_of(u, "ExecStart");
	check_that(strncmp(start, command, strlen(command)) == 0, "another command", start);
	p = find_partition(c, start + strlen(command));
	check_that(p != NULL, "a partition that nobody declared", start);
	check_that(strstr(command, "format") ? p->format : p->grow, "nobody asked for it", start);
}

/* Where a run of rofs-prepare works: from "overlay /var" to /rofs/rw/var. */
static char *directory_of_run(const char *command)
{
	static const struct {
		const char *verb, *directory;
	} runs[] = {
		{ "overlay ", "/rofs/rw" },
		{ "partition ", "/rofs/persist/" },
		{ "fallback ", "/rofs/fallback" },
	};

	if (strcmp(command, "ram") == 0)
		return join("/rofs", "");
	for (size_t i = 0; i < ELEMENTSOF(runs); i++)
		if (strncmp(command, runs[i].verb, strlen(runs[i].verb)) == 0) {
			command += strlen(runs[i].verb);
			check_that(!strchr(command, ' '), "more than one word", command);
			return join(runs[i].directory, command);
		}
	check_that(false, "another verb", command);
	return NULL;
}

static void check_prepare(const struct check *c, const struct unit *u)
{
	static const struct rule rules[] = {
		{ "Unit", "Description", 1, 1 },
		{ "Unit", "Documentation", 1, 1 },
		{ "Unit", "SourcePath", 0, 1 },
		{ "Unit", "DefaultDependencies", 1, 1 },
		{ "Unit", "After", 0, SIZE_MAX },
		{ "Unit", "RequiresMountsFor", 0, SIZE_MAX },
		{ "Unit", "Wants", 0, SIZE_MAX },
		{ "Service", "Type", 1, 1 },
		{ "Service", "RemainAfterExit", 1, 1 },
		{ "Service", "ExecStart", 1, 1 },
		{ "Unit", "IgnoreOnIsolate", 1, 1 },
		{ "Unit", "RefuseManualStop", 1, 1 },
	};
	static const char helper[] = CHECK_PREPARE_PATH " ";
	_cleanup_free_ char *directory = NULL, *plain = NULL;
	const char *command;

	check_counts(u, rules, ELEMENTSOF(rules));
	check_unit_section(c, u);
	command = value_of(u, "ExecStart");
	check_that(strncmp(command, helper, strlen(helper)) == 0, "another command", command);
	command += strlen(helper);
	check_that(strpbrk(command, "\t\\\"'%") == NULL, "a special character", command);
	plain = undouble(command, '$');
	directory = directory_of_run(plain);
	check_that(is_pool_or_layer(c, directory) || is_fallback(c, directory),
		   "a pool that nobody declared", directory);
}

/* One word of a command line: \xNN is a byte, $$ and %% are single ones. */
static char *command_word(const char *s)
{
	_cleanup_free_ char *dollars = undouble(s, '$'), *word = unpercent(dollars);
	char *copy = copy_n(word, strlen(word)), *to = copy;

	check_that(strpbrk(s, " \t\"'") == NULL, "more than one word", s);
	for (const char *from = word; *from; from++) {
		*to = *from;
		if (*from == '\\') {
			check_that(from[1] == 'x' && from[2] && from[3], "an escape", from);
			*to = (char)strtoul((char[]){ from[2], from[3], 0 }, NULL, 16);
			from += 3;
		}
		to++;
	}
	*to = '\0';
	return copy;
}

static bool is_persist(const struct check *c, const char *path)
{
	for (size_t i = 0; i < c->n_mounts; i++)
		if (c->mounts[i].kind == PERSIST && strcmp(c->mounts[i].where, path) == 0)
			return true;
	return false;
}

static void check_guard(const struct check *c, const struct unit *u)
{
	static const struct rule rules[] = {
		{ "Unit", "Description", 1, 1 },      { "Unit", "Documentation", 1, 1 },
		{ "Unit", "SourcePath", 1, 1 },	      { "Unit", "DefaultDependencies", 1, 1 },
		{ "Unit", "Before", 2, 2 },	      { "Unit", "RequiresMountsFor", 1, 1 },
		{ "Unit", "Conflicts", 1, 1 },	      { "Service", "Type", 1, 1 },
		{ "Service", "ExecStart", 1, 1 },     { "Service", "RemainAfterExit", 1, 1 },
		{ "Service", "ExecStop", 1, 1 },      { "Unit", "IgnoreOnIsolate", 1, 1 },
		{ "Unit", "RefuseManualStop", 1, 1 },
	};
	static const char helper[] = CHECK_PREPARE_PATH " guard ", umount[] = "-/bin/umount ";
	_cleanup_free_ char *guarded = NULL, *unmounted = NULL;
	const char *start, *stop;

	check_counts(u, rules, ELEMENTSOF(rules));
	check_unit_section(c, u);
	start = value_of(u, "ExecStart");
	stop = value_of(u, "ExecStop");
	check_that(strncmp(start, helper, strlen(helper)) == 0, "another command", start);
	check_that(strncmp(stop, umount, strlen(umount)) == 0, "another command", stop);
	guarded = command_word(start + strlen(helper));
	unmounted = command_word(stop + strlen(umount));
	check_that(is_persist(c, guarded), "a guard of no persist", guarded);
	check_that(strcmp(guarded, unmounted) == 0, "another mount is taken away", unmounted);
}

static bool is_span(const char *value)
{
	return strcmp(value, "infinity") == 0 ||
	       (strspn(value, "0123456789") > 0 &&
		strcmp(value + strspn(value, "0123456789"), "us") == 0);
}

/* dev-sda1.device.d/50-rofs-NAME.conf */
static void check_timeout(const struct check *c, const struct unit *u)
{
	static const struct rule rules[] = { { "Unit", "JobRunningTimeoutSec", 1, 1 } };
	_cleanup_free_ char *unit = copy_n(u->name, strcspn(u->name, "/")), *path = NULL,
			    *clean = NULL;

	check_counts(u, rules, ELEMENTSOF(rules));
	check_that(is_span(u->settings[0].value), "no time span", u->settings[0].value);
	path = path_of_unit(unit, ".device.d");
	clean = simplify(path);
	check_that(strcmp(clean, path) == 0, "a device that no unit has", path);
	for (size_t i = 0; i < c->n_mounts; i++)
		if ((c->mounts[i].kind == PARTITION || c->mounts[i].kind == LOWER) &&
		    is_device(path, c->mounts[i].what))
			return;
	check_that(false, "a device that nobody declared", path);
}

/* Looked at for a torn superblock is a partition, the one that is checked, if it may be of ext. */
static void check_superblock(const struct unit *u, const struct mount *m)
{
	static const char helper[] = "-" CHECK_LIBEXEC_DIR "/rofs-superblock ";
	_cleanup_free_ char *device = NULL;
	const char *type = type_of(m), *command;

	if (m->kind != PARTITION || (strcmp(type, "auto") != 0 && strncmp(type, "ext", 3) != 0))
		return check_that(u->n == 2, "what has no superblock of ours is asked for it",
				  u->name);
	command = value_of(u, "ExecStartPre");
	check_that(strncmp(command, helper, strlen(helper)) == 0, "another command", command);
	device = command_word(command + strlen(helper));
	check_that(is_device(device, m->what), "another device", device);
}

/* systemd-fsck@dev-sda1.service.d/50-rofs-NAME.conf */
static void check_fsck(const struct check *c, const struct unit *u)
{
	static const struct rule rules[] = {
		{ "Service", "InaccessiblePaths", 1, 1 },
		{ "Service", "ExecStartPre", 0, 1 },
		{ "Unit", "IgnoreOnIsolate", 1, 1 },
	};
	_cleanup_free_ char *instance = copy_n(u->name, strcspn(u->name, "/")), *path = NULL;

	check_counts(u, rules, ELEMENTSOF(rules));
	path = path_of_unit(instance + strlen("systemd-fsck@"), ".service.d");
	for (size_t i = 0; i < c->n_mounts; i++)
		if (c->mounts[i].kind == (strstr(u->name, "/50-rofs-lower-") ? LOWER : PARTITION) &&
		    is_device(path, c->mounts[i].what))
			return check_superblock(u, &c->mounts[i]);
	check_that(false, "a check that nobody declared", path);
}

static void check_firstboot(const struct unit *u)
{
	static const struct rule rules[] = { { "Unit", "ConditionPathIsReadWrite", 1, 1 } };

	check_counts(u, rules, ELEMENTSOF(rules));
	check_that(strcmp(u->settings[0].value, "/rofs/ro/etc") == 0, "another condition",
		   u->settings[0].value);
}

static void check_no_swap(const struct unit *u)
{
	static const struct rule rules[] = { { "Unit", "ConditionPathExists", 1, 1 } };

	check_counts(u, rules, ELEMENTSOF(rules));
	check_that(strcmp(u->settings[0].value, "/sys/block/%j/comp_algorithm") == 0,
		   "another condition", u->settings[0].value);
}

static void check_remount(const struct unit *u)
{
	static const struct rule rules[] = { { "Service", "Environment", 3, 3 } };
	static const char *const values[] = {
		"SYSTEMD_FSTAB=" UNIT_EARLY_DIR "/" UNIT_FSTAB,
		"LIBMOUNT_FSTAB=" UNIT_EARLY_DIR "/" UNIT_FSTAB,
		"SYSTEMD_REMOUNT_ROOT_RW=0",
	};

	check_counts(u, rules, ELEMENTSOF(rules));
	for (size_t i = 0; i < ELEMENTSOF(values); i++)
		check_that(strcmp(u->settings[i].value, values[i]) == 0, "another variable",
			   u->settings[i].value);
}

/* --- rofs.fstab ---------------------------------------------------------------------------------------------------------- */

/* A field as libmount reads it: \ooo is a byte. */
static bool is_field(const char *field, const char *meant)
{
	size_t i = 0;

	if (!*meant)
		meant = "none";
	for (; *field; field++, i++) {
		char byte = *field;

		if (byte == '\\') {
			byte = (char)strtoul((char[]){ field[1], field[2], field[3], 0 }, NULL, 8);
			field += 3;
		}
		if (byte != meant[i])
			return false;
	}
	return meant[i] == '\0';
}

/* Splits as libmount does. Exactly six fields, or it is no line that was meant. */
static void split_fields(char *line, char *fields[static 6])
{
	char *state, *word;
	size_t n = 0;

	for (word = strtok_r(line, " \t", &state); word; word = strtok_r(NULL, " \t", &state)) {
		check_that(n < 6, "more than six fields", word);
		fields[n++] = word;
	}
	check_that(n == 6, "less than six fields", n ? fields[0] : "");
}

static void check_fstab_line(char *line, const struct fstab_entry *e)
{
	bool read_only = strcmp(e->dir, "/") == 0 || strcmp(e->dir, "/usr") == 0;
	char *fields[6], number[32];

	split_fields(line, fields);
	check_that(is_field(fields[0], e->spec), "another device", fields[0]);
	check_that(is_field(fields[1], e->dir), "another mount point", fields[1]);
	check_that(is_field(fields[2], e->type), "another type", fields[2]);
	if (read_only)
		check_that(has_word(fields[3], "ro") && !has_word(fields[3], "rw") &&
				   !has_word(fields[3], "defaults"),
			   "not read-only", fields[3]);
	else
		check_that(is_field(fields[3], e->options), "other options", fields[3]);
	snprintf(number, sizeof(number), "%d", e->freq);
	check_that(strcmp(fields[4], number) == 0, "another freq", fields[4]);
	snprintf(number, sizeof(number), "%d", e->passno);
	check_that(strcmp(fields[5], number) == 0, "another passno", fields[5]);
}

/* The lines of fstab in their order, and one for the root if it has none. */
static void check_fstab(const struct check *c, const struct unit_file *f)
{
	static const struct fstab_entry root = { "/dev/root", "/", "auto", "", 0, 0 };
	_cleanup_free_ char *copy = join(f->text, "");
	char *rest = copy, *line;
	bool root_seen = false;
	size_t n = 0;

	while ((line = strsep(&rest, "\n"))) {
		const struct fstab_entry *e;

		if (!*line || *line == '#')
			continue;
		e = n < c->facts->n_fstab ? &c->facts->fstab[n] : &root;
		check_that(n < c->facts->n_fstab || !root_seen, "a line too many", line);
		check_fstab_line(line, e);
		root_seen = root_seen || strcmp(e->dir, "/") == 0;
		n++;
	}
	check_that(n >= c->facts->n_fstab && root_seen, "a line too few", f->name);
}

/* --- names and links ----------------------------------------------------------------------------------------------------- */

static void check_component(const char *s, size_t n)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				      "0123456789:-_.\\@";

	check_that(n > 0 && n <= NAME_BYTES_MAX, "length of the name", s);
	check_that(s[0] != '.', "name starts with a dot", s);
	check_that(strspn(s, allowed) >= n, "name with a special character", s);
}

static void check_name(const char *name)
{
	const char *slash = strchr(name, '/');

	check_component(name, strcspn(name, "/"));
	if (slash)
		check_component(slash + 1, strlen(slash + 1));
}

/* Text that no reader splits in a way of its own. */
static void check_bytes(const struct unit_file *f)
{
	check_that(text_is_utf8(f->text, strlen(f->text)), "no UTF-8", f->name);
	for (const char *s = f->text; *s; s++)
		check_that(*s == '\n' || ((unsigned char)*s >= ' ' && *s != 0x7f),
			   "control character", f->name);
	check_that(ends_with(f->text, "\n"), "no newline at the end", f->name);
}

static bool is_swap_of_fstab(const struct check *c, const char *name)
{
	_cleanup_free_ char *path = ends_with(name, ".swap") ? path_of_unit(name, ".swap") : NULL;

	for (size_t i = 0; i < c->facts->n_fstab; i++) {
		const struct fstab_entry *e = &c->facts->fstab[i];

		if (path && strcmp(e->type, "swap") == 0 &&
		    (is_device(path, e->spec) || same_path(path, e->spec)))
			return true;
	}
	return false;
}

static bool is_unit_of(const char *unit, const char *suffix, const char *path)
{
	_cleanup_free_ char *seen = ends_with(unit, suffix) ? path_of_unit(unit, suffix) : NULL;

	return seen && same_path(seen, path);
}

static bool has_unit_on(const struct check *c, const char *path)
{
	for (size_t i = 0; i < c->set->first_link; i++)
		if (is_unit_of(c->set->files[i].name, ".mount", path))
			return true;
	return false;
}

/* A link that systemd-fstab-generator would make for this line, and that rofs may do away with? */
static bool is_mask_of(const struct check *c, const struct fstab_entry *e, const char *name)
{
	static const char requires[] = "local-fs.target.requires/",
			  wants[] = "local-fs.target.wants/";
	_cleanup_free_ char *by = copy_n(name, strcspn(name, "/"));
	const char *unit = strchr(name, '/') + 1;

	if (strcmp(e->type, "swap") == 0)
		return strncmp(by, "swap.target.", 12) == 0 && is_swap_of_fstab(c, unit);
	if (strncmp(unit, "systemd-growfs", 14) == 0)
		return is_unit_of(by, ".mount.wants", e->dir) &&
		       has_word(e->options, "x-systemd.growfs") &&
		       (has_unit_on(c, e->dir) || same_path(e->dir, "/") ||
			same_path(e->dir, "/usr"));
	if (!has_unit_on(c, e->dir))
		return false;
	if (is_unit_of(unit, ".automount", e->dir))
		return strncmp(name, requires, strlen(requires)) == 0 ||
		       strncmp(name, wants, strlen(wants)) == 0;
	return is_unit_of(unit, ".mount", e->dir) && strncmp(name, requires, strlen(requires)) == 0;
}

static bool is_mask_of_generators(const struct check *c, const char *name)
{
	static const char *const found_by_type[] = { "/home", "/srv", "/var", "/var/tmp" };

	for (size_t i = 0; i < ELEMENTSOF(found_by_type); i++) {
		const struct fstab_entry e = { .dir = (char *)found_by_type[i],
					       .type = (char *)"auto",
					       .options = (char *)"x-systemd.growfs" };

		if (is_mask_of(c, &e, name))
			return true;
	}
	for (size_t i = 0; i < c->facts->n_fstab; i++)
		if (is_mask_of(c, &c->facts->fstab[i], name))
			return true;
	return false;
}

static void check_enabling_link(const struct check *c, const struct unit_file *f)
{
	static const char wants[] = "local-fs.target.wants/",
			  requires[] = "local-fs.target.requires/";
	/* Units that are installed, not generated. */
	static const struct {
		const char *link, *target;
	} installed[] = {
		{ "local-fs.target.wants/systemd-remount-fs.service",
		  "/lib/systemd/system/systemd-remount-fs.service" },
		{ "local-fs.target.wants/rofs-verify.service",
		  "/lib/systemd/system/rofs-verify.service" },
		{ "local-fs.target.wants/rofs-watch.timer",
		  "/lib/systemd/system/rofs-watch.timer" },
	};
	const char *unit = strchr(f->name, '/');

	if (strcmp(f->text, "/dev/null") == 0) {
		check_that(is_mask_of_generators(c, f->name), "a mask of nothing", f->name);
		return;
	}
	for (size_t i = 0; i < ELEMENTSOF(installed); i++)
		if (strcmp(f->name, installed[i].link) == 0) {
			check_that(strcmp(f->text, installed[i].target) == 0, "another target",
				   f->text);
			return;
		}
	check_that(unit && (strncmp(f->name, wants, strlen(wants)) == 0 ||
			    strncmp(f->name, requires, strlen(requires)) == 0),
		   "a link that enables nothing", f->name);
	unit++;
	check_that(strncmp(f->text, "../", 3) == 0 && strcmp(f->text + 3, unit) == 0,
		   "another target", f->text);
	check_that(find(c, unit) != NULL, "a link to a unit that is not there", unit);
}

static int compare_files(const void *a, const void *b)
{
	const struct unit_file *x = *(const struct unit_file *const *)a,
			       *y = *(const struct unit_file *const *)b;

	return strcmp(x->name, y->name);
}

/* Two files of one name would make the generator write nothing at all. */
static void check_names(const struct unit_set *set)
{
	_cleanup_free_ const struct unit_file **sorted = calloc(set->n_files + 1, sizeof(*sorted));

	check_that(sorted != NULL, "out of memory", "");
	for (size_t i = 0; i < set->n_files; i++) {
		sorted[i] = &set->files[i];
		check_name(sorted[i]->name);
	}
	qsort(sorted, set->n_files, sizeof(*sorted), compare_files);
	for (size_t i = 1; i < set->n_files; i++)
		check_that(strcmp(sorted[i - 1]->name, sorted[i]->name) != 0, "two files of a name",
			   sorted[i]->name);
}

static void check_text(const struct check *c, const struct unit_file *f)
{
	_cleanup_(unit_done) struct unit u = parse_unit(f);

	if (strcmp(f->name, "systemd-remount-fs.service.d/90-rofs.conf") == 0)
		return check_remount(&u);
	if (strcmp(f->name, "systemd-firstboot.service.d/90-rofs.conf") == 0)
		return check_firstboot(&u);
	if (strcmp(f->name, "dev-.swap.d/90-rofs.conf") == 0)
		return check_no_swap(&u);
	if (strncmp(f->name, "systemd-fsck@", 13) == 0)
		return check_fsck(c, &u);
	if (strchr(f->name, '/'))
		return check_timeout(c, &u);
	if (ends_with(f->name, ".mount"))
		return check_mount(c, &u);
	if (strncmp(f->name, "rofs-format-", 12) == 0)
		return check_partition_service(c, &u, CHECK_LIBEXEC_DIR "/rofs-format ");
	if (strncmp(f->name, "rofs-grow-", 10) == 0)
		return check_partition_service(c, &u, "/lib/systemd/systemd-growfs /rofs/persist/");
	if (strncmp(f->name, "rofs-prepare-guard-", 19) == 0 && ends_with(f->name, ".service"))
		return check_guard(c, &u);
	if (strncmp(f->name, "rofs-prepare", 12) == 0 && ends_with(f->name, ".service"))
		return check_prepare(c, &u);
	check_that(false, "a file that was not meant", f->name);
}

static void check_file(const struct check *c, size_t i)
{
	const struct unit_file *f = &c->set->files[i];

	check_that(f->link || i < c->set->first_link, "a file among the enabling links", f->name);
	if (i >= c->set->first_link)
		return check_enabling_link(c, f);
	if (f->link) {
		check_that(strcmp(f->text, "/dev/null") == 0, "another target", f->text);
		check_that(is_swap_of_fstab(c, f->name), "a mask of no swap", f->name);
		return;
	}
	if (strcmp(f->name, UNIT_FSTAB) == 0)
		return check_fstab(c, f);
	check_bytes(f);
	check_text(c, f);
}

static bool is_enabled(const struct check *c, const char *path)
{
	for (size_t i = c->set->first_link; i < c->set->n_files; i++) {
		const char *name = strchr(c->set->files[i].name, '/') + 1;
		_cleanup_free_ char *linked = NULL;

		if (!ends_with(name, ".mount") || strcmp(c->set->files[i].text, "/dev/null") == 0)
			continue;
		linked = path_of_unit(name, ".mount");
		if (strcmp(linked, path) == 0)
			return true;
	}
	return false;
}

/* Not a word of complaint: then all is in force. */
static void check_complete(const struct check *c)
{
	for (size_t i = 0; i < c->conf->n_overlays; i++)
		check_that(is_enabled(c, c->facts->overlays[i].resolved), "left out without a word",
			   c->facts->overlays[i].resolved);
	for (size_t i = 0; i < c->conf->n_persists; i++)
		check_that(is_enabled(c, c->facts->persists[i].resolved), "left out without a word",
			   c->facts->persists[i].resolved);
}

void check_units(const struct conf *conf, const struct facts *facts, const struct unit_set *set,
		 bool complete)
{
	struct check c = { .conf = conf, .facts = facts, .set = set };

	allow(&c);
	check_names(set);
	for (size_t i = 0; i < set->n_files; i++)
		check_file(&c, i);
	if (complete)
		check_complete(&c);

	for (size_t i = 0; i < c.n_mounts; i++) {
		free(c.mounts[i].where);
		free(c.mounts[i].what);
		free(c.mounts[i].layers);
	}
	free(c.mounts);
}

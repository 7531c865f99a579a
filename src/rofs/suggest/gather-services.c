/* SPDX-License-Identifier: MIT */
/* Where the services that are started write to, as their units say. */
#include <string.h>

#include "basic/io.h"
#include "basic/path-set.h"
#include "basic/path.h"
#include "basic/text.h"
#include "basic/value.h"
#include "rofs/suggest/gather.h"
#include "system/unit-file.h"
#include "system/unit-specifiers.h"

/* What it keeps is below /var/lib/systemd, and is one thing. */
#define OF_SYSTEMD "systemd-"
#define OF_ROFS	   "rofs-"

/* struct directory_key - a setting of systemd.exec(5) that names directories below another */
struct directory_key {
	const char *key, *below;
	enum path_use use;
	bool made_private; /* with DynamicUser= it is in the directory private */
};

static const struct directory_key directory_keys[] = {
	{ "StateDirectory", "/var/lib", USE_STATE, true },
	{ "CacheDirectory", "/var/cache", USE_CACHE, true },
	{ "LogsDirectory", "/var/log", USE_LOG, true },
	{ "ConfigurationDirectory", "/etc", USE_WRITE, false },
};

struct reading {
	const struct loaded *l;
	struct machine *m;
	const struct unit_dirs *dirs;
	const char *unit;
	bool is_dynamic;
};

/* The path ends before the component with this specifier, of which only a boot knows what it is. */
static void end_before(char *word, char specifier)
{
	char *end = word;

	while (*end && !(*end == '%' && end[1] == specifier))
		end += *end == '%' && end[1] ? 2 : 1;
	while (end > word && end[-1] != '/')
		end--;
	*end = '\0';
}

/* Is what all instances of a template keep in one directory, of which they each have a part? */
static bool is_of_all_instances(const char *word)
{
	const char *instance = strstr(word, "%i"), *slash = strchr(word, '/');

	return *word != '/' && slash && instance > slash;
}

/* @word: modified. @ret: "" if nothing of it is known */
static int expand(const struct reading *r, char *word, char **ret)
{
	int unknown;

	if (is_of_all_instances(word))
		end_before(word, 'i');
	while ((unknown = unit_specifiers_expand(word, r->unit, NULL, ret)) > 0)
		end_before(word, (char)unknown);
	return unknown;
}

/*
 * A word of a list as systemd splits it: quotes may be anywhere in it, and a backslash takes away the
 * meaning of what follows.
 * @value: moves behind it. @word: as long as @value
 */
static void take_word(const char **value, char *word)
{
	const char *s = *value;
	char quote = '\0';

	for (; *s && (quote || (*s != ' ' && *s != '\t')); s++) {
		if (*s == quote)
			quote = '\0';
		else if (!quote && (*s == '"' || *s == '\''))
			quote = *s;
		else if (*s == '\\' && s[1])
			*word++ = *++s;
		else
			*word++ = *s;
	}
	*word = '\0';
	*value = s;
}

/* Calls @each for each word, specifiers expanded. */
static int each_word(const struct reading *r, const char *value, const void *data,
		     int (*each)(const struct reading *r, char *word, const void *data))
{
	_cleanup_free_ char *word = malloc(strlen(value) + 1);

	if (!word)
		return -ENOMEM;
	while (*(value += strspn(value, " \t"))) {
		_cleanup_free_ char *expanded = NULL;
		int err;

		take_word(&value, word);
		err = expand(r, word, &expanded);
		if (err >= 0 && *expanded)
			err = each(r, expanded, data);
		if (err < 0)
			return err;
	}
	return 0;
}

static int add_directory(const struct reading *r, char *word, const void *data)
{
	const struct directory_key *k = data;
	bool is_private = k->made_private && r->is_dynamic;
	_cleanup_free_ char *path = NULL, *who = NULL;
	int err;

	word[strcspn(word, ":")] = '\0'; /* a link follows: systemd 252 */
	if (!*word || *word == '/')
		return 0;
	err = text_format(&path, "%s%s/%s", k->below, is_private ? "/private" : "", word);
	if (err >= 0)
		err = text_format(&who, "%s (%s=)", r->unit, k->key);
	return err < 0 ? err : gather_path(r->l, r->m, path, k->use, who, NULL);
}

enum path_use gather_use_of(const char *path)
{
	static const struct {
		const char *dir;
		enum path_use use;
	} known[] = {
		{ "/etc", USE_WRITE },	 { "/root", USE_WRITE },      { "/home", USE_WRITE },
		{ "/var/log", USE_LOG }, { "/var/cache", USE_CACHE }, { "/var/tmp", USE_WRITE },
		{ "/tmp", USE_WRITE },	 { "/boot", USE_WRITE },      { "/efi", USE_WRITE },
		{ "/usr", USE_WRITE },
	};
	/* Of more than one program. */
	static const char *const shared[] = { "/var", "/var/lib", "/var/spool", "/var/lib/private",
					      "/srv", "/opt",	  "/mnt",	"/media" };

	for (size_t i = 0; i < ELEMENTSOF(known); i++)
		if (path_is_at_or_below(path, known[i].dir))
			return known[i].use;
	for (size_t i = 0; i < ELEMENTSOF(shared); i++)
		if (strcmp(path, shared[i]) == 0)
			return USE_WRITE;
	return USE_STATE;
}

static int add_path(const struct reading *r, char *word, _unused_ const void *data)
{
	_cleanup_free_ char *who = NULL;
	int err;

	word += strspn(word, "-+");
	if (*word != '/')
		return 0;
	path_clean(word);
	err = text_format(&who, "%s (ReadWritePaths=)", r->unit);
	return err < 0 ? err : gather_path(r->l, r->m, word, gather_use_of(word), who, NULL);
}

static int add_values(const struct reading *r, const struct unit_file *u, const char *key,
		      const void *data,
		      int (*each)(const struct reading *r, char *word, const void *data))
{
	const struct unit_setting *s = NULL;
	int err = 0;

	while (err >= 0 && (s = unit_file_next(u, "Service", key, s)))
		err = each_word(r, s->value, data, each);
	return err;
}

/* Below /var, it is where the service keeps its state; elsewhere, its program may be there as well. */
static enum path_use use_of_working_directory(const char *path)
{
	if (path_is_below(path, "/var/lib") || path_is_below(path, "/var/spool"))
		return gather_use_of(path);
	return USE_WRITE;
}

static int add_working_directory(const struct reading *r, const struct unit_file *u)
{
	const struct unit_setting *s = unit_file_last(u, "Service", "WorkingDirectory");
	_cleanup_free_ char *value = NULL, *path = NULL, *who = NULL;
	int err;

	/* With DynamicUser=, what it is allowed to write to is named by the other settings. */
	if (!s || r->is_dynamic)
		return 0;
	value = strdup(s->value + (*s->value == '-'));
	if (!value)
		return -ENOMEM;
	err = expand(r, value, &path);
	if (err < 0 || *path != '/')
		return err;
	path_clean(path);
	if (gather_use_of(path) != USE_STATE)
		return 0;
	err = text_format(&who, "%s (WorkingDirectory=)", r->unit);
	return err < 0 ? err :
			 gather_path(r->l, r->m, path, use_of_working_directory(path), who, NULL);
}

static int add_all(const struct reading *r, const struct unit_file *u)
{
	int err = 0;

	for (size_t i = 0; i < ELEMENTSOF(directory_keys) && err >= 0; i++)
		err = add_values(r, u, directory_keys[i].key, &directory_keys[i], add_directory);
	if (err >= 0)
		err = add_values(r, u, "ReadWritePaths", NULL, add_path);
	if (err >= 0)
		err = add_values(r, u, "ReadWriteDirectories", NULL, add_path); /* its old name */
	return err < 0 ? err : add_working_directory(r, u);
}

static int read_unit(struct reading *r)
{
	_cleanup_unit_file_ struct unit_file u = { 0 };
	const struct unit_setting *dynamic;
	int err = unit_file_read(r->dirs, r->unit, &u);

	if (err < 0 || u.is_masked)
		return err;
	dynamic = unit_file_last(&u, "Service", "DynamicUser");
	r->is_dynamic = false;
	if (dynamic && value_boolean(dynamic->value, &r->is_dynamic) < 0)
		r->is_dynamic = false;
	return add_all(r, &u);
}

static bool is_others(const char *unit)
{
	return strncmp(unit, OF_SYSTEMD, strlen(OF_SYSTEMD)) != 0 &&
	       strncmp(unit, OF_ROFS, strlen(OF_ROFS)) != 0;
}

/* The service that a timer, a socket or a path starts; NULL: @unit is none of these. */
static int find_service(const struct unit_dirs *d, const char *unit, char **ret)
{
	static const struct {
		const char *suffix, *section, *key;
	} types[] = {
		{ ".timer", "Timer", "Unit" },
		{ ".socket", "Socket", "Service" },
		{ ".path", "Path", "Unit" },
	};

	*ret = NULL;
	for (size_t i = 0; i < ELEMENTSOF(types); i++) {
		_cleanup_unit_file_ struct unit_file u = { 0 };
		const struct unit_setting *other;
		int err;

		if (!text_ends_in(unit, types[i].suffix))
			continue;
		err = unit_file_read(d, unit, &u);
		if (err < 0 || u.is_masked)
			return err;
		other = unit_file_last(&u, types[i].section, types[i].key);
		if (other)
			return text_format(ret, "%s", other->value);
		return text_format(ret, "%.*s.service",
				   (int)(strlen(unit) - strlen(types[i].suffix)), unit);
	}
	return 0;
}

/* struct listing - what is pulled in by links in the directories of systemd */
struct listing {
	const struct loaded *l;
	struct machine *m;
	const struct unit_dirs *dirs;
	const char *dir; /* that is being read */
	struct path_set seen;
};

static int read_service(struct listing *x, const char *unit)
{
	struct reading r = { .l = x->l, .m = x->m, .dirs = x->dirs, .unit = unit };

	if (!text_ends_in(unit, ".service") || strchr(unit, '/') || !is_others(unit) ||
	    path_set_has(&x->seen, unit))
		return 0;
	if (path_set_add(&x->seen, unit) < 0)
		return -ENOMEM;
	return read_unit(&r);
}

static int read_link(void *data, const char *name)
{
	struct listing *x = data;
	_cleanup_free_ char *service = NULL;
	int err = find_service(x->dirs, name, &service);

	return err < 0 ? err : read_service(x, service ? service : name);
}

static int read_links(void *data, const char *name)
{
	struct listing *x = data;
	_cleanup_free_ char *path = NULL;
	int err;

	if (!unit_dirs_is_pulling(name))
		return 0;
	err = text_format(&path, "%s/%s", x->dir, name);
	if (err >= 0)
		err = each_name(rootfs_open_dir(&x->l->root, path), read_link, x);
	return err == -ENOMEM ? err : 0;
}

int gather_services(const struct loaded *l, struct machine *m)
{
	_cleanup_unit_dirs_ struct unit_dirs dirs = unit_dirs_open(&l->root, UNIT_ORIGIN_IMAGE);
	struct listing x = { .l = l, .m = m, .dirs = &dirs };
	int err = 0;

	for (size_t i = 0; i < dirs.n && err >= 0; i++) {
		x.dir = dirs.list[i].path;
		err = each_name(rootfs_open_dir(&l->root, x.dir), read_links, &x);
		err = err == -ENOMEM ? err : 0;
	}
	path_set_done(&x.seen);
	return err;
}

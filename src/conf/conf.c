/* SPDX-License-Identifier: MIT */
#include "conf/conf.h"

#include <assert.h>
#include <search.h>
#include <string.h>

#include "basic/path.h"
#include "basic/text.h"
#include "conf/ini.h"

struct reading {
	struct conf *conf;
	struct diag *diag;
	const char *file;
	struct conf_section *current; /* NULL before the first header */
	/* Keys of a section that is left out: they are checked, then thrown away; owned. */
	struct conf_section *scrap;
	bool lost; /* the last header was refused */
};

struct pos conf_key_pos(const struct conf_section *s, const char *key)
{
	size_t n;
	const struct conf_key *keys = conf_keys(s->kind, &n);

	for (size_t i = 0; i < n; i++)
		if (strcmp(keys[i].name, key) == 0 && s->at[i].file)
			return s->at[i];
	return s->pos;
}

static void *field_of(struct conf_section *s, const struct conf_key *key)
{
	return (char *)s + key->offset;
}

bool conf_is_layer_path(const char *path)
{
	return strpbrk(path, ",:\\\"%' \t") == NULL && !text_has_control(path) &&
	       strlen(path) <= CONF_LAYER_BYTES_MAX;
}

static int set_defaults(struct conf_section *s)
{
	size_t n;
	const struct conf_key *keys = conf_keys(s->kind, &n);

	for (size_t i = 0; i < n; i++) {
		struct diag d = { 0 };
		int err = keys[i].set(field_of(s, &keys[i]), keys[i].fallback, (struct pos){ 0 },
				      &keys[i], &d);

		assert(err != -EBADMSG); /* a default in the table that its own setter refuses */
		if (err < 0)
			return err;
	}
	return 0;
}

int conf_init(struct conf *c)
{
	int err;

	*c = (struct conf){ 0 };
	c->root.section.kind = CONF_ROOT;
	c->memory.section.kind = CONF_MEMORY;

	err = set_defaults(&c->root.section);
	if (err < 0)
		return err;
	return set_defaults(&c->memory.section);
}

static void overlay_free(struct conf_overlay *o)
{
	free(o->section.name);
	free(o->partition);
	free(o->directory);
	free(o->start_empty);
	free(o->commit_at);
	free(o->options);
	free(o);
}

static void partition_free(struct conf_partition *p)
{
	free(p->section.name);
	free(p->device);
	free(p->type);
	free(p->options);
	free(p->requires);
	free(p->after);
	free(p);
}

static void persist_free(struct conf_persist *p)
{
	free(p->section.name);
	free(p->partition);
	free(p->directory);
	free(p->user);
	free(p->group);
	free(p);
}

static void section_free(struct conf_section *s)
{
	if (!s)
		return;

	switch (s->kind) {
	case CONF_OVERLAY:
		return overlay_free((struct conf_overlay *)s);
	case CONF_PARTITION:
		return partition_free((struct conf_partition *)s);
	case CONF_PERSIST:
		return persist_free((struct conf_persist *)s);
	case CONF_ROOT:
	case CONF_MEMORY:
	case _CONF_KIND_MAX:
	case _CONF_KIND_INVALID:
		free(s->name);
		free(s);
	}
}

static void keep(_unused_ void *node)
{
}

void conf_done(struct conf *c)
{
	for (size_t i = 0; i < ELEMENTSOF(c->index); i++)
		tdestroy(c->index[i], keep);
	for (size_t i = 0; i < c->n_overlays; i++)
		overlay_free(c->overlays[i]);
	for (size_t i = 0; i < c->n_partitions; i++)
		partition_free(c->partitions[i]);
	for (size_t i = 0; i < c->n_persists; i++)
		persist_free(c->persists[i]);
	for (size_t i = 0; i < c->n_files; i++)
		free(c->files[i]);
	free(c->overlays);
	free(c->partitions);
	free(c->persists);
	for (size_t i = 0; i < c->n_mentioned; i++)
		free(c->mentioned[i]);
	for (size_t i = 0; i < c->n_lost; i++)
		free(c->lost[i].name);
	free(c->files);
	free(c->mentioned);
	free(c->lost);
	*c = (struct conf){ 0 };
}

static int compare_names(const void *a, const void *b)
{
	const struct conf_section *x = a, *y = b;

	return strcmp(x->name, y->name);
}

struct conf_section *conf_find(const struct conf *c, enum conf_kind kind, const char *name)
{
	struct conf_section wanted = { .name = (char *)name }, **found;

	found = tfind(&wanted, &c->index[kind], compare_names);
	return found ? *found : NULL;
}

const struct pos *conf_find_lost(const struct conf *c, const char *name)
{
	for (size_t i = 0; i < c->n_lost; i++)
		if (strcmp(c->lost[i].name, name) == 0)
			return &c->lost[i].pos;
	return NULL;
}

static size_t kind_size(enum conf_kind kind)
{
	switch (kind) {
	case CONF_OVERLAY:
		return sizeof(struct conf_overlay);
	case CONF_PARTITION:
		return sizeof(struct conf_partition);
	case CONF_PERSIST:
		return sizeof(struct conf_persist);
	case CONF_ROOT:
		return sizeof(struct conf_root);
	case CONF_MEMORY:
		return sizeof(struct conf_memory);
	case _CONF_KIND_MAX:
	case _CONF_KIND_INVALID:
		break;
	}
	return 0;
}

#define append(array, n, s)                                                              \
	({                                                                               \
		int err_ = array_reserve(array, n);                                      \
                                                                                         \
		if (err_ >= 0)                                                           \
			(array)[(s)->index = (n)++] = (__typeof__(*(array)))(void *)(s); \
		err_;                                                                    \
	})

/* Into the array of its kind. */
static int section_append(struct conf *c, struct conf_section *s)
{
	switch (s->kind) {
	case CONF_OVERLAY:
		return append(c->overlays, c->n_overlays, s);
	case CONF_PARTITION:
		return append(c->partitions, c->n_partitions, s);
	case CONF_PERSIST:
		return append(c->persists, c->n_persists, s);
	case CONF_ROOT:
	case CONF_MEMORY:
	case _CONF_KIND_MAX:
	case _CONF_KIND_INVALID:
		break;
	}
	return -EINVAL;
}

/* Makes the section part of the configuration; the configuration owns it on success. */
static int section_add(struct conf *c, struct conf_section *s)
{
	int err;

	if (!tsearch(s, &c->index[s->kind], compare_names))
		return -ENOMEM;
	err = section_append(c, s);
	if (err < 0) {
		tdelete(s, &c->index[s->kind], compare_names);
		return err;
	}
	s->order = c->n_sections++;
	return 0;
}

static int section_new(enum conf_kind kind, const char *name, struct conf_section **ret)
{
	size_t size = kind_size(kind);
	struct conf_section *s;
	int err;

	assert(size > 0);
	s = calloc(1, size);
	if (!s)
		return -ENOMEM;

	s->kind = kind;
	s->name = strdup(name);
	err = s->name ? set_defaults(s) : -ENOMEM;
	if (err < 0) {
		section_free(s);
		return err;
	}

	*ret = s;
	return 0;
}

int conf_check_path(enum conf_kind kind, const char *path, struct pos pos, struct diag *d)
{
	const char *what = conf_kind_to_string(kind);

	/* A symbolic link may hold anything; none of it may end a line of a unit. */
	if (text_has_control(path) || !text_is_utf8(path, strlen(path)))
		return diag_error(d, pos,
				  "[%s %s]: control characters or invalid UTF-8 in the path", what,
				  path);
	if (*path != '/')
		return diag_error(d, pos, "[%s %s]: not an absolute path", what, path);
	if (path_has_dotdot(path))
		return diag_error(d, pos, "[%s %s]: '..' in the path", what, path);
	if (strcmp(path, "/") == 0)
		return diag_error(
			d, pos,
			"[%s /]: the root directory cannot be covered; expected a directory below it",
			what);
	if (path_is_api(path))
		return diag_error(
			d, pos,
			"[%s %s]: /proc, /sys, /dev, /run and /rofs are reserved; expected another path",
			what, path);
	if (kind == CONF_OVERLAY && !conf_is_layer_path(path))
		return diag_error(
			d, pos,
			"[Overlay %s]: the path of an overlay may not contain blanks or any of , : \\ \" %% ', or be "
			"longer than %u bytes; the kernel and mount(8) would misread it",
			path, CONF_LAYER_BYTES_MAX);
	return 0;
}

static int check_partition_name(const char *name, struct pos pos, struct diag *d)
{
	static const char allowed[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.";

	if (strspn(name, allowed) != strlen(name) || *name == '.' || *name == '-' ||
	    strlen(name) > 64)
		return diag_error(
			d, pos,
			"[Partition %s]: invalid name; expected at most 64 letters, digits, - _ . starting with a "
			"letter or digit",
			name);
	return 0;
}

/* Cleans the name and says what is wrong with it. */
static int check_name(enum conf_kind kind, char *name, struct pos pos, struct diag *d)
{
	bool wants_name = kind != CONF_ROOT && kind != CONF_MEMORY;

	if (wants_name && !*name)
		return diag_error(d, pos, "[%s] without a name; expected [%s %s]",
				  conf_kind_to_string(kind), conf_kind_to_string(kind),
				  kind == CONF_PARTITION ? "NAME" : "/PATH");
	if (!wants_name)
		return *name ? diag_error(d, pos,
					  "[%s %s]: this section takes no name; expected [%s]",
					  conf_kind_to_string(kind), name,
					  conf_kind_to_string(kind)) :
			       0;
	if (kind == CONF_PARTITION)
		return check_partition_name(name, pos, d);

	if (*name == '/' && !path_has_dotdot(name))
		path_clean(name);
	return conf_check_path(kind, name, pos, d);
}

static const char *closest_kind(const char *word, size_t n)
{
	static const char *const kinds[] = { "Root", "Memory", "Overlay", "Partition", "Persist" };
	char copy[16] = "";

	if (n >= sizeof(copy))
		return NULL; /* much longer than any of them */
	memcpy(copy, word, n);
	return text_closest(copy, kinds, ELEMENTSOF(kinds));
}

/* What may end the kind of a section, where a blank is missing. */
#define NO_BLANK "/:="

static int unknown_kind(const char *word, struct pos pos, struct diag *d)
{
	size_t n = strcspn(word, NO_BLANK);
	const char *near = diag_is_full(d) ? NULL : closest_kind(word, n);
	const char *name = word + n + strspn(word + n, ":=");

	if (near && *name)
		return diag_error(d, pos, "unknown section [%s]; did you mean [%s %s]?", word, near,
				  name);
	if (near)
		return diag_error(d, pos, "unknown section [%s]; did you mean [%s]?", word, near);
	return diag_error(
		d, pos,
		"unknown section [%s]; expected Root, Memory, Overlay, Partition or Persist", word);
}

static struct conf_section *find_any(struct conf *c, enum conf_kind kind, const char *name)
{
	if (kind == CONF_ROOT)
		return &c->root.section;
	if (kind == CONF_MEMORY)
		return &c->memory.section;
	return conf_find(c, kind, name);
}

/*
 * Ignores @s, and says so at its header, if that is not to be seen at @because. @shown: the
 * message there is about a line of @s; but of a file that only adds to it, it does not say that.
 */
static void leave_out(struct conf_section *s, struct pos because, bool shown, struct diag *d)
{
	const char *kind = conf_kind_to_string(s->kind), *name = s->name ? s->name : "";
	const char *blank = *name ? " " : "", *then = *name ? "" : "; its defaults apply";
	bool same = s->pos.file == because.file;
	bool known = s->invalid || !s->pos.file || (shown && same);

	s->invalid = true;
	if (known)
		return;
	if (same)
		diag_note(d, s->pos, "[%s%s%s] is ignored because of line %u%s", kind, blank, name,
			  because.line, then);
	else
		diag_note(d, s->pos, "[%s%s%s] is ignored because of %s:%u%s", kind, blank, name,
			  because.file, because.line, then);
}

/* Opens a section that is thrown away: it is a mistake itself, its keys may hold more of them. */
static int enter_scrap(struct reading *r, enum conf_kind kind)
{
	r->lost = false;
	section_free(r->scrap);
	r->scrap = NULL;
	r->current = NULL;
	if (section_new(kind, "", &r->scrap) < 0)
		return -ENOMEM;

	r->scrap->invalid = true;
	r->current = r->scrap;
	return 0;
}

/* Opens the section of this name, new or known. */
static int enter(struct reading *r, enum conf_kind kind, const char *name, struct pos pos)
{
	struct conf_section *s = find_any(r->conf, kind, name);
	int err;

	if (!s) {
		err = section_new(kind, name, &s);
		if (err < 0)
			return err;
		err = section_add(r->conf, s);
		if (err < 0) {
			section_free(s);
			return err;
		}
	}
	if (s->last.file == r->file) {
		diag_error(
			r->diag, pos,
			"[%s%s%s] is declared twice in this file, so it is ignored; expected one section with all its keys",
			conf_kind_to_string(kind), *name ? " " : "", name);
		diag_note(r->diag, s->last, "first declared here");
		leave_out(s, pos, true, r->diag);
		s->last = pos;
		return enter_scrap(r, kind);
	}
	if (!s->pos.file)
		s->pos = pos;

	s->last = pos;
	r->current = s;
	return 0;
}

static int lose(struct reading *r)
{
	r->lost = true;
	return 0;
}

/*
 * What is left out, and would not be known from the plan, names a partition: then nobody needs to
 * hear that the partition is of no use.
 */
static int mention(struct reading *r, const char *partition)
{
	struct conf *c = r->conf;
	char *copy = strdup(partition);

	if (!copy || array_reserve(c->mentioned, c->n_mentioned) < 0) {
		free(copy);
		return -ENOMEM;
	}
	c->mentioned[c->n_mentioned++] = copy;
	return 0;
}

/* A line that says no more than this: "Partition data]", "[Partiton data]", "[Partition data". */
static int note_lost(struct reading *r, const char *line, struct pos pos)
{
	struct conf *c = r->conf;
	const char *word = line + strspn(line, "[ \t"), *near;
	size_t n = strcspn(word, " \t]" NO_BLANK);
	char *name;

	if (diag_is_full(r->diag))
		return 0;
	near = closest_kind(word, n);
	if (!near || strcmp(near, "Partition") != 0)
		return 0;
	word += n + strspn(word + n, " \t" NO_BLANK);
	name = strndup(word, strcspn(word, " \t]"));
	if (!name || array_reserve(c->lost, c->n_lost) < 0) {
		free(name);
		return -ENOMEM;
	}
	c->lost[c->n_lost++] = (struct conf_lost){ name, pos };
	/* It may be a Partition= as well. */
	return mention(r, name);
}

static int on_refused(enum ini_refused what, const char *line, struct pos pos, void *userdata)
{
	struct reading *r = userdata;

	if (note_lost(r, line, pos) < 0)
		return -ENOMEM;
	/* What the line meant is not known: the section it stands in is not what was declared. */
	if (what != INI_REFUSED_HEADER && r->current && !r->lost)
		leave_out(r->current, pos, false, r->diag);
	if (what != INI_REFUSED_SETTING)
		return lose(r);
	/* What follows may be of another section, which has lost its header. */
	return r->current && !r->lost ? enter_scrap(r, r->current->kind) : 0;
}

static int on_section(char *text, struct pos pos, void *userdata)
{
	struct reading *r = userdata;
	size_t n = strcspn(text, " \t");
	char *name = text + n + strspn(text + n, " \t"), end = text[n];
	enum conf_kind kind;

	if (strncmp(text, "X-", 2) == 0)
		return r->lost = true, 0; /* somebody else's section */

	text[n] = '\0';
	kind = conf_kind_from_string(text);
	if (kind < 0) {
		unknown_kind(text, pos, r->diag);
		text[n] = end;
		return note_lost(r, text, pos) < 0 ? -ENOMEM : lose(r);
	}
	r->conf->declared = true;
	if (check_name(kind, name, pos, r->diag) < 0)
		return enter_scrap(r, kind);

	r->lost = false;
	return enter(r, kind, name, pos);
}

static int unknown_key(struct reading *r, const char *key, const char *value, struct pos pos)
{
	const char *names[CONF_KEYS_MAX] = { 0 }, *near;
	struct conf_section *s = r->current;
	size_t n;
	const struct conf_key *keys = conf_keys(s->kind, &n);

	for (size_t i = 0; i < n; i++)
		names[i] = keys[i].name;
	near = diag_is_full(r->diag) ? NULL : text_closest(key, names, n);
	if (near)
		diag_error(r->diag, pos, "unknown key %s= in [%s]; did you mean %s=?", key,
			   conf_kind_to_string(s->kind), near);
	else
		diag_error(r->diag, pos, "unknown key %s= in [%s]; see rofs.conf(5)", key,
			   conf_kind_to_string(s->kind));
	leave_out(s, pos, true, r->diag);
	return near && strcmp(near, "Partition") == 0 ? mention(r, value) : 0;
}

static int set_key(struct reading *r, const struct conf_key *key, struct pos *at, const char *value,
		   struct pos pos)
{
	struct conf_section *s = r->current;
	int err;

	if (at->file == r->file) {
		diag_error(r->diag, pos, "%s= is set twice in this section", key->name);
		diag_note(r->diag, *at, "first set here");
		leave_out(s, pos, true, r->diag);
		return strcmp(key->name, "Partition") == 0 ? mention(r, value) : 0;
	}

	err = key->set(field_of(s, key), *value ? value : key->fallback, pos, key, r->diag);
	*at = pos;
	if (err != -EBADMSG)
		return err;
	leave_out(s, pos, true, r->diag);
	return 0;
}

/* Is what is now read no section, or one that is left out? */
static bool is_left_out(const struct reading *r)
{
	return r->lost || !r->current || r->current->invalid;
}

static int on_setting(char *name, char *value, struct pos pos, void *userdata)
{
	struct reading *r = userdata;
	const struct conf_key *keys;
	size_t n;

	if (strcmp(name, "Partition") == 0 && is_left_out(r) && mention(r, value) < 0)
		return -ENOMEM;
	if (r->lost)
		return 0;
	if (!r->current) {
		diag_error(r->diag, pos, "%s= before any section; expected a [Section] first",
			   name);
		return 0;
	}
	if (strncmp(name, "X-", 2) == 0)
		return 0;

	keys = conf_keys(r->current->kind, &n);
	for (size_t i = 0; i < n; i++)
		if (strcmp(keys[i].name, name) == 0)
			return set_key(r, &keys[i], &r->current->at[i], value, pos);

	return unknown_key(r, name, value, pos);
}

int conf_read(struct conf *c, const char *name, char *text, size_t len, struct diag *d)
{
	static const struct ini_handler handler = { on_section, on_setting, on_refused };
	_cleanup_free_ char *copy = strdup(name);
	struct reading r = { .conf = c, .diag = d };
	size_t errors = d->n_errors;
	int err;

	if (!copy || array_reserve(c->files, c->n_files) < 0)
		return -ENOMEM;

	r.file = c->files[c->n_files++] = TAKE_PTR(copy);
	err = ini_read(text, len, r.file, &handler, &r, d);
	section_free(r.scrap);
	/* Whoever writes what is no section meant to declare something. */
	if (d->n_errors > errors)
		c->declared = true;
	return err;
}

int conf_unreadable(struct conf *c, const char *name, const char *why, struct diag *d)
{
	char *copy = strdup(name);

	if (!copy || array_reserve(c->files, c->n_files) < 0) {
		free(copy);
		return -ENOMEM;
	}
	/* The diag borrows file names. */
	c->files[c->n_files++] = copy;
	c->declared = true;
	c->unreadable = true;
	diag_error(d, (struct pos){ .file = copy }, "cannot be read: %s", why);
	return 0;
}

/* A key without which the section means nothing; a later file may have taken it away. */
static void check_required(struct conf_section *s, const char *key, const char *value,
			   const char *expected, struct diag *d)
{
	struct pos at = conf_key_pos(s, key);

	if (s->invalid || value)
		return;
	diag_error(d, at, "[%s %s] has no %s=; expected %s", conf_kind_to_string(s->kind), s->name,
		   key, expected);
	leave_out(s, at, true, d);
}

void conf_check(struct conf *c, struct diag *d)
{
	for (size_t i = 0; i < c->n_partitions; i++)
		check_required(&c->partitions[i]->section, "Device", c->partitions[i]->device,
			       "/dev/..., LABEL=, UUID=, ...", d);
	for (size_t i = 0; i < c->n_persists; i++)
		check_required(&c->persists[i]->section, "Partition", c->persists[i]->partition,
			       "the name of a [Partition]", d);
}

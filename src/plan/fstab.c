/* SPDX-License-Identifier: MIT */
#include "plan/fstab.h"

#include <string.h>

#include "basic/macro.h"
#include "basic/path.h"
#include "basic/strbuf.h"
#include "basic/text.h"
#include "plan/mount-flags.h"
#include "plan/quota.h"
#include "plan/unit-name.h"

#define PATH_BYTES_MAX 4096u /* PATH_MAX: a section name is shorter, its line may not be longer */
#define BINDS_MAX      16u

bool fstab_is_automount(const struct fstab_entry *e)
{
	return fstab_has_option(e->options, "x-systemd.automount") ||
	       fstab_has_option(e->options, "comment=systemd.automount");
}

bool fstab_is_kept_read_only(const struct fstab_entry *e)
{
	return strcmp(e->dir, "/") == 0 || strcmp(e->dir, "/usr") == 0;
}

/* Other lines get no unit of systemd, or that of /. */
static bool has_mount_point(const struct fstab_entry *e)
{
	return e->dir[0] == '/' && e->dir[1] && !path_has_dotdot(e->dir);
}

bool fstab_is_before_local_fs(const struct fstab_entry *e)
{
	return !fstab_has_option(e->options, "noauto") && !fstab_has_option(e->options, "nofail") &&
	       !fstab_is_automount(e) && !fstab_is_network(e) && !fstab_is_swap(e) &&
	       has_mount_point(e);
}

bool fstab_is_initrd(const struct fstab_entry *e)
{
	return strcmp(e->dir, "/usr") == 0 || fstab_has_option(e->options, "x-initrd.mount");
}

bool fstab_is_swap(const struct fstab_entry *e)
{
	return strcmp(e->type, "swap") == 0;
}

bool fstab_is_in_ram(const struct fstab_entry *e)
{
	return strcmp(e->type, "tmpfs") == 0 || strcmp(e->type, "ramfs") == 0;
}

bool fstab_is_bind(const struct fstab_entry *e)
{
	return fstab_has_option(e->options, "bind") || fstab_has_option(e->options, "rbind");
}

bool fstab_is_of_path(const struct fstab_entry *e)
{
	return e->spec[0] == '/' && !path_is_api(e->spec) &&
	       (fstab_is_bind(e) || fstab_has_option(e->options, "loop") || e->spec_is_file);
}

bool fstab_is_of_device(const struct fstab_entry *e)
{
	return strncmp(e->spec, "/dev/", 5) == 0 || unit_name_is_tag(e->spec);
}

static const char *find_option(const char *options, const char *name)
{
	size_t len = strlen(name);

	for (const char *s = options; *s;) {
		size_t n = text_option_length(s);

		if (n >= len && strncmp(s, name, len) == 0 && (n == len || s[len] == '='))
			return s;
		s += n + (s[n] == ',');
	}
	return NULL;
}

bool fstab_has_word(const char *options, const char *word)
{
	size_t len = strlen(word);

	for (const char *s = options; *s;) {
		size_t n = text_option_length(s);

		if (n == len && strncmp(s, word, n) == 0)
			return true;
		s += n + (s[n] == ',');
	}
	return false;
}

bool fstab_has_option(const char *options, const char *name)
{
	return find_option(options, name) != NULL;
}

int fstab_option_value(const char *options, const char *name, char **ret)
{
	const char *s = find_option(options, name), *value;
	char *copy = NULL;

	if (s && s[strlen(name)] == '=') {
		value = s + strlen(name) + 1;
		copy = strndup(value, text_option_length(value));
		if (!copy)
			return -ENOMEM;
	}

	*ret = copy;
	return 0;
}

/*
 * 9p has several transports. Those of a virtual machine, one of which is the default, and of USB are there
 * from the start.
 */
static enum file_system_needs needs_of_9p(const char *options)
{
	if (!fstab_has_option(options, "trans") || fstab_has_word(options, "trans=virtio") ||
	    fstab_has_word(options, "trans=xen") || fstab_has_word(options, "trans=usbg"))
		return NEEDS_NOTHING;
	return fstab_has_word(options, "trans=unix") || fstab_has_word(options, "trans=fd") ?
		       NEEDS_DAEMON :
		       NEEDS_NETWORK;
}

static enum file_system_needs needs_of(const struct fstab_entry *e)
{
	if (fstab_has_option(e->options, "_netdev"))
		return NEEDS_NETWORK;
	if (strcmp(e->type, "9p") == 0)
		return needs_of_9p(e->options);
	return file_system_by_spec(e->spec, e->type)->needs;
}

bool fstab_is_network(const struct fstab_entry *e)
{
	return needs_of(e) == NEEDS_NETWORK;
}

bool fstab_is_remote(const struct fstab_entry *e)
{
	return fstab_has_option(e->options, "_netdev") || file_system_is_remote(e->type);
}

/*
 * Words about when and by whom to mount, not about the file system: a mount unit has other ways to
 * say them.
 */
static bool is_for_others(const char *s, size_t n)
{
	static const char *const words[] = { "rw",     "ro",	"defaults", "auto",  "noauto",
					     "nofail", "fail",	"user",	    "users", "nouser",
					     "owner",  "group", "_netdev" };

	if (n == 0 || strncmp(s, "x-", 2) == 0 || strncmp(s, "comment=", 8) == 0 ||
	    strncmp(s, "rw=", 3) == 0 || strncmp(s, "ro=", 3) == 0)
		return true;
	for (size_t i = 0; i < ELEMENTSOF(words); i++)
		if (strlen(words[i]) == n && strncmp(s, words[i], n) == 0)
			return true;
	return false;
}

int fstab_options_read_only(const char *options, char **ret)
{
	_cleanup_strbuf_ struct strbuf b = { 0 };

	strbuf_add(&b, "ro");
	for (const char *s = options; *s;) {
		size_t n = text_option_length(s);

		if (!is_for_others(s, n) && !quota_is_option(s, n)) {
			strbuf_add_char(&b, ',');
			strbuf_add_n(&b, s, n);
		}
		s += n + (s[n] == ',');
	}
	return strbuf_take(&b, ret);
}

int fstab_options_writable(const char *options, char **ret)
{
	_cleanup_strbuf_ struct strbuf b = { 0 };

	strbuf_add(&b, "rw");
	for (const char *s = options; *s;) {
		size_t n = text_option_length(s);

		if (!(n == 2 && (strncmp(s, "ro", n) == 0 || strncmp(s, "rw", n) == 0))) {
			strbuf_add_char(&b, ',');
			strbuf_add_n(&b, s, n);
		}
		s += n + (s[n] == ',');
	}
	return strbuf_take(&b, ret);
}

/*
 * Can the field stand in a unit? \012 would end its line, a backslash at the end would join the next
 * one to it, and a line that is not UTF-8 is an error for systemd, which then mounts nothing there.
 */
static bool is_sound_field(const char *s)
{
	size_t n = strlen(s);

	return !text_has_control(s) && text_is_utf8(s, n) && !(n > 0 && s[n - 1] == '\\');
}

/* Of a tag, what cannot stand in a unit is escaped, but not C1: udev and systemd have it in links. */
static bool is_sound_tag(const char *s)
{
	while ((s = text_find_control(s))) {
		if ((unsigned char)*s >= 0x80)
			return false;
		s++;
	}
	return true;
}

static bool is_sound_spec(const char *s)
{
	return unit_name_is_tag(s) ? is_sound_tag(s) : is_sound_field(s);
}

const char *fstab_unsound_field(const struct fstab_entry *e)
{
	if (!is_sound_spec(e->spec))
		return e->spec;
	if (!is_sound_field(e->dir))
		return e->dir;
	if (!is_sound_field(e->type))
		return e->type;
	return is_sound_field(e->options) ? NULL : e->options;
}

bool fstab_is_sound(const struct fstab_entry *e)
{
	return !fstab_unsound_field(e);
}

static bool is_mount(const struct fstab_entry *e)
{
	return fstab_is_sound(e) && !fstab_is_swap(e) && has_mount_point(e) &&
	       !path_is_api(e->dir) && !e->overridden;
}

static bool is_at_boot(const struct fstab_entry *e)
{
	return !fstab_has_option(e->options, "noauto") || fstab_is_automount(e) || e->pulled ||
	       fstab_has_option(e->options, "x-systemd.wanted-by") ||
	       fstab_has_option(e->options, "x-systemd.required-by");
}

static bool is_root(const struct fstab_entry *e)
{
	return fstab_is_sound(e) && !fstab_is_swap(e) && strcmp(e->dir, "/") == 0;
}

/* The entries lie in one array, so their addresses are their order. */
static int compare(const void *a, const void *b)
{
	const struct fstab_entry *x = *(const struct fstab_entry *const *)a,
				 *y = *(const struct fstab_entry *const *)b;
	int order = path_compare(x->dir, y->dir);

	return order ? order : (x < y ? -1 : x > y);
}

/* Of several for a path, systemd makes a unit of the first, also if that has noauto. */
static void keep_first(struct fstab_index *x)
{
	const char *last = "";
	size_t kept = 0;

	for (size_t i = 0; i < x->n; i++) {
		const struct fstab_entry *e = x->entries[i];

		if (strcmp(e->dir, last) != 0 && is_at_boot(e))
			x->entries[kept++] = e;
		last = e->dir;
	}
	x->n = kept;
}

int fstab_index_build(const struct facts *facts, struct fstab_index *ret)
{
	struct fstab_index x = { .entries = calloc(facts->n_fstab + 1, sizeof(*x.entries)) };

	if (!x.entries)
		return -ENOMEM;

	for (size_t i = 0; i < facts->n_fstab; i++) {
		if (is_mount(&facts->fstab[i]))
			x.entries[x.n++] = &facts->fstab[i];
		if (!x.root && is_root(&facts->fstab[i]))
			x.root = &facts->fstab[i];
	}
	if (!x.root && facts->cmdline_root.options)
		x.root = &facts->cmdline_root;
	qsort(x.entries, x.n, sizeof(*x.entries), compare);
	keep_first(&x);

	*ret = x;
	return 0;
}

void fstab_index_done(struct fstab_index *x)
{
	free(x->entries);
	*x = (struct fstab_index){ 0 };
}

static const struct fstab_entry *find_exactly(const struct fstab_index *x, const char *path)
{
	size_t low = 0, high = x->n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int order = path_compare(path, x->entries[middle]->dir);

		if (order == 0)
			return x->entries[middle];
		if (order < 0)
			high = middle;
		else
			low = middle + 1;
	}
	return NULL;
}

const struct fstab_entry *fstab_at_or_above(const struct fstab_index *x, const char *path)
{
	char buffer[PATH_BYTES_MAX];
	const struct fstab_entry *e;
	char *slash;

	if (x->n == 0 || strlen(path) >= sizeof(buffer))
		return NULL;

	for (strcpy(buffer, path); buffer[0] && buffer[1]; *slash = '\0') {
		e = find_exactly(x, buffer);
		if (e)
			return e;
		slash = strrchr(buffer, '/');
		if (!slash)
			return NULL;
	}
	return NULL;
}

/* What has mounted the path that this entry is of; NULL: it is of none, or nothing of fstab is there. */
static const struct fstab_entry *path_source(const struct fstab_index *x,
					     const struct fstab_entry *e)
{
	char path[PATH_BYTES_MAX];
	const struct fstab_entry *source;

	if (!fstab_is_of_path(e) || strlen(e->spec) >= sizeof(path))
		return NULL;
	strcpy(path, e->spec);
	path_clean(path);
	if (path_is_api(path) || path_has_dotdot(path))
		return NULL;
	source = fstab_at_or_above(x, path);
	return source ? source : x->root;
}

static const struct fstab_entry *bind_source(const struct fstab_index *x,
					     const struct fstab_entry *e)
{
	return fstab_is_bind(e) ? path_source(x, e) : NULL;
}

const struct fstab_entry *fstab_shown(const struct fstab_index *x, const struct fstab_entry *e)
{
	const struct fstab_entry *source;

	/* Each may be bound from the next, in a circle as well. */
	for (unsigned i = 0; i < BINDS_MAX && (source = bind_source(x, e)); i++)
		e = source;
	return e;
}

enum file_system_needs fstab_needs(const struct fstab_index *x, const struct fstab_entry *e)
{
	enum file_system_needs needs = NEEDS_NOTHING;

	/* The root is there, wherever it comes from. */
	for (unsigned i = 0; i < BINDS_MAX && e && e != x->root && needs == NEEDS_NOTHING; i++) {
		needs = needs_of(e);
		e = path_source(x, e);
	}
	return needs;
}

bool fstab_is_no_layer(const struct fstab_index *x, const struct fstab_entry *e)
{
	e = fstab_shown(x, e);
	return e != x->root && file_system_by_spec(e->spec, e->type)->layer == LAYER_NEVER;
}

unsigned fstab_mount_flags(const struct fstab_index *x, const struct fstab_entry *e)
{
	unsigned flags = mount_flags(e->options), named = mount_flags_named(e->options);

	/* Each may be bound from the next, in a circle as well. */
	for (unsigned i = 0; i < BINDS_MAX && (e = bind_source(x, e)); i++) {
		flags |= mount_flags(e->options) & ~named & ~(unsigned)MOUNT_READ_ONLY;
		named |= mount_flags_named(e->options);
	}
	return flags;
}

const char *fstab_origin(const struct fstab_entry *e)
{
	return e->file ? e->file : "fstab";
}

struct pos fstab_pos(const struct fstab_entry *e)
{
	return (struct pos){ .file = e->file ? e->file : FSTAB_PATH, .line = e->line };
}

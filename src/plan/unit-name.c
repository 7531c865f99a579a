/* SPDX-License-Identifier: MIT */
#include "plan/unit-name.h"

#include <string.h>

#include "basic/path.h"
#include "basic/strbuf.h"
#include "basic/text.h"
#include "basic/value.h"

static bool is_alnum(unsigned char c)
{
	return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

static void add_escaped(struct strbuf *b, unsigned char c, bool first)
{
	if (c == '/')
		strbuf_add_char(b, '-');
	else if (is_alnum(c) || c == ':' || c == '_' || (c == '.' && !first))
		strbuf_add_char(b, (char)c);
	else
		strbuf_addf(b, "\\x%02x", c);
}

static void add_path(struct strbuf *b, const char *path)
{
	const char *s = path + (*path == '/');

	if (!*s) {
		strbuf_add_char(b, '-'); /* the root */
		return;
	}
	for (const char *p = s; *p; p++)
		add_escaped(b, (unsigned char)*p, p == s);
}

static int finish(struct strbuf *b, char **ret)
{
	if (b->len > UNIT_NAME_BYTES_MAX)
		return -ENAMETOOLONG;
	return strbuf_take(b, ret);
}

int unit_name_from_path(const char *path, const char *suffix, char **ret)
{
	_cleanup_strbuf_ struct strbuf b = { 0 };

	add_path(&b, path);
	strbuf_add(&b, suffix);
	return finish(&b, ret);
}

/* Of "\x2d", at the backslash. Returns: 0 when it is no such escape. */
static char escaped_byte(const char *s)
{
	static const char digits[] = "0123456789abcdef";
	const char *high, *low;

	if (s[1] != 'x' || !s[2] || !s[3])
		return '\0';
	high = strchr(digits, s[2]);
	low = strchr(digits, s[3]);
	if (!high || !low)
		return '\0';
	return (char)((high - digits) * 16 + (low - digits));
}

bool unit_name_add_unescaped(struct strbuf *b, const char *s, size_t n)
{
	for (const char *end = s + n; s < end; s++) {
		char c = *s;

		if (c == '-') {
			c = '/';
		} else if (c == '\\') {
			if (end - s < 4)
				return false;
			c = escaped_byte(s);
			s += 3;
		}
		if (!c)
			return false;
		strbuf_add_char(b, c);
	}
	return true;
}

int unit_name_to_path(const char *name, char **ret)
{
	_cleanup_strbuf_ struct strbuf b = { 0 };
	const char *type = strrchr(name, '.');

	*ret = NULL;
	if (!type || (strcmp(type, ".mount") != 0 && strcmp(type, ".automount") != 0))
		return 0;
	strbuf_add_char(&b, '/');
	if (type - name == 1 && *name == '-')
		return strbuf_take(&b, ret);
	if (!unit_name_add_unescaped(&b, name, (size_t)(type - name)))
		return 0;
	return strbuf_take(&b, ret);
}

int unit_name_instance(const char *template_name, const char *path, char **ret)
{
	_cleanup_strbuf_ struct strbuf b = { 0 };

	strbuf_add(&b, template_name);
	strbuf_add_char(&b, '@');
	add_path(&b, path);
	strbuf_add(&b, ".service");
	return finish(&b, ret);
}

static bool is_valid(char c)
{
	return is_alnum((unsigned char)c) || strchr(":-_.\\@", c);
}

/* do_escape_mangle() of systemd's unit-name.c. */
static int mangle_name(const char *value, const char *suffix, char **ret)
{
	_cleanup_strbuf_ struct strbuf b = { 0 };

	for (const char *s = value; *s; s++) {
		if (*s == '/')
			strbuf_add_char(&b, '-');
		else if (is_valid(*s))
			strbuf_add_char(&b, *s);
		else
			strbuf_addf(&b, "\\x%02x", (unsigned)(unsigned char)*s);
	}
	if (!b.len || !value_is_unit(b.text, b.len))
		strbuf_add(&b, suffix);
	return strbuf_take(&b, ret);
}

int unit_name_mangle(const char *value, const char *suffix, char **ret)
{
	_cleanup_free_ char *clean = strdup(value), *name = NULL;
	int err;

	*ret = NULL;
	if (!clean)
		return -ENOMEM;
	if (value_is_unit(value, strlen(value)))
		return *ret = TAKE_PTR(clean), 0;
	if (strstr(value, "@."))
		return 0; /* a template */
	if (*value == '/') {
		bool is_device = strncmp(value, "/dev/", 5) == 0 || strncmp(value, "/sys/", 5) == 0;

		path_clean(clean);
		if (path_has_dotdot(clean))
			return 0;
		err = unit_name_from_path(clean, is_device ? ".device" : ".mount", &name);
	} else {
		err = mangle_name(value, suffix, &name);
	}
	if (err < 0)
		return err == -ENAMETOOLONG ? 0 : err;
	if (value_is_unit(name, strlen(name)))
		*ret = TAKE_PTR(name);
	return 0;
}

static bool is_quoted(const char *s)
{
	size_t n = strlen(s);

	return n >= 2 && strchr("\"'", s[0]) && s[n - 1] == s[0];
}

/* Bytes of the character at @s that stay in the name of a link; 0: its first byte does not. */
static size_t kept_length(const char *s)
{
	uint32_t c;
	size_t n = text_next(s, &c);

	return n > 1 || is_alnum((unsigned char)*s) || strchr("#+-.:=@_", *s) ? n : 0;
}

/* LABEL="my data": mount(8) and systemd take the quotes off, so they are no part of the label. */
static void add_tag_value(struct strbuf *b, const char *value)
{
	bool quoted = is_quoted(value);
	const char *end = value + strlen(value) - quoted;

	for (const char *s = value + quoted; s < end;) {
		size_t n = kept_length(s);

		if (n > 0)
			strbuf_add_n(b, s, n);
		else
			strbuf_addf(b, "\\x%02x", (unsigned)(unsigned char)*s);
		s += n > 0 ? n : 1;
	}
}

static const struct {
	const char *tag, *dir;
} tags[] = {
	{ "LABEL=", "/dev/disk/by-label/" },
	{ "UUID=", "/dev/disk/by-uuid/" },
	{ "PARTLABEL=", "/dev/disk/by-partlabel/" },
	{ "PARTUUID=", "/dev/disk/by-partuuid/" },
};

/* Its value, and the directory of the links; NULL: it begins with none. */
static const char *find_tag(const char *device, const char **ret_dir)
{
	for (size_t i = 0; i < ELEMENTSOF(tags); i++) {
		size_t n = strlen(tags[i].tag);

		if (strncmp(device, tags[i].tag, n) == 0) {
			*ret_dir = tags[i].dir;
			return device + n;
		}
	}
	return NULL;
}

static bool is_empty(const char *value)
{
	return !value[is_quoted(value) ? 2 : 0];
}

bool unit_name_is_tag(const char *device)
{
	const char *dir, *value = find_tag(device, &dir);

	return value && !is_empty(value);
}

int unit_name_device_path(const char *device, char **ret)
{
	_cleanup_strbuf_ struct strbuf b = { 0 };
	const char *dir, *value;

	if (strncmp(device, "/dev/", 5) == 0) {
		*ret = strdup(device);
		if (!*ret)
			return -ENOMEM;
		path_clean(*ret);
		return 0;
	}

	value = find_tag(device, &dir);
	if (!value || is_empty(value))
		return -EINVAL;

	strbuf_add(&b, dir);
	add_tag_value(&b, value);
	return strbuf_take(&b, ret);
}

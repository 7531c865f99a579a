/* SPDX-License-Identifier: MIT */
#include "system/unit-specifiers.h"

#include <string.h>

#include "basic/strbuf.h"
#include "plan/unit-name.h"

/* What PID 1 has in them: systemd.unit(5), "Specifiers". */
static const struct {
	char specifier;
	const char *text;
} fixed[] = {
	{ '%', "%" },	     { 'C', "/var/cache" }, { 'E', "/etc" },	 { 'g', "root" },
	{ 'G', "0" },	     { 'h', "/root" },	    { 'L', "/var/log" }, { 'S', "/var/lib" },
	{ 't', "/run" },     { 'T', "/tmp" },	    { 'u', "root" },	 { 'U', "0" },
	{ 'V', "/var/tmp" },
};

static const char *find_fixed(char specifier)
{
	for (size_t i = 0; i < ELEMENTSOF(fixed); i++)
		if (fixed[i].specifier == specifier)
			return fixed[i].text;
	return NULL;
}

/* struct parts - of the name of a unit; not NUL-terminated */
struct parts {
	const char *prefix, *instance;
	size_t prefix_n, instance_n;
	bool is_template;
};

static struct parts take_apart(const char *unit)
{
	size_t stem = (size_t)(strrchr(unit, '.') - unit), n = strcspn(unit, "@");
	struct parts p = { .prefix = unit, .prefix_n = stem, .instance = unit + stem };

	if (n < stem) {
		p.prefix_n = n;
		p.instance = unit + n + 1;
		p.instance_n = stem - n - 1;
		p.is_template = p.instance_n == 0;
	}
	return p;
}

/* What follows the last dash. */
static const char *last_part(const struct parts *p, size_t *ret_n)
{
	const char *dash = memrchr(p->prefix, '-', p->prefix_n);
	const char *from = dash ? dash + 1 : p->prefix;

	*ret_n = p->prefix_n - (size_t)(from - p->prefix);
	return from;
}

/* Returns: false when it is none of those that stand for a part of the name, or not known. */
static bool add_part(struct strbuf *b, char specifier, const char *unit)
{
	struct parts p = take_apart(unit);
	size_t n;
	const char *last = last_part(&p, &n);

	if (strchr("iI", specifier) && p.is_template)
		return false;
	switch (specifier) {
	case 'n':
		strbuf_add(b, unit);
		return true;
	case 'N':
		strbuf_add_n(b, unit, (size_t)(strrchr(unit, '.') - unit));
		return true;
	case 'p':
		strbuf_add_n(b, p.prefix, p.prefix_n);
		return true;
	case 'P':
		return unit_name_add_unescaped(b, p.prefix, p.prefix_n);
	case 'i':
		strbuf_add_n(b, p.instance, p.instance_n);
		return true;
	case 'I':
		return unit_name_add_unescaped(b, p.instance, p.instance_n);
	case 'j':
		strbuf_add_n(b, last, n);
		return true;
	case 'J':
		return unit_name_add_unescaped(b, last, n);
	default:
		return false;
	}
}

/* Returns: false when it is not known. */
static bool add_specifier(struct strbuf *b, char specifier, const char *unit, const char *dir)
{
	const char *text = specifier == 'f' ? dir : find_fixed(specifier);

	if (text)
		strbuf_add(b, text);
	return text || add_part(b, specifier, unit);
}

int unit_specifiers_expand(const char *value, const char *unit, const char *dir, char **ret)
{
	_cleanup_strbuf_ struct strbuf b = { 0 };

	for (; *value; value++) {
		if (*value != '%' || !value[1])
			strbuf_add_char(&b, *value);
		else if (!add_specifier(&b, *++value, unit, dir))
			return (unsigned char)*value;
	}
	return strbuf_take(&b, ret);
}

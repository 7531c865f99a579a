/* SPDX-License-Identifier: MIT */
#include "system/unit-specifiers.h"

#include <string.h>

#include "basic/strbuf.h"

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

/* Returns: false when it is not known. */
static bool add_specifier(struct strbuf *b, char specifier, const char *unit, const char *dir)
{
	const char *dot = strrchr(unit, '.'), *text = find_fixed(specifier);

	if (text)
		strbuf_add(b, text);
	else if (specifier == 'n')
		strbuf_add(b, unit);
	else if (specifier == 'N' || specifier == 'p')
		strbuf_add_n(b, unit, (size_t)(dot - unit));
	else if (specifier == 'f')
		strbuf_add(b, dir);
	return text || (specifier && strchr("nNpf", specifier));
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

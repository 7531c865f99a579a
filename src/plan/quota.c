/* SPDX-License-Identifier: MIT */
#include "plan/quota.h"

#include <string.h>

#include "basic/macro.h"
#include "basic/text.h"

bool quota_is_option(const char *word, size_t n)
{
	static const char *const names[] = {
		"quota",
		"usrquota",
		"grpquota",
		"prjquota",
		"uquota",
		"gquota",
		"pquota",
		"qnoenforce",
		"uqnoenforce",
		"gqnoenforce",
		"pqnoenforce",
		"usrjquota",
		"grpjquota",
		"prjjquota",
		"jqfmt",
		/* Of tmpfs. */
		"usrquota_block_hardlimit",
		"usrquota_inode_hardlimit",
		"grpquota_block_hardlimit",
		"grpquota_inode_hardlimit",
	};
	const char *equals = memchr(word, '=', n);
	size_t len = equals ? (size_t)(equals - word) : n;

	for (size_t i = 0; i < ELEMENTSOF(names); i++)
		if (strlen(names[i]) == len && strncmp(names[i], word, len) == 0)
			return true;
	return false;
}

/* The first at or behind @s, *@len bytes long; NULL: there is none. */
static const char *find(const char *s, size_t *len)
{
	while (*s) {
		*len = text_option_length(s);
		if (quota_is_option(s, *len))
			return s;
		s += *len + (s[*len] == ',');
	}
	return NULL;
}

bool quota_has_options(const char *options)
{
	size_t n;

	return find(options, &n) != NULL;
}

void quota_add_options(struct strbuf *b, const char *options)
{
	const char *comma = "", *s = options;
	size_t n;

	while ((s = find(s, &n))) {
		strbuf_add(b, comma);
		strbuf_add_n(b, s, n);
		comma = ",";
		s += n;
	}
}

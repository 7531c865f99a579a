/* SPDX-License-Identifier: MIT */
/*
 * A line that begins with '[' ends the section above, however broken it is: what is read above is
 * the same with it and without it, unless it is a header of the same section.
 */
#include "check.h"

#include <string.h>

#include "basic/macro.h"

static void read_text(const char *text, size_t len, struct conf *conf, struct diag *d)
{
	_cleanup_free_ char *copy = malloc(len + 1);

	check_that(copy && conf_init(conf) == 0, "out of memory", "");
	memcpy(copy, text, len);
	check_that(conf_read(conf, "f", copy, len, d) == 0, "conf_read failed", "");
}

static void check_same_section(const struct conf_section *above, const struct conf_section *all)
{
	const char *name = above->name ? above->name : "";

	if (above->last.line != all->last.line)
		return; /* once more below */
	check_that(above->invalid == all->invalid, "left out because of a line below it", name);
	for (size_t i = 0; i < CONF_KEYS_MAX; i++)
		check_that(above->at[i].line == all->at[i].line, "a setting of another section",
			   name);
}

static void compare(const struct conf *above, const struct conf *all)
{
	check_same_section(&above->root.section, &all->root.section);
	check_same_section(&above->memory.section, &all->memory.section);
	for (size_t i = 0; i < above->n_overlays; i++)
		check_same_section(&above->overlays[i]->section, &all->overlays[i]->section);
	for (size_t i = 0; i < above->n_partitions; i++)
		check_same_section(&above->partitions[i]->section, &all->partitions[i]->section);
	for (size_t i = 0; i < above->n_persists; i++)
		check_same_section(&above->persists[i]->section, &all->persists[i]->section);
}

void check_headers(const char *text, size_t len)
{
	_cleanup_conf_ struct conf above = { 0 }, all = { 0 };
	_cleanup_diag_ struct diag of_above = { 0 }, of_all = { 0 };
	size_t last = 0;

	for (size_t i = 1; i < len; i++)
		if (text[i] == '[' && text[i - 1] == '\n')
			last = i;
	if (last == 0)
		return;
	read_text(text, last, &above, &of_above);
	read_text(text, len, &all, &of_all);
	compare(&above, &all);
}

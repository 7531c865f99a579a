/* SPDX-License-Identifier: MIT */
#include "verdict/root-devices.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "basic/strbuf.h"
#include "basic/text.h"

static const char *const fates[] = {
	[ROOT_DEVICE_SET] = "set",
	[ROOT_DEVICE_FOUND] = "found",
	[ROOT_DEVICE_LEFT] = "left",
};
static_assert(ELEMENTSOF(fates) == _ROOT_DEVICE_FATE_MAX, "a fate without a word");

void root_devices_done(struct root_devices *l)
{
	for (size_t i = 0; i < l->n; i++)
		free(l->list[i].needed_by);
	free(l->list);
	*l = (struct root_devices){ 0 };
}

int root_devices_add(struct root_devices *l, const struct root_device *d)
{
	char *needed_by = d->needed_by ? strdup(d->needed_by) : NULL;

	if ((d->needed_by && !needed_by) || array_reserve(l->list, l->n) < 0) {
		free(needed_by);
		return -ENOMEM;
	}
	l->list[l->n] = *d;
	l->list[l->n++].needed_by = needed_by;
	return 0;
}

const struct root_device *root_devices_find(const struct root_devices *l, unsigned major,
					    unsigned minor)
{
	for (size_t i = 0; i < l->n; i++)
		if (l->list[i].major == major && l->list[i].minor == minor)
			return &l->list[i];
	return NULL;
}

int root_devices_format(const struct root_devices *l, char **ret)
{
	_cleanup_strbuf_ struct strbuf b = { 0 };

	for (size_t i = 0; i < l->n; i++) {
		const struct root_device *d = &l->list[i];

		strbuf_addf(&b, "%s %u:%u %s", fates[d->fate], d->major, d->minor, d->name);
		if (d->needed_by) {
			strbuf_add_char(&b, ' ');
			text_add_printable(&b, d->needed_by);
		}
		strbuf_add_char(&b, '\n');
	}
	return strbuf_take(&b, ret);
}

const char *root_device_number(const char *s, unsigned *ret_major, unsigned *ret_minor)
{
	char *end, *last;
	unsigned long major = strtoul(s, &end, 10), minor;

	if (end == s || *end != ':')
		return NULL;
	minor = strtoul(end + 1, &last, 10);
	if (last == end + 1)
		return NULL;
	*ret_major = (unsigned)major;
	*ret_minor = (unsigned)minor;
	return last;
}

static bool parse_fate(const char *word, enum root_device_fate *ret)
{
	for (size_t i = 0; i < ELEMENTSOF(fates); i++)
		if (strcmp(word, fates[i]) == 0)
			return *ret = (enum root_device_fate)i, true;
	return false;
}

/* Returns: is it a line of ours? @ret borrows from @line, which is modified. */
static bool parse_line(char *line, struct root_device *ret)
{
	char *rest = line, *word = strsep(&rest, " "), *number = strsep(&rest, " "),
	     *name = strsep(&rest, " ");
	struct root_device d = { 0 };
	const char *end = number ? root_device_number(number, &d.major, &d.minor) : NULL;

	if (!name || !*name || strlen(name) >= sizeof(d.name) || !end || *end ||
	    !parse_fate(word, &d.fate))
		return false;
	strcpy(d.name, name);
	if (d.fate == ROOT_DEVICE_LEFT)
		d.needed_by = rest;
	*ret = d;
	return true;
}

int root_devices_parse(char *text, struct root_devices *ret)
{
	struct root_devices l = { 0 };
	struct root_device d;
	char *rest = text, *line;

	while ((line = strsep(&rest, "\n")))
		if (parse_line(line, &d) && root_devices_add(&l, &d) < 0) {
			root_devices_done(&l);
			return -ENOMEM;
		}
	*ret = l;
	return 0;
}

/* SPDX-License-Identifier: MIT */
#include "rofs/check/asking.h"

#include <string.h>

int asking_take(void *data, const char *value, _unused_ const char *file, _unused_ unsigned line)
{
	struct asking *x = data;
	size_t n = x->word ? strlen(x->word) : 0;
	const char *word = value + strspn(value, "[ \"'");

	/* A module of cloud-init may be written [NAME, FREQUENCY]. */
	if (x->word && strncmp(word, x->word, n) == 0 && (!word[n] || strchr(",]\"' ", word[n])))
		x->found = true;
	free(x->last);
	x->last = strdup(value);
	return x->last ? 0 : -ENOMEM;
}

int ask(const struct unit_dirs *dirs, const char *const files[2], const char *section,
	const char *key, struct asking *x)
{
	int err = 0;

	for (size_t i = 0; i < 2 && err >= 0; i++) {
		const struct setting s = { SETTING_LINES, files[i], section, .key = key };

		err = setting_read(dirs, &s, NULL, asking_take, x);
	}
	return err;
}

void asking_done(struct asking *x)
{
	free(x->last);
}

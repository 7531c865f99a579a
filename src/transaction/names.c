/* SPDX-License-Identifier: MIT */
#include "transaction/names.h"

#include <string.h>

#include "basic/io.h"

const char *name_of(char buffer[NAME_SIZE], const char *what, unsigned number)
{
	snprintf(buffer, NAME_SIZE, "%s.%u", what, number);
	return buffer;
}

unsigned name_number(const char *name, const char *what)
{
	size_t n = strlen(what);
	unsigned long number = 0;

	if (strncmp(name, what, n) != 0 || name[n] != '.' || name[n + 1] == '0')
		return 0;
	for (name += n + 1; *name; name++) {
		unsigned d = (unsigned)(*name - '0');

		if (d > 9 || number > (NUMBER_MAX - d) / 10)
			return 0;
		number = number * 10 + d;
	}
	return (unsigned)number;
}

struct reading {
	const char *what;
	struct name_list list;
};

static int add_name(void *data, const char *name)
{
	struct reading *r = data;
	unsigned number = name_number(name, r->what);

	if (number == 0)
		return 0;
	if (array_reserve(r->list.numbers, r->list.n) < 0)
		return -ENOMEM;
	r->list.numbers[r->list.n++] = number;
	return 0;
}

static int compare(const void *left, const void *right)
{
	unsigned a = *(const unsigned *)left, b = *(const unsigned *)right;

	return (a > b) - (a < b);
}

int name_list_read(int base_fd, const char *what, struct name_list *ret)
{
	struct reading r = { .what = what };
	int err = each_name(open_dir_at(base_fd, "."), add_name, &r);

	if (err < 0) {
		name_list_done(&r.list);
		return err;
	}
	if (r.list.n > 1)
		qsort(r.list.numbers, r.list.n, sizeof(*r.list.numbers), compare);
	*ret = r.list;
	return 0;
}

void name_list_done(struct name_list *l)
{
	free(l->numbers);
	*l = (struct name_list){ 0 };
}

bool name_list_has(const struct name_list *l, unsigned number)
{
	return l->n > 0 && bsearch(&number, l->numbers, l->n, sizeof(number), compare) != NULL;
}

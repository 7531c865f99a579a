/* SPDX-License-Identifier: MIT */
#include "plan/devices.h"

#include <string.h>

#include "plan/unit-name.h"

static int compare(const void *a, const void *b)
{
	const struct device *x = a, *y = b;
	int order = strcmp(x->path, y->path);

	return order ? order : (x->partition < y->partition ? -1 : x->partition > y->partition);
}

static int compare_path(const void *path, const void *device)
{
	return strcmp(path, ((const struct device *)device)->path);
}

int devices_index(struct building *b)
{
	const struct conf *conf = b->plan.conf;

	b->devices = calloc(conf->n_partitions + 1, sizeof(*b->devices));
	if (!b->devices)
		return -ENOMEM;
	for (size_t i = 0; i < conf->n_partitions; i++) {
		const struct conf_partition *p = conf->partitions[i];
		struct device *next = &b->devices[b->n_devices];
		int err = p->section.invalid ? -EINVAL :
					       unit_name_device_path(p->device, &next->path);

		if (err == -ENOMEM)
			return err;
		next->partition = i;
		b->n_devices += err >= 0;
	}
	qsort(b->devices, b->n_devices, sizeof(*b->devices), compare);
	return 0;
}

void devices_drop_twice(struct building *b)
{
	size_t kept = 0;

	for (size_t i = 0; i < b->n_devices; i++) {
		struct device next = b->devices[i], *last = kept ? &b->devices[kept - 1] : NULL;

		if (!last || strcmp(last->path, next.path) != 0) {
			b->devices[kept++] = next;
			continue;
		}
		if (b->plan.partitions[next.partition].where)
			last->partition = next.partition;
		free(next.path);
	}
	b->n_devices = kept;
}

int devices_find(const struct building *b, const char *spec, size_t *ret)
{
	_cleanup_free_ char *path = NULL;
	const struct device *found = NULL;
	int err;

	err = unit_name_device_path(spec, &path);
	if (err == -ENOMEM)
		return err;
	if (path)
		found = bsearch(path, b->devices, b->n_devices, sizeof(*b->devices), compare_path);
	*ret = found ? found->partition : NO_INDEX;
	return 0;
}

void devices_done(struct building *b)
{
	for (size_t i = 0; i < b->n_devices; i++)
		free(b->devices[i].path);
	free(b->devices);
}

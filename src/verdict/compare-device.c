/* SPDX-License-Identifier: MIT */
/* The block devices below /, with Device=read-only in [Root]. */
#include "verdict/comparing.h"

/* The list was never made, or / is on no block device. */
static void add_unset(struct comparing *c)
{
	const struct observed_mount *root = observed_at(c->observed, "/");
	struct problem p = { .kind = PROBLEM_ROOT_DEVICE_UNSET,
			     .path = "/",
			     .unit = "rofs-device.service" };

	p.device = root ? root->source : NULL;
	problem_add_unit(&p, p.unit);
	comparing_add(c, &p);
}

static void compare_one(struct comparing *c, const struct root_device *d)
{
	struct problem p = { .kind = PROBLEM_ROOT_DEVICE_WRITABLE,
			     .path = "/",
			     .unit = "rofs-device.service",
			     .device = d->name };

	/* Of the device of / itself, that is not what was declared. What it is on may be shared. */
	if (d == c->observed->root_devices.list && d->fate == ROOT_DEVICE_LEFT) {
		p.kind = PROBLEM_ROOT_DEVICE_IN_USE;
		p.place = d->needed_by;
	} else if (d->fate == ROOT_DEVICE_LEFT || !d->writable) {
		return;
	}
	problem_add_unit(&p, p.unit);
	comparing_add(c, &p);
}

void compare_root_devices(struct comparing *c)
{
	const struct root_devices *l = &c->observed->root_devices;

	/* A window has made them writable, and another problem says so. */
	if (!c->plan->device_read_only || c->observed->transactions.running || l->unknown)
		return;
	if (l->n == 0)
		add_unset(c);
	for (size_t i = 0; i < l->n; i++)
		compare_one(c, &l->list[i]);
}

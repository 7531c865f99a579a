/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/*
 * What Device=read-only in [Root] has made of the block devices below /: decided once at boot, and kept in
 * /run as text. By it, a window knows what it may make writable again, and a device that rofs has made
 * read-only is told from one that is write-protected.
 */

/* Below the root of the running system; for all users to read. */
#define ROOT_DEVICES_DIR  "run/rofs"
#define ROOT_DEVICES_FILE "root-devices"

enum root_device_fate {
	ROOT_DEVICE_SET,   /* rofs has made it read-only */
	ROOT_DEVICE_FOUND, /* it was read-only before: it is write-protected */
	ROOT_DEVICE_LEFT,  /* it stays writable, because something else needs it */
	_ROOT_DEVICE_FATE_MAX,
};

#define ROOT_DEVICE_NAME_BYTES_MAX \
	64u /* DISK_NAME_LEN of the kernel is 32; "/dev/" and the partition add to it */

struct root_device {
	enum root_device_fate fate;
	unsigned major, minor;
	char name[ROOT_DEVICE_NAME_BYTES_MAX]; /* of the kernel: "/dev/sda1" */
	char *needed_by; /* with ROOT_DEVICE_LEFT: a path, or "[Partition data]"; owned; else NULL */
	bool writable;	 /* now, as far as the kernel says it; not in the text */
};

/** struct root_devices - that of / first, then those it is on; all-zero: there are none */
struct root_devices {
	struct root_device *list;
	size_t n;
	bool unknown; /* there may be some, but this user may not read the text */
};

void root_devices_done(struct root_devices *l);

/** root_devices_add - a copy; @d's needed_by is copied, too. Returns: 0 or -ENOMEM. */
int root_devices_add(struct root_devices *l, const struct root_device *d);

/** root_devices_find - the device of this number; NULL: it is not in the list */
const struct root_device *root_devices_find(const struct root_devices *l, unsigned major,
					    unsigned minor);

/**
 * root_device_number - read the number of a device: "8:1"
 *
 * Returns: what follows it; NULL if @s does not begin with one.
 */
const char *root_device_number(const char *s, unsigned *ret_major, unsigned *ret_minor);

/**
 * root_devices_format, root_devices_parse - as text, a line for each: "set 8:1 /dev/sda1", "left 8:0 /dev/sda /srv"
 * @ret:  of root_devices_format(): the caller frees it
 * @text: modified; a line that is not understood is passed over
 *
 * Return: 0 or -ENOMEM.
 */
int root_devices_format(const struct root_devices *l, char **ret);
int root_devices_parse(char *text, struct root_devices *ret);

#define _cleanup_root_devices_ _cleanup_(root_devices_done)

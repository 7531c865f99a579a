/* SPDX-License-Identifier: MIT */
#include "device/device.h"

#include <string.h>
#include <unistd.h>

#include "basic/macro.h"
#include "system/device-users.h"
#include "system/log.h"
#include "system/observe.h"
#include "system/root-devices.h"
#include "transaction/lock.h"

static int decide(const struct loaded *l, struct root_devices *ret)
{
	_cleanup_device_users_ struct device_users users = { 0 };
	_cleanup_observed_ struct observed observed = { 0 };
	int err = observe("/", &l->plan, &observed);

	if (err >= 0)
		err = device_users_find(&l->plan, &observed, &users);
	return err < 0 ? err :
			 root_devices_decide(l->root.root_fd, observed_at(&observed, "/"), &users,
					     ret);
}

/* After an earlier run, what that has made read-only is found so. */
static int remember(int root_fd, struct root_devices *l)
{
	_cleanup_root_devices_ struct root_devices before = { 0 };
	int err = root_devices_read(root_fd, &before);

	for (size_t i = 0; i < l->n && err >= 0; i++) {
		struct root_device *d = &l->list[i];
		const struct root_device *was = root_devices_find(&before, d->major, d->minor);

		if (was && was->fate == ROOT_DEVICE_SET && d->fate == ROOT_DEVICE_FOUND)
			d->fate = ROOT_DEVICE_SET;
	}
	/* First, so that a window finds what it has to make writable whatever happens to this process. */
	return err < 0 ? err : root_devices_write(root_fd, l);
}

static int set_all(int root_fd, const struct root_devices *l)
{
	int err;

	if (l->n == 0)
		return log_error(-ENODEV, "/ is on no block device that can be made read-only");
	err = root_devices_apply(root_fd, l, true);
	if (err < 0)
		return log_error(err, "cannot make %s read-only: %s", l->list[0].name,
				 strerror(-err));
	for (size_t i = 0; i < l->n; i++)
		if (l->list[i].needed_by)
			log_info("%s stays writable because of %s", l->list[i].name,
				 l->list[i].needed_by);
	return 0;
}

int device_make_read_only(const struct loaded *l)
{
	_cleanup_root_devices_ struct root_devices devices = { 0 };
	_cleanup_free_ char *why = NULL;
	/* In a window, the device has to stay writable. */
	_cleanup_close_ int lock_fd = lock_hold(l->root.root_fd, &why);
	int err = lock_fd < 0 ? lock_fd : decide(l, &devices);

	if (err >= 0)
		err = remember(l->root.root_fd, &devices);
	if (err < 0)
		return log_error(err, "cannot make the device of / read-only: %s",
				 why ? why : strerror(-err));
	return set_all(l->root.root_fd, &devices);
}

int device_make_writable(int root_fd)
{
	int err = root_devices_set(root_fd, false);

	if (err >= 0)
		err = root_devices_forget(root_fd);
	return err < 0 ?
		       log_error(err, "cannot make the device of / writable: %s", strerror(-err)) :
		       0;
}

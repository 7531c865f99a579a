/* SPDX-License-Identifier: MIT */
#include "transaction/restore.h"

#include "system/root-devices.h"
#include "transaction/caches.h"

static int restore(int root_fd, const struct target *t)
{
	struct superblock now;
	int err;

	/* Of a mount in another namespace, it cannot be told. */
	if (t->found.rw || (superblock_look(t->fd, &now) >= 0 && !now.rw))
		return 0;
	err = superblock_make_ro(t->fd, &t->found);
	if (err != -EBUSY)
		return err;
	caches_drop(root_fd);
	return superblock_make_ro(t->fd, &t->found);
}

int restore_once(int root_fd, const struct target *targets, size_t n)
{
	int err = 0;

	for (size_t i = 0; i < n; i++) {
		int failed = restore(root_fd, &targets[i]);

		err = err < 0 ? err : failed;
	}
	/* Of one that is still writable, the kernel would let the writes through. */
	return err < 0 ? err : root_devices_set(root_fd, true);
}

/* SPDX-License-Identifier: MIT */
#include "layer/upper.h"

#include <stdint.h>

#include "basic/io.h"
#include "basic/mount-point.h"
#include "basic/text.h"

static int open_below(int root_fd, const char *path, const char *name)
{
	_cleanup_free_ char *relative = NULL;
	int err = text_format(&relative, "%s%s", path, name);

	return err < 0 ? err : open_dir_at(root_fd, relative);
}

/* In force with its changes in RAM, as its partition is not there? Returns: 1, 0 or -errno. */
static int is_volatile(int root_fd, const struct plan *p, const struct plan_overlay *o)
{
	return o->fallback != SIZE_MAX && o->conf->if_missing == IF_MISSING_VOLATILE ?
		       mount_point_exists(root_fd, p->runs[o->fallback].dir) :
		       0;
}

static int open_upper(int root_fd, const struct plan *p, const struct plan_overlay *o)
{
	_cleanup_free_ char *in_ram = NULL;
	int mounted = mount_point_exists(root_fd, o->merged), err;

	if (mounted > 0)
		return open_below(root_fd, o->layers, "/upper");
	if (mounted == 0)
		mounted = is_volatile(root_fd, p, o);
	if (mounted <= 0)
		return mounted < 0 ? mounted : -ENOENT;
	err = text_format(&in_ram, PLAN_RAM_LAYERS_DIR "%s", o->path);
	return err < 0 ? err : open_below(root_fd, in_ram, "/upper");
}

int upper_layer_open(int root_fd, const struct plan *p, const struct plan_overlay *o,
		     struct upper_layer *ret)
{
	_cleanup_close_ int upper = open_upper(root_fd, p, o), lower = -1;

	if (upper < 0)
		return upper;
	lower = open_below(root_fd, o->lower, "");
	if (lower < 0)
		return lower;

	*ret = (struct upper_layer){ o->path, TAKE_FD(upper), TAKE_FD(lower) };
	return 0;
}

void upper_layer_done(struct upper_layer *l)
{
	closep(&l->upper_fd);
	closep(&l->lower_fd);
	*l = (struct upper_layer){ NULL, -1, -1 };
}

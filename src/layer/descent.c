/* SPDX-License-Identifier: MIT */
#include "layer/descent.h"

#include <stdbool.h>
#include <sys/stat.h>

#include "basic/io.h"
#include "layer/step-up.h"

struct descent_frame {
	dev_t dev, to_dev;
	ino_t ino, to_ino;
	bool has_to;
};

void descent_done(struct descent *d)
{
	closep(&d->fd);
	closep(&d->to_fd);
	free(d->frames);
	*d = (struct descent)DESCENT_INIT;
}

static int frame_of(int fd, int to_fd, struct descent_frame *ret)
{
	struct stat st, to = { 0 };

	if (fstat(fd, &st) < 0 || (to_fd >= 0 && fstat(to_fd, &to) < 0))
		return -errno;
	*ret = (struct descent_frame){ st.st_dev, to.st_dev, st.st_ino, to.st_ino, to_fd >= 0 };
	return 0;
}

int descent_enter(struct descent *d, int fd, const char *name, int to_fd)
{
	_cleanup_close_ int in = fd >= 0 ? fd : open_dir_at(d->fd, name), beside = to_fd;
	struct descent_frame f = { 0 };
	int err = in < 0 ? in : frame_of(in, beside, &f);

	if (err < 0)
		return err;
	if (d->n > 0 && f.dev != d->frames[d->n - 1].dev)
		return -EXDEV;
	if (array_reserve(d->frames, d->n) < 0)
		return -ENOMEM;
	d->frames[d->n++] = f;
	closep(&d->fd);
	closep(&d->to_fd);
	d->fd = TAKE_FD(in);
	d->to_fd = TAKE_FD(beside);
	return 0;
}

static struct descent_frame *frame_above(const struct descent *d)
{
	return d->n > 1 ? &d->frames[d->n - 2] : NULL;
}

/* The directory is left; the one beside it is not. */
static int leave_beside(struct descent *d)
{
	const struct descent_frame *above = frame_above(d);
	int err = 0;

	if (above && above->has_to)
		err = step_up(&d->to_fd, above->to_dev, above->to_ino);
	if (err < 0)
		return err;
	if (!above || !above->has_to) {
		closep(&d->to_fd);
		d->to_fd = -1;
	}
	d->n--;
	return 0;
}

int descent_leave(struct descent *d)
{
	const struct descent_frame *above = frame_above(d);
	int err = above && d->fd < 0 ? -ESTALE : 0;

	if (above && err >= 0)
		err = step_up(&d->fd, above->dev, above->ino);
	if (err < 0)
		return err;
	if (!above) {
		closep(&d->fd);
		d->fd = -1;
	}
	return leave_beside(d);
}

int descent_return(struct descent *d, int fd)
{
	const struct descent_frame *above = frame_above(d);
	_cleanup_close_ int found = fd;
	struct stat st;
	int err;

	closep(&d->fd);
	d->fd = -1;
	if (found >= 0 && fstat(found, &st) == 0 && above && st.st_dev == above->dev &&
	    st.st_ino == above->ino)
		d->fd = TAKE_FD(found);
	err = leave_beside(d);
	return err < 0 ? err : d->fd >= 0;
}

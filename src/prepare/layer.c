/* SPDX-License-Identifier: MIT */
#include "prepare/layer.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>

#include "basic/io.h"
#include "basic/overlay-attributes.h"
#include "basic/text.h"
#include "layer/attributes.h"
#include "layer/compare.h"
#include "prepare/machine-id.h"
#include "prepare/pool.h"
#include "prepare/updated.h"
#include "system/log.h"

struct layers layers_declared(const struct plan_overlay *o)
{
	return (struct layers){ o->layers, o->merged, o->on_partition };
}

/* The layers of one overlay while they are made. */
struct making {
	int root_fd;
	const struct plan *plan;
	const struct plan_overlay *overlay;
	int lower_fd, upper_fd;
};

/* One directory of a StartEmpty= path in the upper, with the attributes of the same one in the lower. */
static int mirror_dir(int lower_fd, int upper_fd, const char *relative)
{
	_cleanup_close_ int to = -1, from = -1;
	struct stat st;
	int err;

	if (fstatat(upper_fd, relative, &st, AT_SYMLINK_NOFOLLOW) == 0)
		return S_ISDIR(st.st_mode) ? 0 : -ENOTDIR;

	from = lower_fd < 0 ? -ENOENT : open_dir_at(lower_fd, relative);
	if (from < 0 && from != -ENOENT)
		return from;
	to = make_dir_at(upper_fd, relative, 0700);
	if (to < 0)
		return to;
	err = from >= 0 ? attributes_copy(from, to) : fchmod(to, 0755) < 0 ? -errno : 0;
	/* It would hide the one in the lower, whose attributes it lacks. */
	if (err < 0)
		unlinkat(upper_fd, relative, AT_REMOVEDIR);
	return err;
}

/*
 * Opaque: nothing of the lower directory shows through (Documentation/filesystems/overlayfs.rst,
 * "whiteouts and opaque directories").
 */
static int make_opaque(int upper_fd, const char *relative)
{
	_cleanup_close_ int fd = open_dir_at(upper_fd, relative);

	if (fd < 0)
		return fd;
	return fsetxattr(fd, OVERLAY_ATTRIBUTE_OPAQUE, "y", 1, 0) < 0 ? -errno : 0;
}

/* mirror_dir() for the directories above @path. */
static int mirror_parents(int lower_fd, int upper_fd, char *path)
{
	for (char *slash = strchr(path, '/'); slash; slash = strchr(slash + 1, '/')) {
		int err;

		*slash = '\0';
		err = mirror_dir(lower_fd, upper_fd, path);
		*slash = '/';
		if (err < 0)
			return err;
	}
	return 0;
}

static int start_empty(int lower_fd, int upper_fd, const char *relative)
{
	_cleanup_free_ char *path = strdup(relative);
	int err;

	if (!path)
		return -ENOMEM;

	err = mirror_parents(lower_fd, upper_fd, path);
	if (err >= 0)
		err = mirror_dir(lower_fd, upper_fd, path);
	return err < 0 ? err : make_opaque(upper_fd, path);
}

/* Returns 1, having logged it, if a directory could not be made empty: the overlay is still usable. */
static int start_all_empty(const struct plan_overlay *o, int lower_fd, int upper_fd)
{
	int left_out = 0;

	for (size_t i = 0; i < o->n_start_empty; i++) {
		const char *path = o->start_empty[i];
		int err = start_empty(lower_fd, upper_fd, path + strlen(o->path) + 1);

		if (err < 0) {
			log_error(err, "StartEmpty=%s of the overlay on %s: %s", path, o->path,
				  strerror(-err));
			left_out = 1;
		}
	}
	return left_out;
}

/* Does an opaque directory of the upper, above @path, hide what the lower has there? */
static int is_hidden(int upper_fd, char *path)
{
	for (char *slash = strchr(path, '/'); slash; slash = strchr(slash + 1, '/')) {
		_cleanup_close_ int fd = -1;
		int opaque;

		*slash = '\0';
		fd = open_dir_at(upper_fd, path);
		*slash = '/';
		if (fd < 0)
			return fd == -ENOENT ? 0 : fd;
		opaque = compare_opaque(fd);
		if (opaque != 0)
			return opaque;
	}
	return 0;
}

/* Does the lower show through in a StartEmpty= directory? Then an earlier run could not make it. */
static int check_starts_empty(int upper_fd, const char *relative)
{
	_cleanup_free_ char *path = NULL;
	int err = text_format(&path, "%s/", relative);

	if (err >= 0)
		err = is_hidden(upper_fd, path);
	if (err < 0)
		return err == -ENOTDIR ? 0 : err; /* it has been deleted */
	return err ? 0 : -ENOTEMPTY;
}

/* Returns 1, having logged it, if one is not empty: nothing is changed in layers that are mounted. */
static int check_all_start_empty(const struct plan_overlay *o, int upper_fd)
{
	int left_out = 0;

	for (size_t i = 0; i < o->n_start_empty; i++) {
		const char *path = o->start_empty[i];
		int err = check_starts_empty(upper_fd, path + strlen(o->path) + 1);

		if (err < 0)
			left_out = log_error(1, "StartEmpty=%s of the overlay on %s: %s", path,
					     o->path, strerror(-err));
	}
	return left_out;
}

static int make_file_at(int lower_fd, int upper_fd, char *path)
{
	_cleanup_close_ int fd = -1;
	struct stat st;
	int hidden, err;

	if (fstatat(upper_fd, path, &st, AT_SYMLINK_NOFOLLOW) == 0)
		return S_ISREG(st.st_mode) ? 0 : -EISDIR;
	hidden = is_hidden(upper_fd, path);
	if (hidden < 0)
		return hidden;
	if (!hidden && fstatat(lower_fd, path, &st, AT_SYMLINK_NOFOLLOW) == 0)
		return S_ISREG(st.st_mode) ? 0 : -EISDIR;

	err = mirror_parents(lower_fd, upper_fd, path);
	if (err < 0)
		return err;
	fd = openat(upper_fd, path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
	return fd < 0 ? -errno : 0;
}

/* Is the mount point of this persist in the overlay? */
static bool is_file_in(const struct making *m, const struct plan_persist *p)
{
	return p->overlay == (size_t)(m->overlay - m->plan->overlays);
}

static int make_file_mount_point(const struct making *m, const struct plan_persist *p)
{
	_cleanup_free_ char *path = strdup(p->path + strlen(m->overlay->path) + 1);

	return path ? make_file_at(m->lower_fd, m->upper_fd, path) : -ENOMEM;
}

/* Returns 1, having logged it, if one could not be made. */
static int make_file_mount_points(const struct making *m)
{
	int left_out = 0;

	for (size_t i = 0; i < m->plan->n_persists; i++) {
		const struct plan_persist *p = &m->plan->persists[i];
		int err = is_file_in(m, p) ? make_file_mount_point(m, p) : 0;

		if (err < 0) {
			log_error(err, "%s: cannot create the file to mount on: %s", p->path,
				  strerror(-err));
			left_out = 1;
		}
	}
	return left_out;
}

static bool is_etc(const struct making *m)
{
	return strcmp(m->overlay->path, "/etc") == 0;
}

static int make_machine_id(const struct making *m)
{
	int err = machine_id_make(m->root_fd, m->lower_fd, m->upper_fd);

	if (err < 0)
		return log_error(err, "/etc: cannot write machine-id to the upper layer: %s",
				 strerror(-err));
	return 0;
}

/* The files that the system itself needs in the upper of /etc and /var. */
static int make_system_files(const struct making *m)
{
	const char *path = m->overlay->path;
	int err;

	if (!is_etc(m) && strcmp(path, "/var") != 0)
		return 0;
	err = updated_make(m->root_fd, m->lower_fd, m->upper_fd);
	if (err < 0)
		return log_error(err, "%s: cannot write .updated to the upper layer: %s", path,
				 strerror(-err));
	return is_etc(m) ? make_machine_id(m) : 0;
}

static int fill_upper(const struct making *m)
{
	char text[FAILURE_TEXT_MAX];
	struct failure f = { 0 };
	int err, left_out;

	left_out = start_all_empty(m->overlay, m->lower_fd, m->upper_fd);
	left_out |= make_file_mount_points(m);
	err = make_system_files(m);
	if (err < 0)
		return err;

	/* Last, as what is made in it changes its time. */
	err = attributes_copy_noting(m->lower_fd, m->upper_fd, &f);
	if (err < 0)
		return log_error(err, "%s: cannot %s the upper directory: %s", m->overlay->path,
				 failure_text(&f, text), failure_reason(&f, err));
	return left_out;
}

static int make_layers(const struct making *m, const struct layers *l, int dir_fd)
{
	int left_out = fill_upper(m);

	if (left_out < 0)
		return left_out;
	if (mkdirat(dir_fd, "work", 0700) < 0)
		return log_error(-errno, "cannot create %s/work: %s", l->dir, strerror(errno));
	return left_out;
}

/*
 * Layers on a partition may be older than this boot, and than the declaration of a persist. An
 * overlay without the ID of this boot is still usable.
 */
static int renew_layers(const struct making *m, const struct layers *l)
{
	int no_id = l->kept && is_etc(m) && make_machine_id(m) < 0;
	int left_out = make_file_mount_points(m);

	if (!l->kept)
		left_out |= check_all_start_empty(m->overlay, m->upper_fd);
	return left_out || no_id;
}

int layer_prepare_in(int root_fd, const struct plan *p, const struct plan_overlay *o,
		     const struct layers *l)
{
	_cleanup_close_ int dir_fd = -1, lower_fd = -1, upper_fd = -1;
	struct making m;
	struct stat st;

	if (pool_check_layers(root_fd, p, o, l) < 0)
		return -ENODEV;
	dir_fd = make_path(root_fd, l->dir, 0700);
	if (dir_fd < 0)
		return log_error(dir_fd, "cannot create %s: %s", l->dir, strerror(-dir_fd));
	lower_fd = open_dir_at(root_fd, o->lower);
	if (lower_fd < 0)
		return log_error(lower_fd, "%s: cannot open the lower %s: %s", o->path, o->lower,
				 strerror(-lower_fd));
	upper_fd = make_dir_at(dir_fd, "upper", 0700);
	if (upper_fd < 0)
		return log_error(upper_fd, "cannot create %s/upper: %s", l->dir,
				 strerror(-upper_fd));

	m = (struct making){ root_fd, p, o, lower_fd, upper_fd };
	if (fstatat(dir_fd, "work", &st, AT_SYMLINK_NOFOLLOW) == 0)
		return renew_layers(&m, l);
	return make_layers(&m, l, dir_fd);
}

int layer_prepare(int root_fd, const struct plan *p, const struct plan_overlay *o)
{
	struct layers l = layers_declared(o);

	return layer_prepare_in(root_fd, p, o, &l);
}

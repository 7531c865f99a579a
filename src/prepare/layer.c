/* SPDX-License-Identifier: MIT */
#include "prepare/layer.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>

#include "basic/beneath.h"
#include "basic/io.h"
#include "basic/mount-point.h"
#include "basic/overlay-attributes.h"
#include "basic/text.h"
#include "layer/attributes.h"
#include "layer/change.h"
#include "layer/compare.h"
#include "layer/copy-tree.h"
#include "layer/made-by-rofs.h"
#include "prepare/machine-id.h"
#include "prepare/mount-point-mode.h"
#include "prepare/owner.h"
#include "prepare/pool.h"
#include "prepare/prepared.h"
#include "prepare/told.h"
#include "layer/updated.h"
#include "transaction/hide.h"
#include "transaction/window.h"
#include "trust/kept-layers.h"

struct layers layers_declared(const struct plan_overlay *o)
{
	return (struct layers){ o->layers, o->merged, o->on_partition };
}

/* The layers of one overlay while they are made. */
struct making {
	int root_fd;
	const struct plan *plan;
	const struct plan_overlay *overlay;
	int dir_fd, lower_fd, upper_fd;
	char *why; /* the last step has failed, where strerror(3) does not say enough; owned */
};

static void making_done(struct making *m)
{
	free(m->why);
}

/* Keeps why a step has failed, for the message about what is missing then. Returns: @err. */
static int keep_why(struct making *m, int err, const struct failure *f, const char *relative)
{
	char text[FAILURE_TEXT_MAX], *why = NULL;

	text_format(&why, "cannot %s %s: %s", failure_text(f, text), relative,
		    failure_reason(f, err));
	free(m->why);
	m->why = why;
	return err;
}

/* The words for @err, which are used up. */
static const char *take_why(struct making *m, int err, char **ret)
{
	*ret = TAKE_PTR(m->why);
	return *ret ? *ret : strerror(-err);
}

/* lstat() of a path in the lower or the upper, through no link. Returns: 0 or -errno. */
static int look_at(int dir_fd, const char *path, struct stat *ret)
{
	_cleanup_close_ int parent_fd = -1;
	const char *name;

	parent_fd = open_parent_beneath(dir_fd, path, &name);
	if (parent_fd < 0)
		return parent_fd;
	return fstatat(parent_fd, name, ret, AT_SYMLINK_NOFOLLOW) < 0 ? -errno : 0;
}

static int open_dir_beneath(int dir_fd, const char *path)
{
	return open_beneath(dir_fd, path, O_RDONLY | O_DIRECTORY);
}

static int make_dir_beneath(int dir_fd, const char *path, mode_t mode)
{
	_cleanup_close_ int parent_fd = -1;
	const char *name;

	parent_fd = open_parent_beneath(dir_fd, path, &name);
	return parent_fd < 0 ? parent_fd : make_dir_at(parent_fd, name, mode);
}

/* Of a file, or of a directory with AT_REMOVEDIR. */
static int unlink_beneath(int dir_fd, const char *path, int flags)
{
	_cleanup_close_ int parent_fd = -1;
	const char *name;

	parent_fd = open_parent_beneath(dir_fd, path, &name);
	if (parent_fd < 0)
		return parent_fd;
	return unlinkat(parent_fd, name, flags) < 0 ? -errno : 0;
}

/*
 * Opaque: nothing of the lower directory shows through (Documentation/filesystems/overlayfs.rst,
 * "whiteouts and opaque directories").
 */
static int set_opaque(int fd, struct failure *f)
{
	if (fsetxattr(fd, OVERLAY_ATTRIBUTE_OPAQUE, "y", 1, 0) < 0)
		return failure_note_attribute(f, "set attribute", OVERLAY_ATTRIBUTE_OPAQUE);
	return 0;
}

/* The mode of a directory that the lower does not have. Returns: 0 or -ENOMEM. */
static int find_mode(const struct making *m, const char *relative, mode_t *ret)
{
	_cleanup_free_ char *path = NULL;
	int err = text_format(&path, "%s/%s", m->overlay->path, relative);

	*ret = err < 0 ? 0 : mount_point_mode(path, strlen(path));
	return err;
}

/* @from_fd: the same directory in the lower; negative: there is none, and it gets @mode. */
static int fill_dir(int from_fd, int to_fd, mode_t mode, bool opaque, struct failure *f)
{
	int err = 0;

	if (from_fd >= 0)
		err = attributes_copy(from_fd, to_fd, f);
	else if (fchmod(to_fd, mode) < 0)
		err = failure_note(f, "set the mode of");
	return err >= 0 && opaque ? set_opaque(to_fd, f) : err;
}

/*
 * One directory of a StartEmpty= path in the upper, with the attributes of the same one in the lower.
 * What has been deleted comes back without its content.
 */
static int mirror_dir(struct making *m, const char *relative)
{
	_cleanup_close_ int to = -1, from = -1;
	struct failure f = { .action = "open" };
	struct stat st;
	bool deleted = false;
	mode_t mode;
	int err;

	if (look_at(m->upper_fd, relative, &st) == 0 && !(deleted = change_is_whiteout(&st)))
		return S_ISDIR(st.st_mode) ? 0 : keep_why(m, -ENOTDIR, &f, relative);

	from = open_dir_beneath(m->lower_fd, relative);
	if (from < 0 && from != -ENOENT)
		return keep_why(m, from, &f, relative);
	f.action = FAILURE_CREATE;
	err = find_mode(m, relative, &mode);
	if (err >= 0 && deleted)
		err = unlink_beneath(m->upper_fd, relative, 0);
	to = err < 0 ? err : make_dir_beneath(m->upper_fd, relative, 0700);
	if (to < 0)
		return keep_why(m, to, &f, relative);
	err = fill_dir(from, to, mode, deleted, &f);
	if (err >= 0)
		return 0;
	/* It would hide the one in the lower, whose attributes it lacks. */
	unlink_beneath(m->upper_fd, relative, AT_REMOVEDIR);
	return keep_why(m, err, &f, relative);
}

static int make_opaque(struct making *m, int dir_fd, const char *relative)
{
	_cleanup_close_ int fd = open_dir_beneath(dir_fd, relative);
	struct failure f = { 0 };
	int err = fd < 0 ? fd : set_opaque(fd, &f);

	return err < 0 && fd >= 0 ? keep_why(m, err, &f, relative) : err;
}

/* mirror_dir() for the directories above @path. */
static int mirror_parents(struct making *m, char *path)
{
	for (char *slash = strchr(path, '/'); slash; slash = strchr(slash + 1, '/')) {
		int err;

		*slash = '\0';
		err = mirror_dir(m, path);
		*slash = '/';
		if (err < 0)
			return err;
	}
	return 0;
}

static int start_empty(struct making *m, const char *relative)
{
	_cleanup_free_ char *path = strdup(relative);
	int err;

	if (!path)
		return -ENOMEM;

	err = mirror_parents(m, path);
	if (err >= 0)
		err = mirror_dir(m, path);
	return err < 0 ? err : make_opaque(m, m->upper_fd, path);
}

/* Returns 1, having logged it, if a directory could not be made empty: the overlay is still usable. */
static int start_all_empty(struct making *m)
{
	const struct plan_overlay *o = m->overlay;
	int left_out = 0;

	for (size_t i = 0; i < o->n_start_empty; i++) {
		const char *path = o->start_empty[i];
		_cleanup_free_ char *why = NULL;
		int err = start_empty(m, path + strlen(o->path) + 1);

		if (err < 0)
			left_out = log_error(1, "StartEmpty=%s of the overlay on %s: %s", path,
					     o->path, take_why(m, err, &why));
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
		fd = open_dir_beneath(upper_fd, path);
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

/* What the merged directory has at @path. Returns: 1 and its mode, 0 if nothing, or -errno. */
static int find_merged(const struct making *m, char *path, mode_t *ret)
{
	struct stat st;
	int err = look_at(m->upper_fd, path, &st);

	/* Deleted, or below what is: mirror_parents() tells that from a file. */
	if (err == -ENOTDIR || (err >= 0 && change_is_whiteout(&st)))
		return 0;
	if (err == -ENOENT) {
		int hidden = is_hidden(m->upper_fd, path);

		if (hidden != 0)
			return hidden < 0 ? hidden : 0;
		err = look_at(m->lower_fd, path, &st);
	}
	if (err < 0)
		return err == -ENOENT ? 0 : err;
	*ret = st.st_mode;
	return 1;
}

/* In the directory of the layers, so that a power cut leaves none with another mode or owner. */
static int make_new(struct making *m, const struct plan_persist *p)
{
	bool is_file = p->conf->kind == PERSIST_FILE;
	struct wanted w = { .root_fd = m->root_fd,
			    .plan = m->plan,
			    .persist = p,
			    .name = strrchr(p->path, '/') + 1 };
	_cleanup_close_ int fd = -1;
	struct failure f = { 0 };
	int err = copy_tree_remove(m->dir_fd, CONF_RESERVED_NAME);

	if (err < 0)
		return err;
	if (!is_file && mkdirat(m->dir_fd, CONF_RESERVED_NAME, 0700) < 0)
		return -errno;
	fd = openat(m->dir_fd, CONF_RESERVED_NAME,
		    (is_file ? O_WRONLY | O_CREAT | O_EXCL : O_RDONLY | O_DIRECTORY) | O_NOFOLLOW |
			    O_CLOEXEC,
		    0600);
	if (fd < 0)
		return -errno;
	if (p->conf->if_missing == IF_MISSING_VOLATILE)
		return owner_set(&w, fd, false);
	err = attributes_plain(fd, 0644, &f); /* nobody writes to it: it is guarded */
	return err < 0 ? keep_why(m, err, &f, w.name) : 0;
}

static int put_in_place(struct making *m, int parent_fd, const char *name, bool is_dir)
{
	struct stat st;
	int err = 0;

	/* A file takes the place of a whiteout by itself. */
	if (is_dir && fstatat(parent_fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
	    change_is_whiteout(&st)) {
		err = make_opaque(m, m->dir_fd, CONF_RESERVED_NAME);
		if (err >= 0 && unlinkat(parent_fd, name, 0) < 0)
			err = -errno;
	}
	if (err >= 0 && renameat(m->dir_fd, CONF_RESERVED_NAME, parent_fd, name) < 0)
		err = -errno;
	return err;
}

static int make_at(struct making *m, const struct plan_persist *p, char *path)
{
	_cleanup_close_ int parent_fd = -1;
	const char *name;
	mode_t mode;
	int err = find_merged(m, path, &mode);

	if (err < 0)
		return err;
	if (err > 0 && p->conf->kind == PERSIST_FILE)
		return S_ISREG(mode) ? 0 : -EISDIR;
	if (err > 0)
		return S_ISDIR(mode) ? 0 : -ENOTDIR;

	err = mirror_parents(m, path);
	if (err < 0)
		return err;
	parent_fd = open_parent_beneath(m->upper_fd, path, &name);
	if (parent_fd < 0)
		return parent_fd;
	err = make_new(m, p);
	if (err >= 0)
		err = put_in_place(m, parent_fd, name, p->conf->kind != PERSIST_FILE);
	if (err < 0)
		copy_tree_remove(m->dir_fd, CONF_RESERVED_NAME);
	return err;
}

/* Is the mount point of this persist made in the overlay? */
static bool is_made_in(const struct making *m, const struct plan_persist *p)
{
	return p->overlay == (size_t)(m->overlay - m->plan->overlays);
}

static int make_mount_point_of(struct making *m, const struct plan_persist *p)
{
	_cleanup_free_ char *path = strdup(p->path + strlen(m->overlay->path) + 1);

	return path ? make_at(m, p, path) : -ENOMEM;
}

/* Returns 1, having logged it, if one could not be made. */
static int make_mount_points(struct making *m)
{
	int left_out = 0;

	for (size_t i = 0; i < m->plan->n_persists; i++) {
		const struct plan_persist *p = &m->plan->persists[i];
		_cleanup_free_ char *why = NULL;
		int err = is_made_in(m, p) ? make_mount_point_of(m, p) : 0;

		if (err < 0) {
			tell(err, "%s: cannot create the %s to mount on: %s", p->path,
			     persist_kind_to_string(p->conf->kind), take_why(m, err, &why));
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

/* Users of a lower that is a file system of its own must not see what commits leave on it. */
static int hide_transactions(struct making *m)
{
	int err;

	if (!made_by_transactions(m->lower_fd, WINDOW_OTHER_DIR))
		return 0;
	err = hide_in_upper(m->upper_fd);
	return err < 0 ? log_error(1, "%s: cannot hide " WINDOW_OTHER_DIR ": %s", m->overlay->path,
				   strerror(-err)) :
			 0;
}

static int fill_upper(struct making *m)
{
	char text[FAILURE_TEXT_MAX];
	struct failure f = { 0 };
	int err, left_out;

	left_out = start_all_empty(m);
	left_out |= make_mount_points(m);
	left_out |= hide_transactions(m);
	err = make_system_files(m);
	if (err < 0)
		return err;

	/* Last, as what is made in it changes its time. */
	err = attributes_copy(m->lower_fd, m->upper_fd, &f);
	if (err < 0)
		return log_error(err, "%s: cannot %s the upper directory: %s", m->overlay->path,
				 failure_text(&f, text), failure_reason(&f, err));
	return left_out;
}

static int make_layers(struct making *m, const struct layers *l, int dir_fd)
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
static int renew_layers(struct making *m, const struct layers *l)
{
	int no_id = l->kept && is_etc(m) && make_machine_id(m) < 0;
	int left_out = make_mount_points(m);

	if (!l->kept)
		left_out |= check_all_start_empty(m->overlay, m->upper_fd);
	return left_out || no_id;
}

/* Opens the directory of upper and work, which is made if it is missing. */
static int open_layers(int root_fd, const struct plan *p, const struct plan_overlay *o,
		       const struct layers *l)
{
	_cleanup_way_ struct way way = { 0 };
	_cleanup_close_ int fd = -1;
	int err;

	if (!l->kept)
		return make_path(root_fd, l->dir, 0700);
	err = way_to_layers(root_fd, p, o, &way);
	fd = err < 0 ? err : way_open(&way, 0700);
	err = fd < 0 ? fd : kept_layers_check(&way, fd, l->dir);
	return err < 0 ? tell_refusal(&way, err) : TAKE_FD(fd);
}

/* Else its empty mount point would be taken for it. */
static int check_lower_is_mounted(int root_fd, const struct plan *p, const struct plan_overlay *o)
{
	const char *where = o->lower_is_root ? NULL : p->lowers[o->lower_mount].where;

	if (!where || mount_point_at(root_fd, where))
		return 0;
	return tell(-ENOENT, "%s: there is no lower, since %s is not mounted", o->path, where);
}

static int open_lower(int root_fd, const struct plan *p, const struct plan_overlay *o)
{
	int fd = check_lower_is_mounted(root_fd, p, o);

	if (fd < 0)
		return fd;
	fd = open_dir_beneath(root_fd, o->lower);
	if (fd >= 0)
		return fd;
	return tell(tell_link(o->path, root_fd, o->lower, fd), "%s: cannot open the lower %s: %s",
		    o->path, o->lower, strerror(-fd));
}

/*
 * Whoever starts over may remove the upper only. Without work, which is made last, a new one counts as
 * unfinished, and gets the attributes of the lower.
 */
static int open_upper(const struct layers *l, int dir_fd)
{
	struct stat st;
	int fd, err = 0;

	if (fstatat(dir_fd, "upper", &st, AT_SYMLINK_NOFOLLOW) < 0 && errno == ENOENT)
		err = copy_tree_remove(dir_fd, "work");
	if (err < 0)
		return log_error(err, "cannot remove %s/work: %s", l->dir, strerror(-err));
	fd = make_dir_at(dir_fd, "upper", 0700);
	if (fd < 0)
		log_error(fd, "cannot create %s/upper: %s", l->dir, strerror(-fd));
	return fd;
}

int layer_prepare_in(int root_fd, const struct plan *p, const struct plan_overlay *o,
		     const struct layers *l, int *ret_lower_fd)
{
	_cleanup_close_ int dir_fd = -1, lower_fd = -1, upper_fd = -1;
	_cleanup_(making_done) struct making m = { .why = NULL };
	struct stat st;
	int left_out;

	if (pool_check_layers(root_fd, p, o, l) < 0)
		return -ENODEV;
	lower_fd = open_lower(root_fd, p, o);
	if (lower_fd < 0)
		return lower_fd;
	dir_fd = open_layers(root_fd, p, o, l);
	if (dir_fd < 0)
		return tell(dir_fd, "cannot create %s: %s", l->dir, strerror(-dir_fd));
	upper_fd = open_upper(l, dir_fd);
	if (upper_fd < 0)
		return upper_fd;

	m = (struct making){ root_fd, p, o, dir_fd, lower_fd, upper_fd, NULL };
	if (fstatat(dir_fd, "work", &st, AT_SYMLINK_NOFOLLOW) == 0)
		left_out = renew_layers(&m, l);
	else
		left_out = make_layers(&m, l, dir_fd);
	if (left_out >= 0)
		*ret_lower_fd = TAKE_FD(lower_fd);
	return left_out;
}

static int mark(int root_fd, const struct plan_overlay *o, int (*change)(int, const char *))
{
	int err = o->early ? 0 : change(root_fd, o->merged_unit);

	return err < 0 ? log_error(err, "%s: cannot write to " PLAN_PREPARED_DIR ": %s", o->path,
				   strerror(-err)) :
			 0;
}

int layer_refuse(int root_fd, const struct plan_overlay *o)
{
	return mark(root_fd, o, prepared_clear);
}

int layer_prepare(int root_fd, const struct plan *p, const struct plan_overlay *o,
		  int *ret_lower_fd)
{
	_cleanup_close_ int lower_fd = -1;
	struct layers l = layers_declared(o);
	int err = mark(root_fd, o, prepared_clear), left_out;

	if (err < 0)
		return err;
	left_out = layer_prepare_in(root_fd, p, o, &l, &lower_fd);
	if (left_out < 0)
		return left_out;
	/* The unit takes the layers by name, with or without this run: only what was found good. */
	err = mark(root_fd, o, prepared_mark);
	if (err < 0)
		return err;
	*ret_lower_fd = TAKE_FD(lower_fd);
	return left_out;
}

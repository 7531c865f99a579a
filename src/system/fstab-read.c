/* SPDX-License-Identifier: MIT */
#include "system/fstab-read.h"

#include <mntent.h>
#include <string.h>

#include "basic/path.h"
#include "basic/text.h"
#include "plan/bootmode.h"
#include "plan/fstab.h"

#define FSTAB_MAX      ((size_t)1024 * 1024) /* bytes */
#define PASSES_MAX     8u    /* links to links below mount points of fstab; nobody has more */
#define FSTAB_LINE_MAX 4096u /* bytes of a line with its NUL; getmntent(3), which systemd uses */

void mount_points_done(struct mount_points *m)
{
	path_set_done(&m->all);
	path_set_done(&m->late);
}

static int add_entry(const struct mntent *m, unsigned line, struct facts *f)
{
	struct fstab_entry e = { .freq = m->mnt_freq, .passno = m->mnt_passno, .line = line };
	int err;

	err = array_reserve(f->fstab, f->n_fstab);
	if (err < 0)
		return err;

	e.dir = strdup(m->mnt_dir);
	e.spec = strdup(m->mnt_fsname);
	e.type = strdup(m->mnt_type);
	e.options = strdup(m->mnt_opts);
	/* Also after a failure, so that facts_done() frees it. */
	f->fstab[f->n_fstab++] = e;
	if (!e.dir || !e.spec || !e.type || !e.options)
		return -ENOMEM;
	path_clean(e.dir);
	return 0;
}

/* How many lines end before @end, of which @text has been counted up to @at. */
static unsigned count_lines(const char *text, size_t *at, size_t end)
{
	unsigned n = 0;

	for (; *at < end; ++*at)
		n += text[*at] == '\n';
	return n;
}

static void check_line(const char *line, size_t n, struct pos pos, struct diag *d)
{
	_Static_assert(FSTAB_LINE_MAX == 4096u, "the message names the limit");

	if (memchr(line, '\0', n))
		diag_error(d, pos,
			   "NUL byte in the line; it hides what follows it, and the line below");
	else if (n >= FSTAB_LINE_MAX && line[strspn(line, " \t")] != '#')
		diag_error(d, pos, "line longer than 4095 bytes; what follows these is ignored");
}

/* What getmntent_r() passes over in silence. @text: ends in a NUL. */
static void check_lines(const char *text, size_t len, struct diag *d)
{
	struct pos pos = { .file = FSTAB_PATH };
	const char *end = text + len;

	while (text < end) {
		const char *newline = memchr(text, '\n', (size_t)(end - text));
		const char *stop = newline ? newline : end;

		pos.line++;
		check_line(text, (size_t)(stop - text), pos, d);
		text = stop + 1;
	}
}

/* *@ret: NULL if there is none, or nothing in it; a link to /dev/null says the same. */
static int read_fstab(const struct rootfs *r, struct diag *d, char **ret, size_t *ret_len)
{
	int err;

	*ret = NULL;
	if (rootfs_is_masked(r, FSTAB_PATH))
		return 0;
	err = rootfs_read(r, FSTAB_PATH, FSTAB_MAX, ret, ret_len);
	if (err == -ENOMEM)
		return err;
	if (err == -ENOENT && !rootfs_has(r, "/etc", "fstab"))
		return 0;
	if (err < 0)
		diag_error(d, (struct pos){ .file = FSTAB_PATH }, "cannot be read: %s",
			   rootfs_explain(err));
	return 0;
}

static int read_lines(const struct rootfs *r, struct diag *d, struct facts *f)
{
	_cleanup_fclose_ FILE *stream = NULL;
	_cleanup_free_ char *text = NULL;
	char line[FSTAB_LINE_MAX];
	struct mntent m = { 0 };
	size_t len = 0, at = 0;
	unsigned n = 0;
	int err;

	err = read_fstab(r, d, &text, &len);
	if (err < 0 || len == 0)
		return err;

	check_lines(text, len, d);
	stream = fmemopen(text, len, "r");
	if (!stream)
		return -ENOMEM;
	while (getmntent_r(stream, &m, line, sizeof(line))) {
		n += count_lines(text, &at, (size_t)ftell(stream));
		err = add_entry(&m, at > 0 && text[at - 1] == '\n' ? n : n + 1, f);
		if (err < 0)
			return err;
		/* glibc leaves the last two fields unchanged if the line ends before them. */
		m = (struct mntent){ 0 };
	}
	return 0;
}

static size_t depth(const char *path)
{
	size_t n = 0;

	for (; *path; path++)
		n += *path == '/';
	return n;
}

/* Mount points come before those below them, and the lines of one mount point stay in order. */
static int compare_depth(const void *a, const void *b)
{
	const struct fstab_entry *x = *(const struct fstab_entry *const *)a,
				 *y = *(const struct fstab_entry *const *)b;
	size_t n = depth(x->dir), m = depth(y->dir);

	return n != m ? (n < m ? -1 : 1) : (x < y ? -1 : x > y);
}

/*
 * /etc has fstab itself: if that mounts another one there, the first is what the boot goes by. The
 * initramfs has mounted /usr before.
 */
static bool is_read_early(const struct fstab_entry *e)
{
	return fstab_is_initrd(e) || strcmp(e->dir, "/etc") == 0;
}

static bool is_on_a_path(const struct fstab_entry *e)
{
	return e->dir[0] == '/' && !fstab_is_swap(e);
}

int mount_points_add(struct mount_points *m, const struct fstab_entry *e)
{
	int err;

	/* The root is where reading begins; systemd has mounted /run and /proc before. */
	if (!is_on_a_path(e) || !e->dir[1] || path_is_api(e->dir))
		return 0;
	err = path_set_add(&m->all, e->dir);
	return err < 0 || is_read_early(e) ? err : path_set_add(&m->late, e->dir);
}

/* An entry whose mount point is behind a link, and how fstab names that. */
struct linked {
	struct fstab_entry *entry;
	char *written;
};

struct linked_entries {
	struct linked *list;
	size_t n;
};

static void linked_entries_done(struct linked_entries *l)
{
	for (size_t i = 0; i < l->n; i++)
		free(l->list[i].written);
	free(l->list);
}

/* Where systemd sees @path at boot: without links. It stays as it is where that cannot be known. */
static int resolve(const struct rootfs *r, const struct mount_points *m, const char *path,
		   char **ret)
{
	int err = rootfs_resolve_up_to(r, path, &m->all, ret);

	if (err >= 0 || err == -ENOMEM)
		return err < 0 ? err : 0;
	*ret = strdup(path);
	return *ret ? 0 : -ENOMEM;
}

/* Those that lead through no link are where they are written, whatever else is mounted. */
static int resolve_first(const struct rootfs *r, struct fstab_entry *e, struct mount_points *m,
			 struct linked_entries *linked)
{
	_cleanup_free_ char *resolved = NULL;
	int err;

	if (!is_on_a_path(e))
		return 0;
	err = rootfs_resolve_up_to(r, e->dir, &m->all, &resolved);
	if (err == -ENOMEM)
		return err;
	if (err >= 0 && strcmp(resolved, e->dir) == 0)
		return mount_points_add(m, e);
	err = array_reserve(linked->list, linked->n);
	if (err < 0)
		return err;
	linked->list[linked->n] = (struct linked){ e, strdup(e->dir) };
	return linked->list[linked->n++].written ? 0 : -ENOMEM;
}

/* Returns 1 if one of them turns out to be elsewhere. */
static int resolve_again(const struct rootfs *r, const struct linked_entries *linked,
			 const struct mount_points *m)
{
	int changed = 0;

	for (size_t i = 0; i < linked->n; i++) {
		struct fstab_entry *e = linked->list[i].entry;
		char *resolved;

		if (resolve(r, m, linked->list[i].written, &resolved) < 0)
			return -ENOMEM;
		changed |= strcmp(resolved, e->dir) != 0;
		free(e->dir);
		e->dir = resolved;
	}
	return changed;
}

static int add_mount_points(const struct facts *f, struct mount_points *m)
{
	int err = 0;

	mount_points_done(m);
	for (size_t i = 0; i < f->n_fstab && err >= 0; i++)
		err = mount_points_add(m, &f->fstab[i]);
	return err;
}

/*
 * A link may lead to or below a mount point that is behind a link itself. So it is resolved again until
 * nothing is read at or below any of them.
 */
static int resolve_linked(const struct rootfs *r, const struct linked_entries *linked,
			  const struct facts *f, struct mount_points *m)
{
	int changed = linked->n > 0, err = 0;

	for (unsigned i = 0; i < PASSES_MAX && changed > 0 && err >= 0; i++) {
		changed = resolve_again(r, linked, m);
		err = changed < 0 ? changed : add_mount_points(f, m);
		/* The first pass knew only those that are behind no link. */
		if (i == 0 && changed == 0)
			changed = 1;
	}
	return err;
}

/* mount(8) makes a loop device for the image of a file system, with or without the option. */
static int look_for_file(const struct rootfs *r, const struct mount_points *m,
			 struct fstab_entry *e)
{
	_cleanup_free_ char *path = strdup(e->spec), *resolved = NULL;
	struct stat st;
	int err;

	if (!path)
		return -ENOMEM;
	path_clean(path);
	if (path[0] != '/' || path_is_api(path) || path_has_dotdot(path))
		return 0;
	err = rootfs_resolve_up_to(r, path, &m->all, &resolved);
	e->spec_is_file = err == ROOTFS_READ && rootfs_stat(r, resolved, &st) == 0 &&
			  S_ISREG(st.st_mode);
	return err == -ENOMEM ? err : 0;
}

int fstab_read_source(const struct rootfs *r, const struct mount_points *m, struct fstab_entry *e)
{
	char *resolved;

	if (fstab_is_swap(e))
		return 0;
	if (look_for_file(r, m, e) < 0)
		return -ENOMEM;
	if (!fstab_is_of_path(e))
		return 0;
	path_clean(e->spec);
	if (resolve(r, m, e->spec, &resolved) < 0)
		return -ENOMEM;
	free(e->spec);
	e->spec = resolved;
	return 0;
}

/* What is bound, too: its flags are those of the mount that it is on. */
static int read_sources(const struct rootfs *r, const struct mount_points *m, struct facts *f)
{
	int err = 0;

	for (size_t i = 0; i < f->n_fstab && err >= 0; i++)
		err = fstab_read_source(r, m, &f->fstab[i]);
	return err;
}

/* What the initramfs mounts of it is there, whatever systemd makes of the rest later. */
static void keep_of_initrd(struct facts *f)
{
	size_t kept = 0;

	for (size_t i = 0; i < f->n_fstab; i++) {
		if (fstab_is_initrd(&f->fstab[i]))
			f->fstab[kept++] = f->fstab[i];
		else
			fstab_entry_done(&f->fstab[i]);
	}
	f->n_fstab = kept;
}

int fstab_read(const struct rootfs *r, const char *cmdline, struct diag *d, struct facts *f,
	       struct mount_points *m)
{
	_cleanup_(linked_entries_done) struct linked_entries linked = { 0 };
	_cleanup_free_ struct fstab_entry **sorted = NULL;
	bool is_read;
	int err = boot_reads_fstab(cmdline, &is_read);

	if (err >= 0)
		err = read_lines(r, d, f);
	if (err < 0)
		return err;
	f->fstab_is_off = !is_read;
	if (f->fstab_is_off)
		keep_of_initrd(f);
	sorted = calloc(f->n_fstab + 1, sizeof(*sorted));
	if (!sorted)
		return -ENOMEM;
	for (size_t i = 0; i < f->n_fstab; i++)
		sorted[i] = &f->fstab[i];
	qsort(sorted, f->n_fstab, sizeof(*sorted), compare_depth);
	for (size_t i = 0; i < f->n_fstab && err >= 0; i++)
		err = resolve_first(r, sorted[i], m, &linked);
	if (err >= 0)
		err = resolve_linked(r, &linked, f, m);
	return err < 0 ? err : read_sources(r, m, f);
}

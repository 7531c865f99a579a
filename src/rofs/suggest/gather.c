/* SPDX-License-Identifier: MIT */
/* The machine as a suggestion sees it: memory, directories, users, boot. */
#include "rofs/suggest/gather.h"

#include <string.h>

#include "basic/io.h"
#include "basic/path.h"
#include "basic/strbuf.h"
#include "basic/text.h"
#include "plan/fstab.h"
#include "system/exports.h"
#include "system/homes.h"

#define FILE_BYTES_MAX ((size_t)1 << 20)

int gather_path(const struct loaded *l, struct machine *m, const char *path, enum path_use use,
		const char *who, const char *suffix)
{
	_cleanup_free_ char *clean = strdup(path), *resolved = NULL;
	int err;

	if (!clean)
		return -ENOMEM;
	if (*path != '/' || path_has_dotdot(path))
		return 0;
	path_clean(clean);
	err = rootfs_resolve(&l->root, clean, &resolved);
	if (err == -ENOMEM)
		return err;
	if (err < 0 || strcmp(resolved, "/") == 0 || path_is_api(resolved))
		return 0;
	return machine_add_path(m, resolved, use, who, suffix);
}

static int gather_memory(const struct loaded *l, struct machine *m)
{
	_cleanup_free_ char *text = NULL;
	const char *line;
	size_t n;
	int err = rootfs_read(&l->root, "/proc/meminfo", FILE_BYTES_MAX, &text, &n);

	if (err < 0)
		return err == -ENOMEM ? err : 0;
	line = strstr(text, "MemTotal:");
	m->memory_bytes = line ? strtoull(line + strlen("MemTotal:"), NULL, 10) * 1024 : 0;
	return 0;
}

int gather_exists(const struct rootfs *r, const char *path)
{
	_cleanup_free_ char *resolved = NULL;
	struct stat st;
	int err = rootfs_resolve(r, path, &resolved);

	if (err >= 0)
		err = rootfs_stat(r, resolved, &st);
	if (err < 0)
		return err == -ENOMEM ? err : 0;
	return 1;
}

static int gather_boot_loader(const struct loaded *l, struct machine *m)
{
	static const struct {
		const char *path;
		enum boot_loader loader;
	} known[] = {
		{ "/boot/firmware/cmdline.txt", BOOT_LOADER_RASPBERRY_PI },
		{ "/boot/cmdline.txt", BOOT_LOADER_RASPBERRY_PI },
		{ "/etc/default/grub", BOOT_LOADER_GRUB },
		{ "/etc/kernel/cmdline", BOOT_LOADER_SYSTEMD },
		{ "/boot/loader/loader.conf", BOOT_LOADER_SYSTEMD },
		{ "/efi/loader/loader.conf", BOOT_LOADER_SYSTEMD },
	};
	int found = 0;

	m->boots_rw = l->cmdline && boot_mounts_writable(l->cmdline);
	for (size_t i = 0; i < ELEMENTSOF(known) && found == 0; i++) {
		found = gather_exists(&l->root, known[i].path);
		if (found > 0)
			m->boot_loader = known[i].loader;
	}
	return found < 0 ? found : 0;
}

/* The directory for the layers. */
static int gather_rofs(const struct loaded *l, struct machine *m)
{
	int found = gather_exists(&l->root, "/rofs");

	m->lacks_rofs = found == 0;
	return found < 0 ? found : 0;
}

/* What is not for programs to write to, or is writable anyway. */
static bool may_be_overlaid(const char *name)
{
	static const char *const others[] = { "bin",   "boot",	"dev",	  "efi",	"lib",
					      "lib32", "lib64", "libx32", "proc",	"run",
					      "sbin",  "sys",	"rofs",	  "lost+found", "media",
					      "tmp",   "usr",	"initrd" };

	if (*name == '.')
		return false;
	for (size_t i = 0; i < ELEMENTSOF(others); i++)
		if (strcmp(name, others[i]) == 0)
			return false;
	return true;
}

struct adding {
	const struct rootfs *root;
	struct machine *m;
};

static int add_directory(void *data, const char *name)
{
	const struct adding *a = data;
	_cleanup_free_ char *path = NULL;
	struct stat st;
	int err;

	if (!may_be_overlaid(name))
		return 0;
	err = text_format(&path, "/%s", name);
	if (err < 0)
		return err;
	/* A link is not followed: what it leads to is a directory of its own, or below one. */
	err = rootfs_stat(a->root, path, &st);
	if (err < 0 || !S_ISDIR(st.st_mode))
		return err == -ENOMEM ? err : 0;
	return machine_add_dir(&a->m->directories, path);
}

static int compare(const void *a, const void *b)
{
	return path_compare(*(char *const *)a, *(char *const *)b);
}

static int gather_directories(const struct rootfs *r, struct machine *m)
{
	struct adding a = { r, m };
	struct machine_dirs *dirs = &m->directories;
	struct stat st;
	int err = each_name(rootfs_open_dir(r, "/"), add_directory, &a);

	if (err == -ENOMEM)
		return err;
	err = rootfs_stat(r, "/usr/local", &st);
	if (err >= 0 && S_ISDIR(st.st_mode))
		err = machine_add_dir(dirs, "/usr/local");
	if (dirs->n > 0)
		qsort(dirs->list, dirs->n, sizeof(*dirs->list), compare);
	return err == -ENOMEM ? err : 0;
}

static int is_home(_unused_ void *data, const char *name)
{
	return *name == '.' || strcmp(name, "lost+found") == 0 ? 0 : -ENOTEMPTY;
}

/* Outside of /home, each is a directory of its own; root's and those of the system are no data. */
static int gather_other_homes(const struct loaded *l, struct machine *m)
{
	_cleanup_homes_ struct homes homes = { 0 };
	int err = homes_read(&l->root, &homes);

	for (size_t i = 0; i < homes.n && err >= 0; i++) {
		const struct home *h = &homes.items[i];

		if (home_is_login(h) && gather_use_of(h->dir) == USE_STATE)
			err = gather_path(l, m, h->dir, USE_HOME, h->user, NULL);
	}
	return err;
}

static int gather_homes(const struct loaded *l, struct machine *m)
{
	int err = each_name(rootfs_open_dir(&l->root, "/home"), is_home, NULL);

	/* One that this user may not read has users as well. */
	if (err == -ENOTEMPTY || err == -EACCES)
		err = gather_path(l, m, "/home", USE_HOME, "users", NULL);
	return err == -ENOMEM ? err : gather_other_homes(l, m);
}

static int gather_temporary(const struct loaded *l, struct machine *m)
{
	return gather_path(l, m, "/var/tmp", USE_TEMPORARY, "temporary files", NULL);
}

struct exporting {
	const struct loaded *l;
	struct machine *m;
};

static int add_exported(const struct exporting *x, const char *path)
{
	return gather_path(x->l, x->m, path, USE_EXPORT, "the NFS server", NULL);
}

/* With NFSv4, directories are usually bound below the one that is exported as the root. */
static int add_export(void *data, const struct nfs_export *e)
{
	const struct exporting *x = data;
	const struct facts *f = &x->l->facts;
	int err = add_exported(x, e->path);

	for (size_t i = 0; i < f->n_fstab && err >= 0; i++)
		if (fstab_is_bind(&f->fstab[i]) && path_is_at_or_below(e->path, f->fstab[i].dir))
			err = add_exported(x, f->fstab[i].spec);
	return err;
}

static int gather_exports(const struct loaded *l, struct machine *m)
{
	return exports_each(&l->root, add_export, &(struct exporting){ l, m });
}

/* What is missing for lack of memory would be missing without a word. */
static int note_unread(const struct loaded *l, struct machine *m)
{
	m->unread = m->unread || l->diag.unread < 0;
	return l->diag.unread == -ENOMEM ? -ENOMEM : 0;
}

int gather(const struct loaded *l, struct machine *ret)
{
	static int (*const parts[])(const struct loaded *, struct machine *) = {
		gather_rofs,	  gather_memory,   gather_boot_loader, gather_machine_id,
		gather_host_keys, gather_software, gather_services,    gather_homes,
		gather_temporary, gather_exports,  gather_amounts,
	};
	int err;

	ret->declared = l->conf.declared;
	err = gather_directories(&l->root, ret);
	for (size_t i = 0; i < ELEMENTSOF(parts) && err >= 0; i++)
		err = parts[i](l, ret);
	return err < 0 ? err : note_unread(l, ret);
}

int gather_probe(const struct machine *m, char **ret)
{
	_cleanup_strbuf_ struct strbuf b = { 0 };

	for (size_t i = 0; i < m->directories.n; i++)
		if (!text_has_control(m->directories.list[i]))
			strbuf_addf(&b, "[Overlay %s]\n", m->directories.list[i]);
	for (size_t i = 0; i < m->n_paths; i++)
		if (!text_has_control(m->paths[i].path))
			strbuf_addf(&b, "[Persist %s]\n", m->paths[i].path);
	/* So that it is read at all. */
	strbuf_add(&b, "[Root]\n");
	return strbuf_take(&b, ret);
}

/* The probe has no partition: these are of rofs.conf.d. */
static int gather_declared(const struct loaded *l, struct machine *m)
{
	int err = 0;

	for (size_t i = 0; i < l->conf.n_partitions && err >= 0; i++) {
		const struct conf_partition *p = l->conf.partitions[i];

		err = machine_add_dir(&m->declared_names, p->section.name);
		if (err >= 0 && p->device)
			err = machine_add_dir(&m->declared_devices, p->device);
	}
	return err;
}

int gather_mounts(const struct loaded *l, bool running, struct machine *m)
{
	int err = gather_declared(l, m);

	m->facts = &l->facts;
	m->running = running;
	if (err >= 0 && running)
		err = gather_mounted(l, m);
	if (err >= 0 && running)
		err = gather_devices(l, m);
	return err < 0 ? err : note_unread(l, m);
}

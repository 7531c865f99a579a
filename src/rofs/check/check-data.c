/* SPDX-License-Identifier: MIT */
/* What lies in the lower layer and would be copied to RAM, lost, or not work, as rofs check sees it. */
#include <dirent.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "basic/path.h"
#include "basic/text.h"
#include "rofs/check/check.h"

#define DEPTH_MAX   16u
#define ENTRIES_MAX 200000u /* enough to know that it is much */
#define LARGE_BYTES (UINT64_C(16) << 20)

enum data_kind {
	DATA_JOURNAL,	/* opened for writing: copied whole */
	DATA_LOG,	/* appended to: copied whole */
	DATA_DATABASE,	/* the same, and losing it hurts */
	DATA_CACHE,	/* written anew now and then */
	DATA_CONTAINER, /* overlays of its own, which cannot lie on one */
};

struct data {
	const char *path;
	const char *pattern; /* how the names end of the files that count, NULL: all */
	enum data_kind kind;
	const char *who;
};

static const struct data places[] = {
	{ "/var/log/journal", ".journal", DATA_JOURNAL, "systemd-journald" },
	{ "/var/log", ".log", DATA_LOG, "the programs that log there" },
	{ "/var/lib/mysql", NULL, DATA_DATABASE, "MariaDB or MySQL" },
	{ "/var/lib/postgresql", NULL, DATA_DATABASE, "PostgreSQL" },
	{ "/var/lib/redis", NULL, DATA_DATABASE, "Redis" },
	{ "/var/lib/mongodb", NULL, DATA_DATABASE, "MongoDB" },
	{ "/var/lib/influxdb", NULL, DATA_DATABASE, "InfluxDB" },
	{ "/var/lib/prometheus", NULL, DATA_DATABASE, "Prometheus" },
	{ "/var/lib/grafana", NULL, DATA_DATABASE, "Grafana" },
	{ "/var/lib/couchdb", NULL, DATA_DATABASE, "CouchDB" },
	{ "/var/lib/elasticsearch", NULL, DATA_DATABASE, "Elasticsearch" },
	{ "/var/lib/ldap", NULL, DATA_DATABASE, "slapd" },
	{ "/var/lib/rrdcached", NULL, DATA_DATABASE, "rrdcached" },
	{ "/var/lib/fail2ban", NULL, DATA_CACHE, "fail2ban" },
	{ "/var/lib/mlocate", NULL, DATA_CACHE, "updatedb" },
	{ "/var/lib/plocate", NULL, DATA_CACHE, "updatedb" },
	{ "/var/cache/apt", ".bin", DATA_CACHE, "apt" },
	{ "/var/lib/apt/lists", NULL, DATA_CACHE, "apt" },
	{ "/var/cache/man", NULL, DATA_CACHE, "mandb" },
	{ "/var/cache/squid", NULL, DATA_CACHE, "squid" },
	{ "/var/spool/squid", NULL, DATA_CACHE, "squid" },
	{ "/var/cache/nginx", NULL, DATA_CACHE, "nginx" },
	{ "/var/lib/docker", NULL, DATA_CONTAINER, "Docker" },
	{ "/var/lib/containerd", NULL, DATA_CONTAINER, "containerd" },
	{ "/var/lib/containers", NULL, DATA_CONTAINER, "Podman" },
	{ "/var/lib/lxc", NULL, DATA_CONTAINER, "LXC" },
	{ "/var/lib/incus", NULL, DATA_CONTAINER, "Incus" },
	{ "/var/lib/machines", NULL, DATA_CONTAINER, "systemd-nspawn" },
};

struct walk {
	const char *pattern;
	uint64_t bytes;
	size_t entries;
	bool closed; /* something could not be read */
};

static bool ends_with(const char *name, const char *end)
{
	size_t n = strlen(name), m = strlen(end);

	return n >= m && strcmp(name + n - m, end) == 0;
}

/* journald writes to system.journal and user-1000.journal; those with an @ are finished. */
static bool counts(const struct walk *w, const char *name)
{
	return !w->pattern || (ends_with(name, w->pattern) && !strchr(name, '@'));
}

/* Takes @fd over. */
static void walk(struct walk *w, int fd, unsigned depth)
{
	DIR *dir = fd < 0 || depth > DEPTH_MAX ? NULL : fdopendir(fd);
	const struct dirent *e;
	struct stat st;

	if (!dir) {
		w->closed = w->closed || fd < 0;
		closep(&fd);
		return;
	}
	while (w->entries < ENTRIES_MAX && (e = readdir(dir))) {
		if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
			continue;
		w->entries++;
		if (fstatat(dirfd(dir), e->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0)
			continue;
		if (S_ISREG(st.st_mode) && counts(w, e->d_name))
			w->bytes += (uint64_t)st.st_size;
		else if (S_ISDIR(st.st_mode))
			walk(w,
			     openat(dirfd(dir), e->d_name,
				    O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC),
			     depth + 1);
	}
	closedir(dir);
}

static void tell(struct checking *c, const struct plan_overlay *o, const struct data *data,
		 const struct walk *w)
{
	const struct conf_section *s = &o->conf->section;
	char size[TEXT_BYTES_MAX];

	text_bytes(size, w->bytes);
	switch (data->kind) {
	case DATA_JOURNAL:
		if (w->bytes >= LARGE_BYTES)
			check_add(
				c, PROBLEM_JOURNAL_IN_RAM, s, s->pos,
				"[Overlay %s]: %s of journals in %s are copied to RAM when %s opens "
				"them; StartEmpty=%s, Storage=volatile in journald.conf or a "
				"[Persist] avoids it",
				s->name, size, data->path, data->who, data->path);
		break;
	case DATA_LOG:
		if (w->bytes >= LARGE_BYTES)
			check_add(c, PROBLEM_LOG_IN_RAM, s, s->pos,
				  "[Overlay %s]: %s of logs in %s are copied to RAM as they are "
				  "appended to; rotate them away first, or give %s a [Persist]",
				  s->name, size, data->path, data->path);
		break;
	case DATA_DATABASE:
		if (o->on_partition)
			break;
		check_add(
			c, PROBLEM_DATABASE_IN_RAM, s, s->pos,
			"[Overlay %s]: what %s keeps in %s (%s) is copied to RAM as it is written to, "
			"and the changes are lost at power-off; a [Persist] for it keeps them",
			s->name, data->who, data->path, size);
		break;
	case DATA_CACHE:
		if (w->bytes >= LARGE_BYTES)
			check_add(
				c, PROBLEM_CACHE_IN_RAM, s, s->pos,
				"[Overlay %s]: %s in %s are copied to RAM when %s writes to them; "
				"StartEmpty=%s avoids it",
				s->name, size, data->path, data->who, data->path);
		break;
	case DATA_CONTAINER:
		check_add(
			c, PROBLEM_CONTAINER_STORAGE, s, s->pos,
			"[Overlay %s]: %s has its storage in %s (%s), and cannot use overlayfs on "
			"an overlay: it falls back to copies, or fails; a [Persist] for it helps",
			s->name, data->who, data->path, size);
		break;
	}
}

static bool is_held_in_ram(const struct plan_overlay *o)
{
	return o && !o->on_partition;
}

static void check_place(struct checking *c, const struct data *data)
{
	const struct plan_overlay *o = check_overlay_of(c, data->path);
	struct walk w = { .pattern = data->pattern };
	int fd;

	if (!is_held_in_ram(o) && !(o && data->kind == DATA_CONTAINER))
		return;
	fd = rootfs_open_dir(&c->l->root, data->path);
	if (fd == -ENOENT || fd == -ENOTDIR)
		return;
	walk(&w, fd, 0);
	if (w.closed && w.bytes == 0 && data->kind != DATA_CONTAINER && data->kind != DATA_DATABASE)
		check_add(
			c, PROBLEM_DATA_UNREADABLE, &o->conf->section, o->conf->section.pos,
			"[Overlay %s]: %s is closed to this user; how much of it would be copied to "
			"RAM, root can tell",
			o->conf->section.name, data->path);
	else if (w.entries > 0 || w.closed)
		tell(c, o, data, &w);
}

int check_data(struct checking *c)
{
	for (size_t i = 0; i < ELEMENTSOF(places); i++)
		check_place(c, &places[i]);
	return 0;
}

/* Programs write these beside the old one and rename(2), which fails over a mount point. */
int check_files(struct checking *c)
{
	static const char *const renamed[] = {
		"/etc/passwd",
		"/etc/shadow",
		"/etc/group",
		"/etc/gshadow",
		"/etc/subuid",
		"/etc/subgid",
		"/etc/resolv.conf",
		"/etc/hostname",
		"/etc/hosts",
		"/etc/adjtime",
		"/etc/localtime",
		"/etc/timezone",
		"/etc/crontab",
		"/etc/mtab",
		"/etc/machine-id",
		"/etc/ld.so.cache",
		"/etc/printcap",
		"/etc/fstab",
		"/etc/network/interfaces",
	};
	const struct conf *conf = &c->l->conf;

	for (size_t i = 0; i < conf->n_persists; i++) {
		const struct conf_persist *p = conf->persists[i];
		bool known = false;

		if (p->kind != PERSIST_FILE)
			continue;
		for (size_t j = 0; j < ELEMENTSOF(renamed); j++)
			known = known || strcmp(p->section.name, renamed[j]) == 0;
		if (known)
			check_add(
				c, PROBLEM_FILE_REPLACED, &p->section,
				conf_key_pos(&p->section, "Kind"),
				"[Persist %s]: programs replace this file by renaming a new one over "
				"it, which fails on a mount point; persist its directory, or keep the "
				"file in the root file system",
				p->section.name);
		else
			check_add(
				c, PROBLEM_FILE_BOUND, &p->section,
				conf_key_pos(&p->section, "Kind"),
				"[Persist %s]: a program that replaces the file by renaming a new one "
				"over it will fail; persist its directory if it does",
				p->section.name);
	}
	return 0;
}

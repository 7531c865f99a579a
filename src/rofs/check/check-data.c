/* SPDX-License-Identifier: MIT */
/* Data of well-known programs on an overlay: large, lost at power-off, or not working there. */
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "basic/io.h"
#include "basic/text.h"
#include "rofs/check/check.h"

#define DEPTH_MAX   16u
#define ENTRIES_MAX 200000u /* enough to know that it is much */
#define LARGE_BYTES (UINT64_C(16) << 20)

enum data_kind {
	DATA_JOURNAL,	/* opened for writing: copied whole */
	DATA_LOG,	/* appended to: copied whole */
	DATA_DATABASE,	/* the same, and its changes matter */
	DATA_CACHE,	/* rewritten now and then */
	DATA_CONTAINER, /* mounts overlays of its own, which an overlay cannot hold */
};

/* struct data - where a program keeps its data */
struct data {
	const char *path;
	const char *suffix; /* of the names of the files that count, NULL: all files */
	enum data_kind kind;
	const char *who;
};

static const struct data known_data[] = {
	{ "/var/log/journal", ".journal", DATA_JOURNAL, "systemd-journald" },
	{ "/var/log", ".log", DATA_LOG, "programs" },
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

/* struct amount - how much data there is */
struct amount {
	const char *suffix; /* of the files that count */
	uint64_t bytes;
	size_t entries;
	bool incomplete; /* this user may not read all of it */
};

static bool ends_with(const char *name, const char *end)
{
	size_t n = strlen(name), m = strlen(end);

	return n >= m && strcmp(name + n - m, end) == 0;
}

/* journald writes to system.journal and user-1000.journal; those with an @ are finished. */
static bool counts(const struct amount *x, const char *name)
{
	return !x->suffix || (ends_with(name, x->suffix) && !strchr(name, '@'));
}

struct visit {
	struct amount *amount;
	int fd; /* of the directory */
	unsigned depth;
};

static void measure(struct amount *x, int fd, unsigned depth);

static int measure_entry(void *data, const char *name)
{
	const struct visit *v = data;
	struct amount *x = v->amount;
	struct stat st;

	if (x->entries >= ENTRIES_MAX)
		return -E2BIG;
	x->entries++;
	if (fstatat(v->fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return 0;
	if (S_ISREG(st.st_mode) && counts(x, name))
		x->bytes += (uint64_t)st.st_size;
	else if (S_ISDIR(st.st_mode) && v->depth < DEPTH_MAX)
		measure(x, open_dir_at(v->fd, name), v->depth + 1);
	return 0;
}

/* Takes @fd over, which may be a negative errno. What cannot be read is left out. */
static void measure(struct amount *x, int fd, unsigned depth)
{
	struct visit v = { x, fd, depth };

	x->incomplete = x->incomplete || fd < 0;
	each_name(fd, measure_entry, &v);
}

/* Does it matter however small it is? */
static bool always_matters(enum data_kind kind)
{
	return kind == DATA_DATABASE || kind == DATA_CONTAINER;
}

static void report_data(struct checking *c, const struct conf_section *s, const struct data *d,
			uint64_t bytes)
{
	char size[TEXT_BYTES_MAX];

	text_bytes(size, bytes);
	switch (d->kind) {
	case DATA_JOURNAL:
		check_add(
			c, PROBLEM_JOURNAL_IN_RAM, s, s->pos,
			"[Overlay %s]: %s of journals in %s are copied to RAM when %s opens them; "
			"add %s to StartEmpty=, set Storage=volatile in journald.conf, or add "
			"[Persist %s]",
			s->name, size, d->path, d->who, d->path, d->path);
		break;
	case DATA_LOG:
		check_add(
			c, PROBLEM_LOG_IN_RAM, s, s->pos,
			"[Overlay %s]: %s of logs in %s are copied to RAM when %s append to them; "
			"rotate them first, or add [Persist %s]",
			s->name, size, d->path, d->who, d->path);
		break;
	case DATA_DATABASE:
		check_add(c, PROBLEM_DATABASE_IN_RAM, s, s->pos,
			  "[Overlay %s]: %s keeps its data in %s (%s): the files it writes to are "
			  "copied to RAM, and the changes are lost at power-off; to keep them, add "
			  "[Persist %s]",
			  s->name, d->who, d->path, size, d->path);
		break;
	case DATA_CACHE:
		check_add(
			c, PROBLEM_CACHE_IN_RAM, s, s->pos,
			"[Overlay %s]: %s in %s are copied to RAM when %s writes to them; to avoid "
			"this, add %s to StartEmpty=",
			s->name, size, d->path, d->who, d->path);
		break;
	case DATA_CONTAINER:
		check_add(c, PROBLEM_CONTAINER_STORAGE, s, s->pos,
			  "[Overlay %s]: %s has its storage in %s (%s), on an overlay, where it "
			  "cannot use overlayfs: it falls back to full copies, or fails; add "
			  "[Persist %s]",
			  s->name, d->who, d->path, size, d->path);
		break;
	}
}

/* Changes on a partition are not lost, and take no RAM. */
static bool concerns(const struct plan_overlay *o, enum data_kind kind)
{
	return o && (!o->on_partition || kind == DATA_CONTAINER);
}

static void check_known(struct checking *c, const struct data *d)
{
	const struct plan_overlay *o = check_overlay_of(c, d->path);
	const struct conf_section *s;
	struct amount x = { .suffix = d->suffix };
	int fd;

	if (!concerns(o, d->kind))
		return;
	fd = rootfs_open_dir(&c->l->root, d->path);
	if (fd == -ENOENT || fd == -ENOTDIR)
		return;
	measure(&x, fd, 0);

	s = &o->conf->section;
	if (always_matters(d->kind) ? x.entries > 0 || x.incomplete : x.bytes >= LARGE_BYTES)
		report_data(c, s, d, x.bytes);
	else if (x.incomplete && x.bytes == 0)
		check_add(c, PROBLEM_DATA_UNREADABLE, s, s->pos,
			  "[Overlay %s]: only root can read %s and say how much of it would be "
			  "copied to RAM; run rofs check as root",
			  s->name, d->path);
}

int check_data(struct checking *c)
{
	for (size_t i = 0; i < ELEMENTSOF(known_data); i++)
		check_known(c, &known_data[i]);
	return 0;
}

/* Do programs write this file by rename(2) over the old one, which fails on a mount point? */
static bool is_replaced(const char *path)
{
	static const char *const replaced[] = {
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

	for (size_t i = 0; i < ELEMENTSOF(replaced); i++)
		if (strcmp(path, replaced[i]) == 0)
			return true;
	return false;
}

int check_files(struct checking *c)
{
	const struct conf *conf = &c->l->conf;

	for (size_t i = 0; i < conf->n_persists; i++) {
		const struct conf_section *s = &conf->persists[i]->section;

		if (conf->persists[i]->kind != PERSIST_FILE)
			continue;
		if (is_replaced(s->name))
			check_add(
				c, PROBLEM_FILE_REPLACED, s, conf_key_pos(s, "Kind"),
				"[Persist %s]: programs replace this file by renaming a new one "
				"over it, which fails on a mount point; persist its directory, or "
				"leave the file on the root file system",
				s->name);
		else
			check_add(
				c, PROBLEM_FILE_BOUND, s, conf_key_pos(s, "Kind"),
				"[Persist %s]: a program that replaces this file by renaming a new "
				"one over it will fail; if any does, persist the directory instead",
				s->name);
	}
	return 0;
}

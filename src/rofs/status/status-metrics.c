/* SPDX-License-Identifier: MIT */
#include "rofs/status/status-metrics.h"

#include <inttypes.h>
#include <string.h>

#include "basic/strbuf.h"
#include "basic/text.h"

/*
 * The text format of OpenMetrics 1.0, within what Prometheus's older format takes as well: that is
 * what node_exporter's textfile collector reads.
 */

static void add_family(struct strbuf *b, const char *name, const char *type, const char *help)
{
	strbuf_addf(b, "# HELP %s %s.\n# TYPE %s %s\n", name, help, name, type);
}

/* A label's value, made printable first: then only backslash and quote have to be escaped. */
static void add_label(struct strbuf *b, char before, const char *name, const char *value)
{
	_cleanup_strbuf_ struct strbuf shown = { 0 };

	text_add_printable(&shown, value);
	b->failed = b->failed || shown.failed;
	strbuf_addf(b, "%c%s=\"", before, name);
	for (const char *s = shown.text ? shown.text : ""; *s; s++) {
		if (strchr("\\\"", *s))
			strbuf_add_char(b, '\\');
		strbuf_add_char(b, *s);
	}
	strbuf_add_char(b, '"');
}

static void add_one(struct strbuf *b, const char *name, const char *label, const char *value,
		    uint64_t number)
{
	strbuf_add(b, name);
	if (label) {
		add_label(b, '{', label, value);
		strbuf_add_char(b, '}');
	}
	strbuf_addf(b, " %" PRIu64 "\n", number);
}

static void add_flag(struct strbuf *b, const char *name, const char *help, bool value)
{
	add_family(b, name, "gauge", help);
	add_one(b, name, NULL, NULL, value);
}

static void add_verdict(struct strbuf *b, const struct status *s)
{
	const struct observed_mount *m = observed_at(&s->observed, "/");
	const struct problems *l = &s->verdict.problems;

	add_flag(b, "rofs_protected", "Whether everything that rofs.conf declares is in force",
		 s->verdict.state == VERDICT_PROTECTED);
	add_flag(b, "rofs_partial", "Whether something that rofs.conf declares is not in force",
		 s->verdict.state == VERDICT_PARTIAL);
	add_flag(b, "rofs_off", "Whether rofs does nothing in this boot, on purpose",
		 s->verdict.state == VERDICT_OFF);
	add_family(b, "rofs_problems", "gauge", "Number of problems that rofs status shows");
	add_one(b, "rofs_problems", "severity", "error", l->n_errors);
	add_one(b, "rofs_problems", "severity", "warning", l->n - l->n_errors);
	add_flag(b, "rofs_root_readonly", "Whether the root file system is read-only",
		 m && observed_is_read_only(m));
}

/* Unknown to ordinary users, unless rofs-watch.service has published it. */
static void add_transactions(struct strbuf *b, const struct status *s)
{
	const struct observed_mount *m = observed_at(&s->observed, "/");
	const struct transactions *t = &s->observed.transactions;

	add_flag(b, "rofs_root_superblock_writable",
		 "Whether the root file system itself is writable, as during a commit",
		 m && !m->fs_read_only);
	if (!t->known)
		return;
	add_flag(b, "rofs_transaction_unfinished",
		 "Whether an interrupted transaction could not be completed", t->unfinished);
	add_flag(b, "rofs_reboot_pending", "Whether a reboot completes what is on flash",
		 transactions_pending(t) != NULL);
	add_flag(b, "rofs_maintenance_next", "Whether the next boot is a maintenance boot",
		 t->next_is_maintenance);
	add_family(b, "rofs_kept_bytes", "gauge",
		   "Space on flash that files replaced by transactions still use");
	add_one(b, "rofs_kept_bytes", NULL, NULL, t->kept_bytes);
}

/* struct usage_metric - a number of each pool and of each partition */
struct usage_metric {
	const char *suffix, *help;
	uint64_t (*get)(const struct usage *u);
};

/* Of RAM pools, or of partitions. */
static void add_usage(struct strbuf *b, const struct status *s, bool partitions,
		      const struct usage_metric *metric)
{
	const char *label = partitions ? "partition" : "pool";
	char name[64];
	bool any = false;

	snprintf(name, sizeof(name), "rofs_%s_%s", label, metric->suffix);
	for (size_t i = 0; i < s->observed.n_storages; i++) {
		const struct storage *v = &s->observed.storages[i];

		if (!v->usage.known || (v->kind == STORAGE_PARTITION) != partitions)
			continue;
		if (!any)
			add_family(b, name, "gauge", metric->help);
		any = true;
		add_one(b, name, label, v->name, metric->get(&v->usage));
	}
}

static uint64_t get_size(const struct usage *u)
{
	return u->size;
}

static uint64_t get_used(const struct usage *u)
{
	return u->used;
}

static uint64_t get_available(const struct usage *u)
{
	return u->available;
}

static uint64_t get_inodes(const struct usage *u)
{
	return u->inodes;
}

static uint64_t get_inodes_used(const struct usage *u)
{
	return u->inodes_used;
}

static void add_states(struct strbuf *b, const struct status *s)
{
	const struct plan *p = &s->loaded.plan;

	if (p->n_overlays > 0)
		add_family(b, "rofs_overlay_active", "gauge", "Whether the overlay is in force");
	for (size_t i = 0; i < p->n_overlays; i++)
		add_one(b, "rofs_overlay_active", "path", p->overlays[i].path,
			s->verdict.overlays && s->verdict.overlays[i]);
	if (p->n_persists > 0)
		add_family(b, "rofs_persist_active", "gauge", "Whether the persist is in force");
	for (size_t i = 0; i < p->n_persists; i++)
		add_one(b, "rofs_persist_active", "path", p->persists[i].path,
			s->verdict.persists && s->verdict.persists[i]);
}

static void add_usages(struct strbuf *b, const struct status *s)
{
	static const struct usage_metric metrics[] = {
		{ "size_bytes", "Size of the file system", get_size },
		{ "used_bytes", "Used space", get_used },
		{ "available_bytes", "Space available to ordinary users", get_available },
		{ "inodes", "Number of inodes, 0 if unlimited", get_inodes },
		{ "inodes_used", "Number of used inodes", get_inodes_used },
	};

	for (size_t i = 0; i < 2 * ELEMENTSOF(metrics); i++)
		add_usage(b, s, i >= ELEMENTSOF(metrics), &metrics[i % ELEMENTSOF(metrics)]);
}

/* The root's device, then those of the partitions; NULL: no more. */
static const struct device *device_at(const struct status *s, size_t i)
{
	if (i == 0)
		return &s->root;
	return i <= s->loaded.plan.n_partitions ? &s->partitions[i - 1] : NULL;
}

static void add_written(struct strbuf *b, const struct status *s)
{
	const struct device *d;

	add_family(b, "rofs_device_written_bytes", "counter",
		   "Bytes written to the device since boot");
	for (size_t i = 0; (d = device_at(s, i)); i++)
		if (d->written_known && d->name)
			add_one(b, "rofs_device_written_bytes_total", "device", d->name,
				d->sectors_written * 512);
}

static unsigned get_life_a(const struct device *d)
{
	return d->life_a;
}

static unsigned get_life_b(const struct device *d)
{
	return d->life_b;
}

static void add_life(struct strbuf *b, const struct status *s, const char *name,
		     unsigned (*get)(const struct device *d))
{
	const struct device *d;
	bool any = false;

	for (size_t i = 0; (d = device_at(s, i)); i++) {
		if (!d->name || get(d) == 0)
			continue;
		if (!any)
			add_family(b, name, "gauge",
				   "Used part of the lifetime of this eMMC memory type, in tenths, "
				   "rounded up; 11: lifetime exceeded");
		any = true;
		add_one(b, name, "device", d->name, get(d));
	}
}

int status_metrics(const struct status *s)
{
	_cleanup_strbuf_ struct strbuf b = { 0 };
	_cleanup_free_ char *text = NULL;
	int err;

	add_verdict(&b, s);
	add_transactions(&b, s);
	add_states(&b, s);
	add_usages(&b, s);
	add_written(&b, s);
	add_life(&b, s, "rofs_device_life_used_tenths_a", get_life_a);
	add_life(&b, s, "rofs_device_life_used_tenths_b", get_life_b);
	strbuf_add(&b, "# EOF\n");
	err = strbuf_take(&b, &text);
	if (err < 0)
		return err;
	fputs(text, stdout);
	return 0;
}

/* SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <string.h>

#include "basic/strbuf.h"
#include "rofs/status/status.h"

/*
 * The text format of OpenMetrics 1.0, within what Prometheus's older format takes as well: that is
 * what node_exporter's textfile collector reads.
 */

static void add_family(struct strbuf *b, const char *name, const char *type, const char *help)
{
	strbuf_addf(b, "# HELP %s %s.\n# TYPE %s %s\n", name, help, name, type);
}

/* A label's value: backslash, quote and newline are escaped. */
static void add_label(struct strbuf *b, char before, const char *name, const char *value)
{
	strbuf_addf(b, "%c%s=\"", before, name);
	for (; *value; value++) {
		if (*value == '\n') {
			strbuf_add(b, "\\n");
			continue;
		}
		if (strchr("\\\"", *value))
			strbuf_add_char(b, '\\');
		strbuf_add_char(b, *value);
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

static void add_verdict(struct strbuf *b, const struct status *s)
{
	const struct observed_mount *m = observed_at(&s->observed, "/");

	add_family(b, "rofs_protected", "gauge", "Whether all that rofs.conf declares is in force");
	add_one(b, "rofs_protected", NULL, NULL, s->verdict.state == VERDICT_PROTECTED);
	add_family(b, "rofs_off", "gauge", "Whether rofs does nothing in this boot, on purpose");
	add_one(b, "rofs_off", NULL, NULL, s->verdict.state == VERDICT_OFF);
	add_family(b, "rofs_problems", "gauge", "How many declared things are not in force");
	add_one(b, "rofs_problems", NULL, NULL, s->verdict.n_broken);
	add_family(b, "rofs_root_readonly", "gauge", "Whether the root file system is read-only");
	add_one(b, "rofs_root_readonly", NULL, NULL, m && (m->read_only || m->fs_read_only));
}

static void add_storage(struct strbuf *b, const struct status *s, const char *name,
			const char *help, uint64_t (*get)(const struct usage *u))
{
	bool any = false;

	for (size_t i = 0; i < s->observed.n_storages; i++) {
		const struct storage *v = &s->observed.storages[i];

		if (!v->usage.known)
			continue;
		if (!any)
			add_family(b, name, "gauge", help);
		any = true;
		add_one(b, name, "pool", v->name, get(&v->usage));
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

static void add_written(struct strbuf *b, const struct device *d)
{
	if (d->written_known && d->name)
		add_one(b, "rofs_device_written_bytes_total", "device", d->name,
			d->sectors_written * 512);
}

static void add_life(struct strbuf *b, const struct device *d)
{
	if (d->name && d->life_a)
		add_one(b, "rofs_device_life_used_tenths_a", "device", d->name, d->life_a);
}

static void add_devices(struct strbuf *b, const struct status *s)
{
	const struct plan *p = &s->loaded.plan;
	bool life = s->root.life_a > 0;

	add_family(b, "rofs_device_written_bytes", "counter",
		   "Bytes written to the device since boot");
	add_written(b, &s->root);
	for (size_t i = 0; i < p->n_partitions; i++) {
		add_written(b, &s->partitions[i]);
		life = life || s->partitions[i].life_a > 0;
	}
	if (!life)
		return;
	add_family(b, "rofs_device_life_used_tenths_a", "gauge",
		   "Upper end of the part of its life that the eMMC has used, in tenths");
	add_life(b, &s->root);
	for (size_t i = 0; i < p->n_partitions; i++)
		add_life(b, &s->partitions[i]);
}

int status_metrics(const struct status *s)
{
	_cleanup_strbuf_ struct strbuf b = { 0 };
	_cleanup_free_ char *text = NULL;
	int err;

	add_verdict(&b, s);
	add_states(&b, s);
	add_storage(&b, s, "rofs_pool_size_bytes", "Size of the pool or partition", get_size);
	add_storage(&b, s, "rofs_pool_used_bytes", "How much of it is in use", get_used);
	add_storage(&b, s, "rofs_pool_avail_bytes", "How much ordinary users can still write",
		    get_available);
	add_storage(&b, s, "rofs_pool_inodes", "How many files it can hold, 0 if without a limit",
		    get_inodes);
	add_storage(&b, s, "rofs_pool_inodes_used", "How many files it holds", get_inodes_used);
	add_devices(&b, s);
	strbuf_add(&b, "# EOF\n");
	err = strbuf_take(&b, &text);
	if (err < 0)
		return err;
	fputs(text, stdout);
	return 0;
}

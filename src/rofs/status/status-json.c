/* SPDX-License-Identifier: MIT */
#include "rofs/status/status-json.h"

#include "rofs/ui/json-problem.h"
#include "rofs/ui/json.h"

static const char *boot_name(enum boot_mode mode)
{
	switch (mode) {
	case BOOT_NORMAL:
		return "normal";
	case BOOT_RECOVERY:
		return "recovery";
	case BOOT_MAINTENANCE:
		return "maintenance";
	case BOOT_INITRD:
	case BOOT_OFF:
	case _BOOT_MODE_MAX:
		break;
	}
	return "off";
}

static int add_problems(struct json *j, const struct problems *l)
{
	json_open(j, "problems", '[');
	for (size_t i = 0; i < l->n; i++) {
		_cleanup_free_ char *message = NULL;
		int err = problem_format(&l->items[i], &message);

		if (err < 0)
			return err;
		json_open(j, NULL, '{');
		json_problem(j, &l->items[i], message);
		json_close(j, '}');
	}
	json_close(j, ']');
	return 0;
}

static void add_number(struct json *j, const char *key, bool known, uint64_t value)
{
	if (known)
		json_number(j, key, value);
	else
		json_null(j, key);
}

static void add_device(struct json *j, const struct device *d)
{
	add_number(j, "sectors_written", d->written_known, d->sectors_written);
	/* Only an eMMC has them. */
	if (d->life_a > 0)
		json_number(j, "life_a", d->life_a);
	if (d->life_b > 0)
		json_number(j, "life_b", d->life_b);
}

static void add_root_devices(struct json *j, const struct root_devices *l)
{
	if (l->unknown) {
		json_null(j, "devices");
		return;
	}
	json_open(j, "devices", '[');
	for (size_t i = 0; i < l->n; i++) {
		const struct root_device *d = &l->list[i];

		json_open(j, NULL, '{');
		json_string(j, "name", d->name);
		json_boolean(j, "readonly", !d->writable);
		json_boolean(j, "write_protected", d->fate == ROOT_DEVICE_FOUND);
		json_string(j, "needed_by", d->needed_by);
		json_close(j, '}');
	}
	json_close(j, ']');
}

static void add_root(struct json *j, const struct status *s)
{
	const struct observed_mount *m = observed_at(&s->observed, "/");

	json_open(j, "root", '{');
	json_boolean(j, "readonly", m && observed_is_read_only(m));
	json_string(j, "device", s->root.name);
	add_device(j, &s->root);
	json_boolean(j, "superblock_writable", m && !m->fs_read_only);
	add_root_devices(j, &s->observed.root_devices);
	json_close(j, '}');
}

/* Null: an ordinary user may not look, and nothing is published. */
static void add_flag(struct json *j, const char *key, bool known, bool value)
{
	if (known)
		json_boolean(j, key, value);
	else
		json_null(j, key);
}

static void add_transaction(struct json *j, const struct observed_transaction *t)
{
	json_open(j, NULL, '{');
	json_number(j, "number", t->number);
	json_string(j, "kind", t->kind);
	json_number(j, "time", t->time > 0 ? (uint64_t)t->time : 0);
	json_number(j, "paths", t->paths);
	json_number(j, "bytes", t->bytes);
	json_close(j, '}');
}

static void add_transactions(struct json *j, const struct transactions *t)
{
	json_open(j, "maintenance", '{');
	add_flag(j, "next_boot", t->known, t->next_is_maintenance);
	json_close(j, '}');
	add_flag(j, "reboot_pending", t->known, transactions_pending(t) != NULL);
	json_open(j, "kept", '{');
	add_number(j, "bytes", t->known, t->kept_bytes);
	json_open(j, "transactions", '[');
	for (size_t i = 0; i < t->n; i++)
		add_transaction(j, &t->list[i]);
	json_close(j, ']');
	json_close(j, '}');
}

static void add_pools(struct json *j, const struct status *s)
{
	json_open(j, "pools", '[');
	for (size_t i = 0; i < s->observed.n_storages; i++) {
		const struct storage *v = &s->observed.storages[i];

		if (!v->is_pool)
			continue;
		json_open(j, NULL, '{');
		json_string(j, "name", v->name);
		json_string(j, "path", v->dir);
		json_string(j, "unit", v->unit);
		json_string(j, "state", status_storage_state(s, v));
		add_number(j, "size", v->usage.known, v->usage.size);
		add_number(j, "used", v->usage.known, v->usage.used);
		add_number(j, "inodes", v->usage.known, v->usage.inodes);
		add_number(j, "inodes_used", v->usage.known, v->usage.inodes_used);
		json_close(j, '}');
	}
	json_close(j, ']');
}

static void add_overlays(struct json *j, const struct status *s)
{
	const struct plan *p = &s->loaded.plan;

	json_open(j, "overlays", '[');
	for (size_t i = 0; i < p->n_overlays; i++) {
		json_open(j, NULL, '{');
		json_string(j, "path", p->overlays[i].path);
		json_string(j, "pool", pool_name(&p->overlays[i]));
		json_string(j, "unit", p->overlays[i].merged_unit);
		json_string(j, "state", status_overlay_state(s, i));
		json_close(j, '}');
	}
	json_close(j, ']');
}

static void add_partitions(struct json *j, const struct status *s)
{
	json_open(j, "partitions", '[');
	for (size_t i = 0; i < s->observed.n_storages; i++) {
		const struct storage *v = &s->observed.storages[i];
		const struct device *d = &s->partitions[v->index];

		if (v->kind != STORAGE_PARTITION)
			continue;
		json_open(j, NULL, '{');
		json_string(j, "name", v->name);
		json_string(j, "device",
			    d->name ? d->name : s->loaded.plan.partitions[v->index].device_path);
		json_string(j, "unit", v->unit);
		json_string(j, "state", status_storage_state(s, v));
		add_device(j, d);
		json_close(j, '}');
	}
	json_close(j, ']');
}

static void add_persists(struct json *j, const struct status *s)
{
	const struct plan *p = &s->loaded.plan;

	json_open(j, "persists", '[');
	for (size_t i = 0; i < p->n_persists; i++) {
		const struct plan_persist *q = &p->persists[i];

		json_open(j, NULL, '{');
		json_string(j, "path", q->path);
		json_string(j, "partition", p->partitions[q->partition].conf->section.name);
		json_string(j, "directory", q->directory);
		json_string(j, "unit", q->unit);
		json_string(j, "state", status_persist_state(s, i));
		json_close(j, '}');
	}
	json_close(j, ']');
}

int status_json(const struct status *s)
{
	_cleanup_json_ struct json j = { 0 };
	int err;

	json_open(&j, NULL, '{');
	json_string(&j, "verdict", verdict_state_to_string(s->verdict.state));
	json_string(&j, "boot", boot_name(s->loaded.boot.mode));
	err = add_problems(&j, &s->verdict.problems);
	if (err < 0)
		return err;
	add_root(&j, s);
	add_transactions(&j, &s->observed.transactions);
	add_pools(&j, s);
	add_overlays(&j, s);
	add_partitions(&j, s);
	add_persists(&j, s);
	json_close(&j, '}');
	return json_print(&j);
}

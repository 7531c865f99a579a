/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "rofs/status/status.h"
#include "rofs/ui/json.h"

static const char *boot_name(enum boot_mode mode)
{
	switch (mode) {
	case BOOT_NORMAL:
		return "normal";
	case BOOT_RECOVERY:
		return "recovery";
	case BOOT_INITRD:
	case BOOT_OFF:
	case _BOOT_MODE_MAX:
		break;
	}
	return "off";
}

static int add_problems(struct json *j, const struct status *s)
{
	json_open(j, "problems", '[');
	for (size_t i = 0; i < s->verdict.n_problems; i++) {
		const char *reason = s->answers ? s->answers[i].reason : NULL;
		_cleanup_free_ char *text = NULL;

		if (asprintf(&text, "%s%s%s", s->verdict.problems[i].text, reason ? ": " : "",
			     reason ? reason : "") < 0)
			return text = NULL, -ENOMEM;
		json_string(j, NULL, text);
	}
	for (size_t i = 0; i < s->n_drift; i++)
		json_string(j, NULL, s->drift[i]);
	json_close(j, ']');
	return 0;
}

static void add_written(struct json *j, const struct device *d)
{
	if (d->written_known)
		json_number(j, "sectors_written", d->sectors_written);
	else
		json_null(j, "sectors_written");
}

static void add_root(struct json *j, const struct status *s)
{
	const struct observed_mount *m = observed_at(&s->observed, "/");

	json_open(j, "root", '{');
	json_boolean(j, "readonly", m && (m->read_only || m->fs_read_only));
	json_string(j, "device", s->root.name);
	add_written(j, &s->root);
	json_close(j, '}');
}

static void add_amount(struct json *j, const char *key, const struct usage *u, uint64_t value)
{
	if (u->known)
		json_number(j, key, value);
	else
		json_null(j, key);
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
		add_amount(j, "size", &v->usage, v->usage.size);
		add_amount(j, "used", &v->usage, v->usage.used);
		add_amount(j, "inodes", &v->usage, v->usage.inodes);
		add_amount(j, "inodes_used", &v->usage, v->usage.inodes_used);
		json_close(j, '}');
	}
	json_close(j, ']');
}

static void add_overlays(struct json *j, const struct status *s)
{
	const struct plan *p = &s->loaded.plan;

	json_open(j, "overlays", '[');
	for (size_t i = 0; i < p->n_overlays; i++) {
		const struct storage *v = storage_of_overlay(&s->observed, p, &p->overlays[i]);

		json_open(j, NULL, '{');
		json_string(j, "path", p->overlays[i].path);
		json_string(j, "pool", v ? v->name : NULL);
		json_string(j, "unit", p->overlays[i].merged_unit);
		json_string(j, "state", status_overlay_state(s, i));
		json_close(j, '}');
	}
	json_close(j, ']');
}

static void add_partitions(struct json *j, const struct status *s)
{
	const struct plan *p = &s->loaded.plan;

	json_open(j, "partitions", '[');
	for (size_t i = 0; i < p->n_partitions; i++) {
		const struct plan_partition *q = &p->partitions[i];

		if (!q->conf)
			continue;
		json_open(j, NULL, '{');
		json_string(j, "name", q->conf->section.name);
		json_string(j, "device",
			    s->partitions[i].name ? s->partitions[i].name : q->device_path);
		json_string(j, "unit", q->unit);
		json_string(j, "state", status_partition_state(s, i));
		add_written(j, &s->partitions[i]);
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
		json_string(j, "directory", q->conf->directory);
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
	err = add_problems(&j, s);
	if (err < 0)
		return err;
	add_root(&j, s);
	add_pools(&j, s);
	add_overlays(&j, s);
	add_partitions(&j, s);
	add_persists(&j, s);
	json_close(&j, '}');
	return json_print(&j);
}

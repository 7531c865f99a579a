/* SPDX-License-Identifier: MIT */
#include "verdict/verdict-text.h"

#include "basic/strbuf.h"
#include "basic/text.h"

/* "PATH PATH in RAM, PATH on DEVICE": parts, each of which begins with paths. */
struct parts {
	struct strbuf text;
	bool any;  /* a part has begun */
	bool open; /* the last one has not ended */
};

static void parts_path(struct parts *t, const char *path)
{
	strbuf_add(&t->text, t->any && !t->open ? ", " : " ");
	text_add_printable(&t->text, path);
	t->any = t->open = true;
}

/* Returns whether there was a part to end. */
static bool parts_end(struct parts *t)
{
	bool open = t->open;

	t->open = false;
	return open;
}

/* From the table of mounts: whoever may mount can choose any name. */
static const char *device_of(const struct observed *s, const struct storage *v)
{
	const struct observed_mount *m = observed_mounted_at(s, v->dir);

	return m ? m->source : v->name;
}

static void add_overlays(struct parts *t, const struct plan *p, const struct observed *s,
			 const struct storage *v)
{
	char used[TEXT_BYTES_MAX], size[TEXT_BYTES_MAX];

	for (size_t i = 0; i < p->n_overlays; i++)
		if (storage_of_overlay(s, &p->overlays[i]) == v)
			parts_path(t, p->overlays[i].path);
	if (!parts_end(t))
		return;
	if (v->kind == STORAGE_PARTITION) {
		strbuf_add(&t->text, " kept on ");
		text_add_name(&t->text, device_of(s, v));
		return;
	}
	strbuf_add(&t->text, " in RAM");
	if (v->usage.known)
		strbuf_addf(&t->text, " (%s of %s)", text_bytes(used, v->usage.used),
			    text_bytes(size, v->usage.size));
}

static void add_persists(struct parts *t, const struct plan *p, const struct observed *s,
			 const struct storage *v)
{
	for (size_t i = 0; i < p->n_persists && v->kind == STORAGE_PARTITION; i++)
		if (p->persists[i].partition == v->index)
			parts_path(t, p->persists[i].path);
	if (!parts_end(t))
		return;
	strbuf_add(&t->text, " on ");
	text_add_name(&t->text, device_of(s, v));
}

static void add_protected(struct parts *t, const struct plan *p, const struct observed *s)
{
	if (p->n_remounts > 0) {
		parts_path(t, "/");
		strbuf_add(&t->text, " read-only");
		parts_end(t);
	}
	for (size_t i = 0; i < s->n_storages; i++)
		add_overlays(t, p, s, &s->storages[i]);
	for (size_t i = 0; i < s->n_storages; i++)
		add_persists(t, p, s, &s->storages[i]);
}

int verdict_line(const struct verdict *v, const struct plan *p, const struct observed *s,
		 char **ret)
{
	struct parts t = { 0 };

	strbuf_addf(&t.text, "%s:", verdict_state_to_string(v->state));
	if (v->problems.n_errors == 0) {
		add_protected(&t, p, s);
	} else if (v->problems.n_errors == 1) {
		strbuf_add_char(&t.text, ' ');
		problem_say(&t.text, &v->problems.items[0]);
	} else {
		strbuf_addf(&t.text, " %zu errors", v->problems.n_errors);
	}
	return strbuf_take(&t.text, ret);
}

static void add_partial(struct strbuf *b, const struct problems *l)
{
	strbuf_addf(b, "rofs: %s: ", verdict_state_to_string(VERDICT_PARTIAL));
	problem_say(b, &l->items[0]);
	if (l->n_errors > 1)
		strbuf_addf(b, "; %zu more, see rofs status\n", l->n_errors - 1);
	else
		strbuf_add(b, "; see rofs status\n");
}

static void add_lost(struct strbuf *b, const struct plan *p, const struct verdict *v)
{
	size_t n = 0;

	for (size_t i = 0; i < p->n_overlays; i++)
		if (!p->overlays[i].on_partition && v->overlays[i]) {
			strbuf_add(b, n++ ? " " : "changes to ");
			text_add_printable(b, p->overlays[i].path);
		}
	if (n > 0)
		strbuf_add(b, " are lost at power-off; see rofs diff\n");
}

/* From the one with this index on. */
static void add_problems(struct strbuf *b, const struct problems *l, size_t first)
{
	for (size_t i = first; i < l->n; i++) {
		strbuf_add(b, "rofs: ");
		problem_say(b, &l->items[i]);
		strbuf_add_char(b, '\n');
	}
}

int verdict_motd(const struct verdict *v, const struct plan *p, char **ret)
{
	_cleanup_strbuf_ struct strbuf b = { 0 };

	if (v->problems.n_errors > 0)
		add_partial(&b, &v->problems);
	add_lost(&b, p, v);
	add_problems(&b, &v->problems, v->problems.n_errors);
	return strbuf_take(&b, ret);
}

int verdict_motd_maintenance(const struct problems *l, char **ret)
{
	_cleanup_strbuf_ struct strbuf b = { 0 };

	strbuf_add(&b,
		   "rofs: this is a maintenance boot: / is writable, and changes are permanent");
	strbuf_add(&b, l->n_errors > 0 ? "\n" : "; the next boot is protected again\n");
	add_problems(&b, l, 0);
	return strbuf_take(&b, ret);
}

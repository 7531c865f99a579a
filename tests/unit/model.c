/* SPDX-License-Identifier: MIT */
#include "model.h"

#include <string.h>

#include "basic/strbuf.h"
#include "plan/plan-build.h"

int model_add_file(struct model *m, const char *name, const char *text, size_t len)
{
	_cleanup_free_ char *copy = malloc(len + 1);

	if (!copy)
		return -ENOMEM;
	memcpy(copy, text, len);
	copy[len] = '\0';
	return conf_read(&m->conf, name, copy, len, &m->diag);
}

int model_read(struct model *m, const char *text)
{
	int err;

	*m = (struct model){ 0 };
	err = conf_init(&m->conf);
	if (err >= 0)
		err = model_add_file(m, "/etc/rofs.conf", text, strlen(text));
	if (err >= 0)
		conf_check(&m->conf, &m->diag);
	return err;
}

static int look_up(struct path_fact *f, const char *path, const struct link_fact *links)
{
	const char *resolved = path;

	f->type = PATH_DIRECTORY;
	for (; links && links->from; links++)
		if (strcmp(links->from, path) == 0) {
			resolved = links->to;
			f->type = links->type;
			f->error = links->type == PATH_UNKNOWN ? -ELOOP : 0;
		}
	f->resolved = strdup(resolved);
	return f->resolved ? 0 : -ENOMEM;
}

int model_look(struct model *m, const struct link_fact *links)
{
	struct facts *f = &m->facts;
	const struct conf *c = &m->conf;

	f->rofs_exists = f->tmp_is_plain = true;
	f->overlays = calloc(c->n_overlays + 1, sizeof(*f->overlays));
	f->persists = calloc(c->n_persists + 1, sizeof(*f->persists));
	if (!f->overlays || !f->persists)
		return -ENOMEM;
	for (; f->n_overlays < c->n_overlays; f->n_overlays++)
		if (look_up(&f->overlays[f->n_overlays], c->overlays[f->n_overlays]->section.name,
			    links) < 0)
			return -ENOMEM;
	for (; f->n_persists < c->n_persists; f->n_persists++)
		if (look_up(&f->persists[f->n_persists], c->persists[f->n_persists]->section.name,
			    links) < 0)
			return -ENOMEM;
	return 0;
}

int model_add_fstab(struct model *m, const char *spec, const char *dir, const char *type,
		    const char *options)
{
	struct facts *f = &m->facts;

	if (array_reserve(f->fstab, f->n_fstab) < 0)
		return -ENOMEM;
	f->fstab[f->n_fstab++] = (struct fstab_entry){
		.spec = strdup(spec),
		.dir = strdup(dir),
		.type = strdup(type),
		.options = strdup(options),
		.passno = 2,
	};
	return 0;
}

int model_plan(struct model *m)
{
	return plan_build(&m->conf, &m->facts, &m->diag, &m->plan);
}

int model_render(struct model *m)
{
	return units_render(&m->plan, "/usr/lib/rofs", &m->set);
}

void model_done(struct model *m)
{
	unit_set_done(&m->set);
	plan_done(&m->plan);
	facts_done(&m->facts);
	diag_done(&m->diag);
	conf_done(&m->conf);
}

char *model_messages(const struct model *m)
{
	struct strbuf b = { 0 };
	char *text;

	for (size_t i = 0; i < m->diag.n_entries; i++) {
		_cleanup_free_ char *line = NULL;

		if (diag_format(&m->diag.entries[i], &line) < 0)
			abort();
		strbuf_addf(&b, "%s\n", line);
	}
	if (strbuf_take(&b, &text) < 0)
		abort();
	return text;
}

const char *model_unit(const struct model *m, const char *name)
{
	for (size_t i = 0; i < m->set.n_files; i++)
		if (strcmp(m->set.files[i].name, name) == 0)
			return m->set.files[i].text;
	return NULL;
}

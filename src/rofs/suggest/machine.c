/* SPDX-License-Identifier: MIT */
#include "rofs/suggest/machine.h"

#include <string.h>

static void path_done(struct machine_path *p)
{
	free(p->path);
	free(p->who);
}

void machine_device_done(struct machine_device *d)
{
	free(d->spec);
	free(d->node);
	free(d->type);
	free(d->label);
}

static void dirs_done(struct machine_dirs *dirs)
{
	for (size_t i = 0; i < dirs->n; i++)
		free(dirs->list[i]);
	free(dirs->list);
}

void machine_done(struct machine *m)
{
	dirs_done(&m->directories);
	dirs_done(&m->foreign);
	dirs_done(&m->absent);
	dirs_done(&m->declared_names);
	dirs_done(&m->declared_devices);
	for (size_t i = 0; i < m->n_paths; i++)
		path_done(&m->paths[i]);
	for (size_t i = 0; i < m->n_devices; i++)
		machine_device_done(&m->devices[i]);
	for (size_t i = 0; i < m->n_refusals; i++) {
		free(m->refusals[i].name);
		free(m->refusals[i].why);
	}
	free(m->refusals);
	free(m->named_host_key);
	machine_forget_warnings(m);
	free(m->paths);
	free(m->devices);
	*m = (struct machine){ 0 };
}

static struct machine_path *find(const struct machine *m, const char *path)
{
	for (size_t i = 0; i < m->n_paths; i++)
		if (strcmp(m->paths[i].path, path) == 0)
			return &m->paths[i];
	return NULL;
}

int machine_add_path(struct machine *m, const char *path, enum path_use use, const char *who,
		     const char *suffix)
{
	struct machine_path *known = find(m, path), p = { .use = use, .suffix = suffix };

	if (known && known->use <= use)
		return 0;
	if (array_reserve(m->paths, m->n_paths) < 0)
		return -ENOMEM;
	p.path = strdup(path);
	p.who = strdup(who);
	if (!p.path || !p.who) {
		path_done(&p);
		return -ENOMEM;
	}
	if (!known)
		return m->paths[m->n_paths++] = p, 0;
	known = find(m, path); /* the array may have moved */
	path_done(known);
	*known = p;
	return 0;
}

int machine_add_dir(struct machine_dirs *dirs, const char *path)
{
	if (machine_has(dirs, path))
		return 0;
	if (array_reserve(dirs->list, dirs->n) < 0)
		return -ENOMEM;
	dirs->list[dirs->n] = strdup(path);
	if (!dirs->list[dirs->n])
		return -ENOMEM;
	dirs->n++;
	return 0;
}

bool machine_has(const struct machine_dirs *dirs, const char *path)
{
	for (size_t i = 0; i < dirs->n; i++)
		if (strcmp(dirs->list[i], path) == 0)
			return true;
	return false;
}

const struct machine_refusal *machine_refusal(const struct machine *m, enum conf_kind kind,
					      const char *name)
{
	for (size_t i = 0; i < m->n_refusals; i++)
		if (m->refusals[i].kind == kind && strcmp(m->refusals[i].name, name) == 0)
			return &m->refusals[i];
	return NULL;
}

int machine_refuse(struct machine *m, enum conf_kind kind, const char *name, const char *why)
{
	struct machine_refusal r = { .kind = kind };

	if (machine_refusal(m, kind, name))
		return 0;
	if (array_reserve(m->refusals, m->n_refusals) < 0)
		return -ENOMEM;
	r.name = strdup(name);
	r.why = strdup(why);
	if (!r.name || !r.why) {
		free(r.name);
		free(r.why);
		return -ENOMEM;
	}
	m->refusals[m->n_refusals++] = r;
	return 1;
}

static void warning_done(struct machine_warning *w)
{
	free(w->place);
	free(w->text);
}

int machine_warn(struct machine *m, struct machine_warning w)
{
	if (!w.text || array_reserve(m->warnings, m->n_warnings) < 0) {
		warning_done(&w);
		return -ENOMEM;
	}
	m->warnings[m->n_warnings++] = w;
	return 0;
}

void machine_forget_warnings(struct machine *m)
{
	for (size_t i = 0; i < m->n_warnings; i++)
		warning_done(&m->warnings[i]);
	free(m->warnings);
	m->warnings = NULL;
	m->n_warnings = 0;
}

/* SPDX-License-Identifier: MIT */
/* What rofs check says to what is suggested. */
#include "rofs/suggest/try.h"

#include <string.h>

#include "basic/text.h"
#include "rofs/check/check.h"

struct trial {
	const struct suggestion *suggestion;
	struct machine *machine;
	const struct loaded *l;
	bool all;	  /* with the sections that are comments; then it is about these */
	bool unexplained; /* also what is left out without a word: for want of another section, mostly */
};

static bool is_commented(const struct suggestion *s, const struct conf_section *section)
{
	for (size_t i = 0; i < s->n_sections; i++)
		if (s->sections[i].kind == section->kind && s->sections[i].name &&
		    strcmp(s->sections[i].name, section->name) == 0)
			return s->sections[i].commented;
	return false;
}

/* Is an error about the section, does it begin with its header, or is its position in it? */
static bool is_about(const struct trial *t, const struct diag_entry *e,
		     const struct conf_section *s, const char *header)
{
	const struct pos *at = &e->pos;

	if (e->level != DIAG_ERROR && e->about.kind != PROBLEM_DIRECTORY_PRIVATE)
		return false;
	/* It may come back, or have been found by another name. */
	if (e->about.kind == PROBLEM_DEVICE_MISSING)
		return false;
	if (e->about.path == s->name || e->about.partition == s->name ||
	    strncmp(e->text, header, strlen(header)) == 0)
		return true;
	if (at->file != t->l->conf.files[0] || at->line < s->pos.line)
		return false;
	for (size_t i = 0; i < CONF_KEYS_MAX; i++)
		if (at->line == s->at[i].line)
			return true;
	return at->line == s->pos.line;
}

/* "first declared here", behind an error about a section of rofs.conf.d: this one would be the second. */
static bool is_first_place(const struct trial *t, const struct diag_entry *e,
			   const struct conf_section *s)
{
	return e->level == DIAG_NOTE && !e->about.kind && e->pos.file == t->l->conf.files[0] &&
	       e->pos.line == s->pos.line && e > t->l->diag.entries && e[-1].level == DIAG_ERROR &&
	       e[-1].pos.file != t->l->conf.files[0];
}

/*
 * @ret: the message, beginning with the header, and its place where that is another file; NULL: there is
 * none
 */
static int why_not(const struct trial *t, const struct conf_section *s, char **ret)
{
	const struct diag *d = &t->l->diag;
	_cleanup_free_ char *header = NULL;
	int err = text_format(&header, "[%s %s]: ", conf_kind_to_string(s->kind), s->name);

	for (size_t i = 0; i < d->n_entries && err >= 0; i++) {
		const struct diag_entry *e = &d->entries[i];
		_cleanup_free_ char *place = NULL;
		bool has_header;

		if (is_first_place(t, e, s))
			e--;
		else if (!is_about(t, e, s, header))
			continue;
		has_header = strncmp(e->text, header, strlen(header)) == 0;
		if (e->pos.file && e->pos.file != t->l->conf.files[0])
			err = diag_place(e->pos, &place);
		return err < 0 ?
			       err :
			       text_format(ret, "%s%s%s%s%s", has_header ? "" : header, e->text,
					   place ? " (" : "", place ? place : "", place ? ")" : "");
	}
	if (err < 0 || !t->unexplained)
		return err;
	return text_format(ret, "%sa boot would leave it out", header);
}

/*
 * Refuses a section that has an error, or that is not planned.
 * @name: as in a struct machine_refusal. Returns: as try_suggestion().
 */
static int judge(const struct trial *t, const struct conf_section *s, const char *name,
		 bool planned)
{
	_cleanup_free_ char *why = NULL;
	int err;

	if ((planned && t->unexplained) || s->pos.file != t->l->conf.files[0])
		return 0;
	if (t->all && !is_commented(t->suggestion, s))
		return 0;
	err = why_not(t, s, &why);
	return err < 0 || !why ? err : machine_refuse(t->machine, s->kind, name, why);
}

static int refuse_partitions(const struct trial *t)
{
	const struct conf *c = &t->l->conf;
	int refused = 0;

	for (size_t i = 0; i < c->n_partitions; i++) {
		const struct conf_partition *p = c->partitions[i];
		int err;

		if (!p->device)
			continue;
		err = judge(t, &p->section, p->device, t->l->plan.partitions[i].conf);
		if (err < 0)
			return err;
		refused |= err;
	}
	return refused;
}

static bool has_overlay(const struct plan *p, const struct conf_overlay *o)
{
	for (size_t i = 0; i < p->n_overlays; i++)
		if (p->overlays[i].conf == o)
			return true;
	return false;
}

static int refuse_overlays(const struct trial *t)
{
	const struct conf *c = &t->l->conf;
	int refused = 0;

	for (size_t i = 0; i < c->n_overlays; i++) {
		const struct conf_section *s = &c->overlays[i]->section;
		int err = judge(t, s, s->name, has_overlay(&t->l->plan, c->overlays[i]));

		if (err < 0)
			return err;
		refused |= err;
	}
	return refused;
}

static bool has_persist(const struct plan *p, const struct conf_persist *x)
{
	for (size_t i = 0; i < p->n_persists; i++)
		if (p->persists[i].conf == x)
			return true;
	return false;
}

static int refuse_persists(const struct trial *t)
{
	const struct conf *c = &t->l->conf;
	int refused = 0;

	for (size_t i = 0; i < c->n_persists; i++) {
		const struct conf_section *s = &c->persists[i]->section;
		int err = judge(t, s, s->name, has_persist(&t->l->plan, c->persists[i]));

		if (err < 0)
			return err;
		refused |= err;
	}
	return refused;
}

/* First those on which the others depend. */
static int refuse_sections(struct trial *t)
{
	static int (*const kinds[])(const struct trial *) = {
		refuse_partitions,
		refuse_overlays,
		refuse_persists,
	};
	int err = 0;

	for (unsigned round = 0; round < 2 && err == 0; round++) {
		t->unexplained = round > 0;
		for (size_t i = 0; i < ELEMENTSOF(kinds) && err == 0; i++)
			err = kinds[i](t);
	}
	return err;
}

static int keep_warning(const struct trial *t, const struct diag_entry *e)
{
	struct machine_warning w = { .kind = (enum problem_kind)e->about.kind };
	const struct pos *at = &e->pos;
	int err = 0;

	if (at->file && at->file != t->l->conf.files[0])
		err = at->line ? text_format(&w.place, "%s, line %u", at->file, at->line) :
				 text_format(&w.place, "%s", at->file);
	if (err < 0)
		return err;
	w.text = strdup(e->text);
	return machine_warn(t->machine, w);
}

/* An error elsewhere is one of the machine, or of rofs.conf.d, whatever is suggested. */
static bool is_to_be_told(const struct trial *t, const struct diag_entry *e)
{
	return e->level == DIAG_WARNING ||
	       (e->level == DIAG_ERROR && e->pos.file && e->pos.file != t->l->conf.files[0]);
}

static int keep_warnings(const struct trial *t)
{
	const struct diag *d = &t->l->diag;
	int err = 0;

	machine_forget_warnings(t->machine);
	for (size_t i = 0; i < d->n_entries && err >= 0; i++)
		if (is_to_be_told(t, &d->entries[i]))
			err = keep_warning(t, &d->entries[i]);
	return err;
}

/* The checks look at all of the machine, which is left until the plan has no objection. */
static int try_loaded(struct trial *t, struct checking *c)
{
	int err = refuse_sections(t);

	if (err != 0)
		return err;
	err = check_loaded(c);
	if (err >= 0)
		err = refuse_sections(t);
	return err == 0 && !t->all ? keep_warnings(t) : err;
}

static int try_text(const char *root, struct trial *t)
{
	_cleanup_loaded_ struct loaded l = LOADED_INIT;
	_cleanup_checking_ struct checking c = { .l = &l, .running = t->machine->running };
	_cleanup_free_ char *text = NULL;
	int err = suggestion_declare(t->suggestion, t->all, &text);

	if (err >= 0)
		err = load_proposed(root, text, &l);
	t->l = &l;
	if (err >= 0)
		err = try_loaded(t, &c);
	t->l = NULL;
	/* A reason that is lost for want of memory is no reason. */
	return err >= 0 && (l.diag.failed || l.diag.unread == -ENOMEM) ? -ENOMEM : err;
}

int try_suggestion(const char *root, const struct suggestion *s, struct machine *m)
{
	struct trial t = { .suggestion = s, .machine = m };
	int err = try_text(root, &t);

	if (err != 0)
		return err;
	t.all = true;
	return try_text(root, &t);
}

/* SPDX-License-Identifier: MIT */
#include "plan/left-out.h"

#include <stdlib.h>

int left_outs_init(struct left_outs *l, const struct conf *conf)
{
	*l = (struct left_outs){ .diag = { .draft = true } };
	l->sections = calloc(conf->n_sections + 1, sizeof(*l->sections));
	l->named = calloc(conf->n_partitions + 1, sizeof(*l->named));
	return l->sections && l->named ? 0 : -ENOMEM;
}

void left_outs_done(struct left_outs *l)
{
	free(l->sections);
	free(l->named);
	free(l->list);
	diag_done(&l->diag);
}

void plan_leave_out(struct building *b, struct claim *c, size_t first)
{
	claim_refuse(c, b->because_of_other ? REFUSAL_OTHER : REFUSAL_OWN, first, b->diag);
	b->because_of_other = false;
}

/* The reason that is to be settled first; REFUSAL_NONE: nothing was refused. */
static enum refusal first_reason(const struct building *b)
{
	enum refusal first = REFUSAL_NONE;

	for (size_t i = 0; i < b->n_claims; i++) {
		enum refusal r = b->claims[i].refusal;

		if (r != REFUSAL_NONE && (first == REFUSAL_NONE || r < first))
			first = r;
	}
	return first;
}

static enum plan_stage stage_of(const struct building *b, const struct claim *c)
{
	enum plan_stage stage = STAGE_DIRECTORIES;

	while (stage + 1 < _STAGE_MAX && c->first >= b->stage_at[stage + 1])
		stage++;
	return stage;
}

/* In the order of their messages. */
static int compare(const void *a, const void *b)
{
	const struct left_out *x = a, *y = b;

	return x->first < y->first ? -1 : x->first > y->first;
}

/* From the draft of this round. */
static void keep_messages(struct left_outs *l, struct left_out *out, struct building *b)
{
	size_t first = l->diag.n_entries;

	diag_move(b->diag, out->first, out->last, &l->diag);
	out->first = first;
	out->last = l->diag.n_entries;
}

int left_outs_add(struct left_outs *l, struct building *b)
{
	enum refusal reason = first_reason(b);
	size_t before = l->n;

	for (size_t i = 0; reason != REFUSAL_NONE && i < b->n_claims; i++) {
		const struct claim *c = &b->claims[i];

		if (c->refusal != reason)
			continue;
		if (array_reserve(l->list, l->n) < 0)
			return -ENOMEM;
		l->list[l->n++] = (struct left_out){ stage_of(b, c), c->first, c->last };
		l->sections[c->section->order] = true;
	}
	l->diag.failed = l->diag.failed || b->diag->failed;
	if (l->n == before)
		return 0;
	qsort(l->list + before, l->n - before, sizeof(*l->list), compare);
	for (size_t i = before; i < l->n; i++)
		keep_messages(l, &l->list[i], b);
	return (int)(l->n - before);
}

void left_outs_tell(struct left_outs *l, struct building *b, struct diag *d)
{
	size_t told = 0;

	for (enum plan_stage stage = 0; stage < _STAGE_MAX; stage++) {
		diag_move(b->diag, told, b->stage_at[stage], d);
		told = b->stage_at[stage];
		for (size_t i = 0; i < l->n; i++)
			if (l->list[i].stage == stage)
				diag_move(&l->diag, l->list[i].first, l->list[i].last, d);
	}
	diag_move(b->diag, told, b->diag->n_entries, d);
	d->failed = d->failed || l->diag.failed || b->diag->failed;
}

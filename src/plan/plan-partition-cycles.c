/* SPDX-License-Identifier: MIT */
#include "plan/plan-partition-cycles.h"

#include <stdlib.h>

enum state {
	STATE_NEW,
	STATE_OPEN, /* on the way that is being followed */
	STATE_DONE,
};

struct node {
	enum state state;
	size_t next; /* index into building.waits: what to follow next */
};

/* struct walk - follows what partitions wait for; without recursion, as a chain can be long */
struct walk {
	struct building *b;
	struct node *nodes; /* one for each partition */
	size_t *way, n;	    /* the open ones */
};

static const struct conf_section *section_of(const struct walk *w, size_t partition)
{
	return &w->b->plan.conf->partitions[partition]->section;
}

/* The wait that was followed last. */
static const struct partition_wait *followed(const struct walk *w, size_t partition)
{
	return &w->b->waits[w->nodes[partition].next - 1];
}

/* Starts at the partition that the last one on the way waits for, and follows the way. */
static void tell_cycle(const struct walk *w)
{
	const struct partition_wait *last = followed(w, w->way[w->n - 1]);
	const struct conf_section *s = section_of(w, last->from);
	size_t i = w->n - 1;

	diag_error(
		w->b->diag, conf_key_pos(s, last->key),
		"[Partition %s]: %s=%s: this unit waits for [Partition %s], which waits for this partition; "
		"expected partitions that do not wait for each other",
		s->name, last->key, last->unit, section_of(w, last->to)->name);
	while (w->way[i] != last->to)
		i--;
	for (; i + 1 < w->n; i++) {
		const struct partition_wait *step = followed(w, w->way[i]);

		s = section_of(w, step->from);
		diag_note(w->b->diag, conf_key_pos(s, step->key),
			  "[Partition %s] waits for [Partition %s] here: %s=%s", s->name,
			  section_of(w, step->to)->name, step->key, step->unit);
	}
}

static void go_to(struct walk *w, size_t partition)
{
	w->nodes[partition].state = STATE_OPEN;
	w->way[w->n++] = partition;
}

static void go_back(struct walk *w)
{
	w->nodes[w->way[--w->n]].state = STATE_DONE;
}

/* Takes one step from the last partition on the way. */
static void step(struct walk *w)
{
	const struct building *b = w->b;
	size_t partition = w->way[w->n - 1], to;
	struct node *node = &w->nodes[partition];

	if (node->next == b->n_waits || b->waits[node->next].from != partition) {
		go_back(w);
		return;
	}
	to = b->waits[node->next++].to;
	if (!b->plan.partitions[to].where || w->nodes[to].state == STATE_DONE)
		return;
	if (w->nodes[to].state == STATE_NEW) {
		go_to(w, to);
		return;
	}
	tell_cycle(w);
	plan_partition_done(&b->plan.partitions[partition]);
	go_back(w);
}

int plan_partition_cycles(struct building *b)
{
	size_t n = b->plan.n_partitions;
	_cleanup_free_ struct node *nodes = calloc(n + 1, sizeof(*nodes));
	_cleanup_free_ size_t *way = calloc(n + 1, sizeof(*way));
	struct walk w = { .b = b, .nodes = nodes, .way = way };

	if (!nodes || !way)
		return -ENOMEM;
	for (size_t i = 0, next = 0; i < n; i++) {
		while (next < b->n_waits && b->waits[next].from < i)
			next++;
		nodes[i].next = next;
	}
	for (size_t i = 0; i < n; i++) {
		if (b->plan.partitions[i].where && nodes[i].state == STATE_NEW)
			go_to(&w, i);
		while (w.n > 0)
			step(&w);
	}
	return 0;
}

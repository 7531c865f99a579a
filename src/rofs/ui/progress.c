/* SPDX-License-Identifier: MIT */
#include "rofs/ui/progress.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "basic/text.h"

#define FIRST_AFTER 1000 /* ms: most work is done before anybody wonders */
#define THEN_EACH   100	 /* ms */
#define BAR_MAX	    40u
#define BAR_MIN	    10u
#define BESIDE_BAR  40u /* columns for the text */

static int64_t now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

void progress_begin(struct progress *p, const struct output *o, const char *what, uint64_t total)
{
	const char *term = getenv("TERM");

	*p = (struct progress){ .what = what, .total = total, .begun = now() };
	p->on = o->terminal && term && strcmp(term, "dumb") != 0;
}

/* A file may have grown since it was measured. */
static uint64_t most_of(const struct progress *p)
{
	return p->total > p->done ? p->total : p->done;
}

static unsigned part_of(const struct progress *p, unsigned whole)
{
	uint64_t most = most_of(p);

	return most ? (unsigned)((double)p->done / (double)most * whole) : whole;
}

static void show_bar(const struct progress *p, unsigned size)
{
	char done[TEXT_BYTES_MAX], total[TEXT_BYTES_MAX], bar[BAR_MAX + 1];
	unsigned full = part_of(p, size);

	memset(bar, '#', full);
	memset(bar + full, '.', size - full);
	bar[size] = '\0';
	printf("\r%s [%s] %s of %s\033[K", p->what, bar, text_bytes(done, p->done),
	       text_bytes(total, most_of(p)));
}

static void show(const struct progress *p)
{
	/* It may have been resized. */
	unsigned width = output_width(),
		 size = width > BESIDE_BAR + BAR_MAX ? BAR_MAX : width - BESIDE_BAR;

	/* A longer line would wrap, and could not be removed. */
	if (width >= BESIDE_BAR + BAR_MIN)
		show_bar(p, size);
	else if (width > strlen(p->what) + strlen(" 100%"))
		printf("\r%s %u%%\033[K", p->what, part_of(p, 100));
	fflush(stdout);
}

void progress_add(struct progress *p, uint64_t bytes)
{
	int64_t t;

	p->done += bytes;
	if (!p->on)
		return;
	t = now();
	if (t - p->begun < FIRST_AFTER || t - p->shown < THEN_EACH)
		return;
	p->shown = t;
	show(p);
}

void progress_end(struct progress *p)
{
	if (p->on && p->shown) {
		fputs("\r\033[K", stdout);
		fflush(stdout);
	}
	p->on = false;
}

/* SPDX-License-Identifier: MIT */
#include "rofs/chroot/summary.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "basic/text.h"
#include "rofs/ui/ask.h"
#include "system/program.h"

bool summary_is_empty(const struct chroot *c)
{
	for (size_t i = 0; i < c->n_systems; i++)
		if (c->systems[i].delta.n > 0)
			return false;
	return true;
}

static void print_left_out(const struct chroot_system *s)
{
	const char *slash = strcmp(s->path, "/") == 0 ? "" : "/";

	for (size_t i = 0; i < s->delta.n_left_out; i++)
		program_print("not written: %s%s%s, %s", s->path, slash, s->delta.left_out[i],
			      s->copied ? "which its file system cannot hold" :
					  "which belongs to the running system");
}

void summary_print(const struct chroot *c)
{
	uint64_t added = 0, changed = 0, removed = 0, bytes = 0;
	char text[TEXT_BYTES_MAX];

	for (size_t i = 0; i < c->n_systems; i++) {
		const struct delta *d = &c->systems[i].delta;

		added += d->added;
		changed += d->changed;
		removed += d->removed;
		bytes += d->bytes;
		print_left_out(&c->systems[i]);
	}
	program_print("%" PRIu64 " new, %" PRIu64 " changed, %" PRIu64 " removed; %s", added,
		      changed, removed, text_bytes(text, bytes));
	fflush(stdout);
}

bool summary_ask(const struct chroot *c, const char *question, bool otherwise)
{
	if (!c->on_terminal)
		return otherwise;
	return ask_possible() && ask_yes(question);
}

/* SPDX-License-Identifier: MIT */
/* How large the RAM pools may become: what is in a tmpfs can also go to swap. */
#include <stdlib.h>
#include <string.h>

#include "basic/text.h"
#include "rofs/check/check.h"

#define FILE_MAX_BYTES ((size_t)1024 * 1024)

/* In bytes. @total: with the swap that takes changes, if there is any. */
struct memory {
	uint64_t ram, total;
};

static uint64_t ram_bytes(const struct checking *c)
{
	_cleanup_free_ char *text = NULL;
	const char *line;
	size_t n;

	if (rootfs_read(&c->l->root, "/proc/meminfo", FILE_MAX_BYTES, &text, &n) < 0)
		return 0;
	line = strstr(text, "MemTotal:");
	return line ? strtoull(line + strlen("MemTotal:"), NULL, 10) * 1024 : 0;
}

/* "PATH TYPE SIZE USED PRIORITY", the size in KiB. */
static uint64_t swap_bytes(const char *line)
{
	line += strcspn(line, " \t\n");
	line += strspn(line, " \t");
	line += strcspn(line, " \t\n");
	return strtoull(line, NULL, 10) * 1024;
}

/*
 * The swap that is active, and will be after a reboot. On zram, half of it counts, and at most as
 * much as the RAM: data that is there still takes RAM, about half as much as before. A file does not
 * count: at shutdown its file system is unmounted before the pools, which needs all of it back in RAM.
 */
static uint64_t usable_swap(const struct checking *c, uint64_t ram)
{
	_cleanup_free_ char *text = NULL;
	uint64_t disks = 0, zram = 0;
	size_t n;

	if (rootfs_read(&c->l->root, "/proc/swaps", FILE_MAX_BYTES, &text, &n) < 0)
		return 0;
	for (const char *line = text; *line; line += strcspn(line, "\n"), line += *line == '\n') {
		if (strncmp(line, "/dev/zram", strlen("/dev/zram")) == 0)
			zram += swap_bytes(line) / 2;
		else if (strncmp(line, "/dev/", strlen("/dev/")) == 0 && !c->l->plan.no_swap)
			disks += swap_bytes(line);
	}
	return disks + (zram < ram ? zram : ram);
}

static uint64_t pool_bytes(const struct plan_pool *pool, uint64_t ram)
{
	if (pool->size.bytes)
		return pool->size.bytes;
	return ram / 100 * (pool->size.percent ? pool->size.percent : 50);
}

static void report(struct checking *c, const struct memory *m)
{
	const struct plan *p = &c->l->plan;
	const char *what = m->total > m->ram ? "memory and swap" : "memory";
	char size[TEXT_BYTES_MAX], all[TEXT_BYTES_MAX];
	uint64_t sum = 0;

	text_bytes(all, m->total);
	for (size_t i = 0; i < p->n_pools; i++) {
		const struct plan_pool *pool = &p->pools[i];
		uint64_t bytes = pool_bytes(pool, m->ram);

		sum += bytes;
		if (bytes > m->total)
			check_add(c, PROBLEM_POOL_TOO_LARGE, NULL, pool->pos,
				  "the RAM pool %s may grow to %s, but the machine has %s of %s; "
				  "expected a smaller Size=",
				  pool->dir, text_bytes(size, bytes), all, what);
	}
	if (sum > m->total / 100 * 80 && p->n_pools > 0)
		check_add(c, PROBLEM_POOLS_TOO_LARGE, NULL, c->l->conf.memory.section.pos,
			  "the RAM pools together may grow to %s of %s of %s; if they do, the "
			  "kernel kills programs for lack of it; leave them at least 20%%",
			  text_bytes(size, sum), all, what);
}

int check_memory(struct checking *c)
{
	struct memory m = { .ram = ram_bytes(c) };

	if (m.ram == 0)
		return 0; /* an image: its machine is not known */
	m.total = m.ram + usable_swap(c, m.ram);
	report(c, &m);
	return 0;
}

/* SPDX-License-Identifier: MIT */
/*
 * For the tests, by LD_PRELOAD: the n-th allocation of a program of ours fails, those of libraries included.
 *
 *   FAULT_AT=N        the allocation, counted from 1
 *   FAULT_ALL=1       and all that follow, as on a machine without memory
 *   FAULT_COUNT=FILE  the number of allocations, for a run in which none fails
 */
#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static long n_calls, fail_at;
static int all, active;

static void __attribute__((constructor)) start(void)
{
	const char *at = getenv("FAULT_AT");

	fail_at = at ? atol(at) : 0;
	all = getenv("FAULT_ALL") != NULL;
	/* Not those of mkfs, which it runs. */
	active = strncmp(program_invocation_short_name, "rofs", 4) == 0;
}

static int fails(void)
{
	if (!active)
		return 0;
	n_calls++;
	if (!fail_at || (all ? n_calls < fail_at : n_calls != fail_at))
		return 0;
	errno = ENOMEM;
	return 1;
}

/* The next one is libc's or a sanitizer's. dlsym(3) itself may allocate, before it is known. */
#define NEXT(name)                                                          \
	({                                                                  \
		static __typeof__(&name) next_;                             \
		static int asked_;                                          \
		if (!next_ && !asked_++)                                    \
			next_ = (__typeof__(&name))dlsym(RTLD_NEXT, #name); \
		next_;                                                      \
	})

void *malloc(size_t n)
{
	__typeof__(&malloc) next = NEXT(malloc);

	return !next || fails() ? NULL : next(n);
}

void *calloc(size_t n, size_t size)
{
	__typeof__(&calloc) next = NEXT(calloc);

	return !next || fails() ? NULL : next(n, size);
}

void *realloc(void *p, size_t n)
{
	__typeof__(&realloc) next = NEXT(realloc);

	return !next || fails() ? NULL : next(p, n);
}

static void __attribute__((destructor)) finish(void)
{
	const char *path = getenv("FAULT_COUNT");
	FILE *f;

	if (!active || !path)
		return;
	active = 0;
	f = fopen(path, "w");
	if (!f)
		return;
	fprintf(f, "%ld\n", n_calls);
	fclose(f);
}

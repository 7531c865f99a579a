/* SPDX-License-Identifier: MIT */
#pragma once

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define ELEMENTSOF(x) (sizeof(x) / sizeof((x)[0]))

#define _cleanup_(f)   __attribute__((cleanup(f)))
#define _printf_(a, b) __attribute__((format(printf, a, b)))
#define _unused_       __attribute__((unused))
#define _const_	       __attribute__((const))
#define _pure_	       __attribute__((pure))

/* Hands the pointer over to the caller: the variable's cleanup then frees NULL. */
#define TAKE_PTR(p)                          \
	({                                   \
		__typeof__(p) *pp_ = &(p);   \
		__typeof__(p) taken_ = *pp_; \
		*pp_ = NULL;                 \
		taken_;                      \
	})

/* The same for a struct whose cleanup accepts all-zero. */
#define TAKE_STRUCT(s)                              \
	({                                          \
		__typeof__(s) *ps_ = &(s);          \
		__typeof__(s) taken_struct_ = *ps_; \
		*ps_ = (__typeof__(s)){ 0 };        \
		taken_struct_;                      \
	})

#define TAKE_FD(fd)                 \
	({                          \
		int *pfd_ = &(fd);  \
		int taken_ = *pfd_; \
		*pfd_ = -1;         \
		taken_;             \
	})

static inline void freep(void *p)
{
	free(*(void **)p);
}

static inline void closep(const int *fd)
{
	int saved = errno;

	if (*fd >= 0)
		close(*fd);
	errno = saved;
}

static inline void fclosep(FILE **f)
{
	if (*f)
		fclose(*f);
}

#define _cleanup_free_	 _cleanup_(freep)
#define _cleanup_close_	 _cleanup_(closep)
#define _cleanup_fclose_ _cleanup_(fclosep)

/**
 * array_reserve - make room for one more element of a growing array
 * @array: the array, NULL when empty; replaced when it grows
 * @n:     elements in use
 * @size:  bytes of one element
 *
 * The capacity is the next power of two above @n, so no second counter is kept.
 *
 * Returns: 0, or -ENOMEM with @array unchanged.
 */
static inline int array_reserve_(void **array, size_t n, size_t size)
{
	void *grown;

	/* Full exactly when n is 0 or a power of two. */
	if (n & (n - 1))
		return 0;

	grown = reallocarray(*array, n ? 2 * n : 1, size);
	if (!grown)
		return -ENOMEM;

	*array = grown;
	return 0;
}

#define array_reserve(array, n) array_reserve_((void **)&(array), (n), sizeof(*(array)))

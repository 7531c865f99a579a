/* SPDX-License-Identifier: MIT */
#include "transaction/observed.h"

#include <stdio.h>
#include <string.h>

#include "basic/text.h"
#include "transaction/kept.h"
#include "transaction/lock.h"
#include "transaction/window.h"

#define TRANSACTIONS_MAX ((size_t)1024 * 1024) /* bytes of the published text */

/* The upper shadows what a commit writes. Programs that have a file of the others open see its old version. */
static bool needs_reboot(const struct record *r)
{
	return r->kind != TRANSACTION_COMMIT;
}

static int add(struct transactions *t, const struct record *r)
{
	struct observed_transaction one = { .number = r->number,
					    .needs_reboot = needs_reboot(r),
					    .time = r->time,
					    .bytes = r->bytes };

	snprintf(one.kind, sizeof(one.kind), "%s", transaction_kind_to_string(r->kind));
	for (size_t i = 0; i < r->n_entries; i++)
		one.paths += record_is_change(&r->entries[i]);
	return transactions_add(t, &one);
}

/* Whoever opens the window takes the lock, and leaves its name in the file. */
static bool has_written(const struct rootfs *r)
{
	struct stat st;

	return rootfs_stat(r, "/" LOCK_DIR "/" LOCK_FILE, &st) == 0 && st.st_size > 0;
}

static int add_all(struct transactions *t, const struct kept *k)
{
	int err = 0;

	t->known = true;
	t->unfinished = k->unfinished;
	t->next_is_maintenance = k->maintenance;
	for (size_t i = 0; i < k->n && err >= 0; i++)
		err = add(t, &k->records[i]);
	return err;
}

static int read_published(const struct rootfs *r, struct transactions *ret)
{
	_cleanup_free_ char *text = NULL;
	size_t n;
	int err = rootfs_read(r, "/" TRANSACTIONS_DIR "/" TRANSACTIONS_FILE, TRANSACTIONS_MAX,
			      &text, &n);

	if (err < 0)
		return err == -ENOMEM ? err : 0;
	return transactions_parse(text, ret);
}

/* All of it, which takes time where a transaction had many paths. */
static int read_kept(const struct rootfs *r, struct transactions *t)
{
	_cleanup_kept_ struct kept k = { 0 };
	int err = kept_read_records(r->root_fd, &k);

	if (err >= 0)
		err = add_all(t, &k);
	if (err >= 0)
		err = kept_measure(r->root_fd, &t->kept_bytes);
	t->kept_changed = k.changed;
	return err;
}

static bool is_same_time(const struct timespec *a, const struct timespec *b)
{
	return a->tv_sec == b->tv_sec && a->tv_nsec == b->tv_nsec;
}

/*
 * rofs-watch comes every few minutes, and an upgrade has tens of thousands of paths: what was published counts until
 * a transaction renames something. @published: emptied if it is taken.
 */
static int look(const struct rootfs *r, struct transactions *published, struct transactions *t)
{
	struct timespec changed;
	int err = kept_changed(r->root_fd, &changed);

	if (err == -EACCES || (err > 0 && is_same_time(&published->kept_changed, &changed))) {
		*t = TAKE_STRUCT(*published);
		return 0;
	}
	/* No place for a transaction: the plan says so. */
	if (err == -ENOTDIR || err == -ELOOP)
		return 0;
	return err < 0 ? err : read_kept(r, t);
}

static int observe(const struct rootfs *r, struct transactions *t)
{
	struct transactions published = { 0 };
	int err = read_published(r, &published);

	if (err >= 0)
		err = look(r, &published, t);
	transactions_done(&published);
	return err;
}

int transactions_observe(const struct rootfs *r, struct transactions *ret)
{
	struct transactions t = { 0 };
	int err = observe(r, &t);

	t.has_written = t.has_written || has_written(r);
	if (err < 0) {
		transactions_done(&t);
		return err;
	}
	t.running = window_is_open(r->root_fd) > 0;
	if (t.running) {
		/* What it is just doing is not left; and if it dies, nothing is renamed. */
		t.unfinished = false;
		t.kept_changed = (struct timespec){ 0 };
	}
	*ret = t;
	return 0;
}

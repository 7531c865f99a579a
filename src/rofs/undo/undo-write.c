/* SPDX-License-Identifier: MIT */
/* rofs undo: the transaction. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "basic/text.h"
#include "rofs/rofs.h"
#include "rofs/ui/caller.h"
#include "rofs/ui/end-window.h"
#include "rofs/undo/undo.h"
#include "system/log.h"
#include "transaction/caches.h"
#include "transaction/interrupt.h"
#include "transaction/names.h"
#include "transaction/place.h"
#include "transaction/stage.h"
#include "transaction/window.h"

static int refuse(int err, const char *why)
{
	const int status = err == -EPERM ? ROFS_REFUSED : ROFS_WRONG;

	if (why)
		return log_error(status, "%s", why);
	return log_error(status, "cannot write to flash: %s", strerror(-err));
}

/* Where the old file is: the directory of its transaction has another name by now. */
static int kept_slot(const struct undo *u, const struct record_entry *e, char **ret)
{
	const char *name = place_slot_name(e->slot);

	return name ? text_format(ret, NAME_KEPT ".%u/%s", u->record.number, name) : -EUCLEAN;
}

static int put_back(const struct undo *u, struct stage *s, const struct record_entry *e)
{
	_cleanup_free_ char *slot = NULL;
	int err = kept_slot(u, e, &slot);

	if (err >= 0)
		err = stage_new(s, e->fs, slot, e->path);
	if (err >= 0)
		stage_flags(s, e->old_flags);
	return err;
}

static int put_attributes_back(const struct undo *u, struct stage *s, const struct record_entry *e)
{
	_cleanup_free_ char *slot = NULL;
	int err = text_format(&slot, NAME_KEPT ".%u/" NAME_OLD "/%" PRIu64, u->record.number,
			      e->inode);

	if (err >= 0)
		err = stage_attributes(s, e->fs, slot, e->path);
	if (err >= 0)
		stage_flags(s, e->old_flags);
	return err;
}

static int stage_entry(const struct undo *u, struct stage *s, const struct record_entry *e)
{
	switch (e->operation) {
	case RECORD_NEW:
		return e->old_inode ? put_back(u, s, e) : stage_gone(s, e->fs, e->path);
	case RECORD_GONE:
		return put_back(u, s, e);
	case RECORD_ATTRIBUTES:
		return put_attributes_back(u, s, e);
	case RECORD_TIMES:
	case RECORD_LOG:
	case _RECORD_OPERATION_MAX:
	case _RECORD_OPERATION_INVALID:
		break;
	}
	return 0;
}

static int stage_all(const struct undo *u, struct stage *s)
{
	for (size_t i = 0; i < u->record.n_entries; i++) {
		int err = stage_entry(u, s, &u->record.entries[i]);

		if (err < 0)
			return err;
		if (interrupt_pending())
			return -EINTR;
	}
	return 0;
}

/* Returns the exit status. */
static int switch_all_of_it(const struct undo *u, struct stage *s)
{
	_cleanup_free_ char *why = NULL;
	int err = stage_all(u, s);

	if (err == -EINTR)
		return log_error(ROFS_WRONG, "interrupted; nothing was undone");
	if (err < 0)
		return refuse(err, stage_why(s));
	err = stage_switch(s, &why);
	return err < 0 ? refuse(err, why) : ROFS_DONE;
}

static int write_in_window(const struct undo *u, struct window *w)
{
	const struct stage_about about = { .kind = TRANSACTION_UNDO,
					   .uid = caller_uid(),
					   .user = caller_name(),
					   .command = u->command,
					   .undoes = u->record.number };
	_cleanup_free_ char *why = NULL;
	struct stage *s = NULL;
	int err, status = undo_check_again(u);

	if (status >= 0)
		return status;
	err = stage_begin(w, &about, &s, &why);
	if (err < 0)
		return refuse(err, why);
	status = switch_all_of_it(u, s);
	stage_done(s);
	return status;
}

static int open_and_write(const struct undo *u)
{
	_cleanup_free_ char *why = NULL;
	struct window *w;
	int err, status;

	err = window_open(u->changes.loaded.root.root_fd, (const char *const *)u->record.where,
			  u->record.n_where, &w, &why);
	if (err < 0)
		return refuse(err, why);
	status = write_in_window(u, w);
	if (end_window(w, status == ROFS_DONE ? "all is undone; " : "") != 0)
		status = ROFS_WRONG;
	caches_drop(u->changes.loaded.root.root_fd);
	return status;
}

int undo_check_window(const struct undo *u)
{
	_cleanup_free_ char *why = NULL;
	int err = window_check(u->changes.loaded.root.root_fd, (const char *const *)u->record.where,
			       u->record.n_where, &why);

	return err < 0 ? refuse(err, why) : -1;
}

int undo_write(struct undo *u)
{
	int status;

	interrupt_block();
	status = open_and_write(u);
	if (status != ROFS_DONE)
		interrupt_raise();
	return status;
}

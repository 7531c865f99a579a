/* SPDX-License-Identifier: MIT */
/* rofs chroot: a command in the untouched system, as one transaction. */
#include "rofs/chroot/chroot.h"

#include <signal.h>
#include <string.h>

#include "basic/io.h"
#include "basic/text.h"
#include "rofs/chroot/copied.h"
#include "rofs/chroot/layers.h"
#include "rofs/chroot/run.h"
#include "rofs/chroot/summary.h"
#include "rofs/chroot/switch.h"
#include "rofs/chroot/systems.h"
#include "rofs/chroot/told.h"
#include "rofs/rofs.h"
#include "rofs/ui/ask.h"
#include "rofs/ui/caller.h"
#include "rofs/ui/end-window.h"
#include "rofs/ui/off.h"
#include "system/event.h"
#include "system/log.h"
#include "system/program.h"
#include "system/systemd.h"
#include "transaction/caches.h"
#include "transaction/interrupt.h"
#include "transaction/kept.h"

/* Ends of a run, all of which print a sentence. */
#define DISCARDED "all changes were discarded"
#define STAYS	  "but a file system is still writable"

/* Lets go of the window. Returns 0; else what has failed is said: as end_window(). */
static int let_go(struct chroot *c, const char *done)
{
	/* A directory that is open when it is removed would keep the root from becoming read-only. */
	copied_close(c);
	stage_done(TAKE_PTR(c->stage));
	return c->window ? end_window(TAKE_PTR(c->window), done) : 0;
}

static void chroot_done(struct chroot *c)
{
	layers_remove(c);
	let_go(c, "");
	systems_done(c);
	free(c->command);
	load_done(&c->loaded);
}

/* Returns the exit status. */
static int refuse_or_fail(int err, const char *why)
{
	if (err == -EPERM && why)
		return log_error(ROFS_REFUSED, "%s", why);
	if (why)
		return log_error(ROFS_WRONG, "%s", why);
	return log_error(ROFS_WRONG, "cannot write to flash: %s", strerror(-err));
}

/* Returns -1 to go on, else the exit status. */
static int load(struct chroot *c)
{
	const char *root = program_root();
	int err, status;

	if (geteuid() != 0)
		return log_error(ROFS_REFUSED,
				 "only root can change flash; run rofs chroot as root");
	if (strcmp(root, "/") != 0)
		return log_error(ROFS_USAGE,
				 "rofs chroot is for the running system; unset ROFS_ROOT");
	err = load_plan(root, &c->loaded);
	if (err < 0)
		return log_error(ROFS_WRONG, "%s: %s", root, strerror(-err));
	status = off_check(&c->loaded);
	if (status >= 0)
		return status;
	return load_report_unread(&c->loaded) ? ROFS_WRONG : -1;
}

static int open_window(struct chroot *c, char **ret_why)
{
	const char **where = calloc(c->n_systems, sizeof(*where));
	size_t n = 0;
	int err;

	if (!where)
		return -ENOMEM;
	for (size_t i = 0; i < c->n_systems; i++)
		if (!c->systems[i].copied)
			where[n++] = c->systems[i].where;
	err = window_open(c->loaded.root.root_fd, where, n, &c->window, ret_why);
	free((void *)where);
	for (size_t i = 0; i < c->n_systems && err >= 0; i++)
		if (!c->systems[i].copied)
			c->systems[i].fd = window_fd(c->window, c->systems[i].index);
	return err;
}

static int begin(struct chroot *c, char **ret_why)
{
	const struct stage_about about = { .kind = TRANSACTION_CHROOT,
					   .uid = caller_uid(),
					   .user = caller_name(),
					   .command = c->command };
	int err = copied_finish(c, ret_why);

	if (err >= 0)
		err = stage_begin(c->window, &about, &c->stage, ret_why);
	if (err >= 0)
		err = layers_make(c, ret_why);
	return err < 0 ? err : copied_make(c, ret_why);
}

/* A transaction that the next boot completes would undo what is written directly. */
static int check_unfinished(const struct chroot *c, char **ret_why)
{
	_cleanup_kept_ struct kept kept = { 0 };
	int err = kept_read_records(c->loaded.root.root_fd, &kept);

	if (err < 0 || !kept.unfinished)
		return err;
	err = text_format(ret_why, "an earlier transaction was interrupted; reboot to complete it, "
				   "or see rofs-finish(8) if that has failed");
	return err < 0 ? err : -EPERM;
}

static int open_all(struct chroot *c, char **ret_why)
{
	int err = systems_find(c, ret_why);

	if (err >= 0)
		err = open_window(c, ret_why);
	if (err >= 0)
		err = systems_devices(c);
	if (err < 0)
		return err;
	return c->options.direct ? check_unfinished(c, ret_why) : begin(c, ret_why);
}

static int discard(struct chroot *c, const struct run_result *r)
{
	int closed;

	layers_remove(c);
	closed = let_go(c, "");
	if (r->ended_by) {
		log_error(0, "ended by a signal; " DISCARDED);
		raise(r->ended_by);
		interrupt_raise();
		return ROFS_WRONG;
	}
	if (!r->ran)
		return log_error(ROFS_WRONG, "the chroot failed; " DISCARDED);
	if (r->signal)
		return log_error(r->status, "signal %d ended the command; " DISCARDED, r->signal);
	if (r->status != 0)
		return log_error(r->status, "the command ended with exit status %d; " DISCARDED,
				 r->status);
	if (closed != 0)
		return log_error(ROFS_WRONG, closed < 0 ? DISCARDED ", " STAYS : DISCARDED);
	log_info(DISCARDED);
	return ROFS_DONE;
}

static int give_up(struct chroot *c, int err, const char *why)
{
	int status = refuse_or_fail(err, why);

	copied_forget(c);
	layers_remove(c);
	let_go(c, "");
	log_error(0, DISCARDED);
	interrupt_raise();
	return status;
}

static int read_overlay(struct chroot_system *s, bool is_root, char **ret_why)
{
	_cleanup_close_ int upper = open_dir_at(s->layers_fd, s->upper);
	_cleanup_free_ char *where = NULL;
	int err = upper < 0 ? upper : delta_read(upper, s->fd, is_root, &s->delta, &where);

	if (err >= 0)
		err = delta_clean(upper, &s->delta);
	if (err < 0 && where)
		text_format(ret_why, "cannot read %s%sthe changes to %s: %s", where,
			    *where ? " of " : "", s->path, strerror(-err));
	return err;
}

static int read_deltas(struct chroot *c, char **ret_why)
{
	int err = 0;

	for (size_t i = 0; i < c->n_systems && err >= 0; i++) {
		struct chroot_system *s = &c->systems[i];

		err = s->copied ? copied_read(s) : read_overlay(s, i == 0, ret_why);
	}
	return err;
}

static int finish(struct chroot *c)
{
	unsigned number = stage_number(c->stage);
	bool switched = stage_count(c->stage) > 0;
	int err = copied_switch(c), closed = let_go(c, "all is written; ");

	if (err < 0)
		return ROFS_WRONG;
	caches_drop(c->loaded.root.root_fd);
	if (switched)
		told_conflicts(c, number);
	units_restart("rofs-watch.service"); /* for motd, where that runs */
	event_record(EVENT_CHROOT_DONE, "rofs chroot has written to flash; a reboot completes it");
	if (closed != 0)
		return log_error(ROFS_WRONG, "written to flash%s; a reboot completes it",
				 closed < 0 ? ", " STAYS : "");
	log_info("written to flash; a reboot completes it");
	return ROFS_DONE;
}

static int switch_all(struct chroot *c)
{
	_cleanup_free_ char *why = NULL;
	int err = layers_bring(c, &why);

	if (err >= 0)
		err = switch_stage(c, &why);
	if (err >= 0)
		err = copied_write(c, &why);
	if (err < 0 || interrupt_pending())
		return give_up(c, err < 0 ? err : -EINTR, why);
	err = stage_switch(c->stage, &why);
	if (err == -EUCLEAN) {
		let_go(c, "");
		return log_error(ROFS_WRONG,
				 "only a part was written (%s); the next boot writes the rest",
				 why ? why : "an error of the medium");
	}
	if (err < 0)
		return give_up(c, err, why);
	return finish(c);
}

static int keep(struct chroot *c)
{
	_cleanup_free_ char *why = NULL;
	int err = read_deltas(c, &why);

	if (err < 0)
		return give_up(c, err, why);
	if (summary_is_empty(c)) {
		layers_remove(c);
		if (let_go(c, "") != 0)
			return log_error(ROFS_WRONG, "nothing was changed, " STAYS);
		log_info("nothing was changed");
		return ROFS_DONE;
	}
	summary_print(c);
	if (!c->options.yes && !summary_ask(c, "Write these changes to flash?", true))
		return give_up(c, -EPERM, "not confirmed");
	return switch_all(c);
}

static int end_direct(struct chroot *c, const struct run_result *r)
{
	int err = let_go(c, "");

	caches_drop(c->loaded.root.root_fd);
	if (r->ended_by) {
		raise(r->ended_by);
		interrupt_raise();
	}
	if (!r->ran)
		return ROFS_WRONG;
	log_info("the command has written to flash itself; a reboot completes it");
	return r->status == 0 && err != 0 ? ROFS_WRONG : r->status;
}

/* The last command of a shell decides about its status, which says little. */
static bool is_kept(const struct chroot *c, const struct run_result *r)
{
	if (!r->ran || r->signal || r->ended_by || c->options.discard)
		return false;
	if (r->status == 0)
		return true;
	return r->by_shell &&
	       summary_ask(c, "The shell ended with an error. Keep the changes all the same?",
			   false);
}

static int run(struct chroot *c)
{
	_cleanup_free_ char *why = NULL;
	struct run_result r = { 0 };
	int status = load(c), err;

	if (status >= 0)
		return status;
	interrupt_block();
	err = open_all(c, &why);
	if (err < 0)
		return refuse_or_fail(err, why);
	err = run_command(c, &r);
	if (err < 0)
		return give_up(c, err, NULL);
	if (c->options.direct)
		return end_direct(c, &r);
	return is_kept(c, &r) ? keep(c) : discard(c, &r);
}

int verb_chroot(int argc, char **argv)
{
	_cleanup_(chroot_done) struct chroot c = { .loaded = LOADED_INIT, .on_fd = -1 };
	int status;

	if (caller_command(argc, argv, &c.command) < 0)
		return log_error(ROFS_WRONG, "out of memory");
	status = chroot_options_parse(argc, argv, &c.options);
	c.on_terminal = ask_possible();
	return status >= 0 ? status : run(&c);
}

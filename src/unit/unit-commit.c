/* SPDX-License-Identifier: MIT */
/*
 * What writes to the lowers: what finishes at boot a transaction that a power cut has interrupted, what
 * commits at the times of CommitAt=, and what ends a maintenance boot.
 */
#include <string.h>

#include "basic/text.h"
#include "unit/unit-internal.h"

#define FINISH "rofs-finish"

/*
 * In what systemd gives to glob(3), with GLOB_BRACE. A bracket, since a backslash at the end of a line would join the
 * next one; it does not quote a brace.
 */
static void add_pattern(struct strbuf *b, const char *path)
{
	for (; *path; path++) {
		if (*path == '{')
			strbuf_add_char(b, '?');
		else if (strchr("*?[\\", *path))
			strbuf_addf(b, "[%c]", *path);
		else
			strbuf_add(b, *path == '%' ? "%%" : (const char[]){ *path, '\0' });
	}
}

static int render_maintenance(struct rendering *r)
{
	const struct unit_helper helper = { .program = "rofs-prepare",
					    .verb = "maintenance",
					    .sandbox = SANDBOX_MARK };
	_cleanup_strbuf_ struct strbuf b = { 0 };

	unit_add_head(&b, (struct pos){ 0 }, "/rofs/maintenance",
		      "only this boot is a maintenance boot");
	strbuf_add(&b, "# Then the root file system is writable.\n"
		       "After=systemd-remount-fs.service\n");
	unit_add_before_local_fs(&b);
	strbuf_add(&b,
		   "ConditionPathExists=/rofs/maintenance\n"
		   "# /run outlives a soft reboot, which would come back as a maintenance boot.\n"
		   "Conflicts=shutdown.target\nBefore=shutdown.target\n"
		   "# Without its file in /run, a daemon-reload would bring the overlays back.\n"
		   "RefuseManualStop=yes\nIgnoreOnIsolate=yes\n");
	unit_add_helper(r, &b, &helper);
	strbuf_add(&b, "ExecStop=/bin/rm -f /run/rofs/maintenance\n");
	return unit_add_unit(r, UNIT_MAINTENANCE, &b);
}

/*
 * Once it has switched something, this boot has read old files and new ones. A condition that is not met is
 * no success: systemd acts when the service becomes inactive after it was started.
 */
static int render_finish_root(struct rendering *r)
{
	const struct plan *p = r->plan;
	_cleanup_strbuf_ struct strbuf b = { 0 };

	unit_add_head(&b, (struct pos){ 0 }, "/rofs/commit",
		      "finish a commit that a power cut interrupted");
	strbuf_add(&b, "ConditionPathExists=/rofs/commit\n"
		       "# fsck of the root, and what makes it read-only, come first.\n"
		       "After=systemd-remount-fs.service\n");
	strbuf_add(
		&b,
		p->maintenance ?
			"# It ends this maintenance boot, and the next boot is to be one as well.\n"
			"Before=" UNIT_MAINTENANCE "\n" :
			"# They cover what it works on, and show what it changes.\n"
			"Before=rofs.mount rofs-ro.mount\n");
	if (p->early_mounts != SIZE_MAX)
		strbuf_addf(&b, "Before=%s\n", p->runs[p->early_mounts].unit);
	unit_add_before_local_fs(&b);
	strbuf_add(
		&b,
		"# The system has read old files and new ones. When this fails, the boot goes on.\n"
		"SuccessAction=reboot-force\n"
		"\n[Service]\nType=oneshot\n");
	unit_add_timeout(&b, true);
	strbuf_addf(&b, "ExecStart=%s/" FINISH "\n", r->libexec_dir);
	unit_add_sandbox(&b, SANDBOX_WINDOW);
	return unit_add_unit(r, UNIT_FINISH, &b);
}

/*
 * What a power cut has left half-way is completed before anybody works on it. The mark stays for the boot
 * after that: the service that removes it comes later.
 */
int unit_render_maintenance(struct rendering *r)
{
	int err = render_maintenance(r);

	return err >= 0 && r->plan->facts->commit_is_unfinished ? render_finish_root(r) : err;
}

/* struct place - where a transaction is finished, for the sake of which section; borrowed */
struct place {
	struct pos pos;
	const char *name, *dir, *unit;
	const char *mount_unit; /* NULL: whatever mounts @dir */
};

static void add_its_mount(struct strbuf *b, const struct place *at)
{
	if (at->mount_unit) {
		strbuf_add(b, "# Not required: without it, there is nothing to finish.\n");
		strbuf_addf(b, "After=%s\n", at->mount_unit);
		return;
	}
	strbuf_add(b, "# Where it works.\n");
	unit_add_requires_mounts_for(b, at->dir);
}

/* On another file system, before its overlay is mounted: no reboot is needed. */
static int render_finish_at(struct rendering *r, const struct place *at)
{
	const struct unit_helper helper = { .program = FINISH,
					    .subject = at->dir,
					    .sandbox = SANDBOX_WINDOW,
					    .may_be_long = true };
	_cleanup_strbuf_ struct strbuf b = { 0 };

	unit_add_head(&b, at->pos, at->name, "finish a commit that a power cut interrupted");
	add_its_mount(&b, at);
	strbuf_add(&b, "ConditionPathExistsGlob=");
	add_pattern(&b, at->dir);
	strbuf_add(&b, "/.rofs/staging.*\n");
	unit_add_before_local_fs(&b);
	strbuf_add(&b, "# The overlays require it through rofs-prepare, and stay mounted.\n"
		       "IgnoreOnIsolate=yes\n");
	unit_add_helper(r, &b, &helper);
	return unit_add_unit(r, at->unit, &b);
}

int unit_render_finish(struct rendering *r)
{
	const struct plan *p = r->plan;
	int err = p->n_pools > 0 ? render_finish_root(r) : 0;

	for (size_t i = 0; i < p->n_lowers && err >= 0; i++) {
		const struct plan_lower *l = &p->lowers[i];
		const struct place at = { l->pos, l->entry->dir, l->where, l->finish_unit,
					  l->unit };

		if (l->finish_unit)
			err = render_finish_at(r, &at);
	}
	for (size_t i = 0; i < p->n_finishes && err >= 0; i++) {
		const char *dir = p->finishes[i].entry->dir;
		const struct place at = { { 0 }, dir, dir, p->finishes[i].unit, NULL };

		err = render_finish_at(r, &at);
	}
	return err;
}

static void add_command(struct strbuf *b, const char *key, const char *path)
{
	strbuf_addf(b, "%s" ROFS_COMMAND " commit --yes ", key);
	unit_add_argument(b, path);
	strbuf_add_char(b, '\n');
}

static int render_timer(struct rendering *r, const struct plan_overlay *o)
{
	_cleanup_strbuf_ struct strbuf b = { 0 };
	size_t n;

	unit_add_late_head(&b, o->conf->section.pos, o->path, "when to commit it");
	strbuf_add(&b, "\n[Timer]\n");
	for (const char *s = o->conf->commit_at; (s = conf_next_time(s, &n)); s += n)
		if (!conf_is_shutdown(s, n))
			strbuf_addf(&b, "OnCalendar=%.*s\n", (int)n, s);
	return unit_add_unit(r, o->commit_timer, &b);
}

/*
 * Another commit that is running makes this one fail; so do changes during the commit. What flash cannot hold does
 * so each time, and any user can make such a file: each try writes to flash.
 */
static int render_commit(struct rendering *r, const struct plan_overlay *o)
{
	_cleanup_strbuf_ struct strbuf b = { 0 };

	unit_add_late_head(&b, o->conf->section.pos, o->path, "commit its changes");
	strbuf_add(&b, "# Only what is in force can be committed.\n");
	unit_add_requires_mounts_for(&b, o->path);
	strbuf_add(&b,
		   "# While another commit is running, it is refused, and tries ten times more.\n"
		   "# What the timer starts counts as well, which may be every minute.\n"
		   "StartLimitIntervalSec=10min\nStartLimitBurst=11\n"
		   "\n[Service]\nType=oneshot\nRestart=on-failure\nRestartSec=30s\n"
		   "# In a boot without rofs, or for what cannot be written, that would not help.\n"
		   "RestartPreventExitStatus=1 2 4\n");
	unit_add_timeout(&b, true);
	add_command(&b, "ExecStart=", o->path);
	unit_add_sandbox(&b, SANDBOX_WINDOW);
	return unit_add_unit(r, o->commit_service, &b);
}

/* Is the journal there, which would be written to while it is copied? */
static bool holds_journal(const char *path)
{
	return strcmp(path, "/var") == 0 || strcmp(path, "/var/log") == 0 ||
	       strcmp(path, "/var/log/journal") == 0;
}

static void add_stop(struct strbuf *b, const struct plan_overlay *o)
{
	if (holds_journal(o->path))
		strbuf_add(b, "# From here on the journal is in /run.\n"
			      "ExecStop=-/bin/journalctl --relinquish-var\n");
	/* A minus: the other paths do not depend on this one. */
	add_command(b, "ExecStop=-", o->path);
}

/*
 * Services stop before basic.target and sysinit.target do, and this stops after those. It has one command for
 * each path, one after the other: only one commit can run at a time.
 */
static int render_shutdown(struct rendering *r)
{
	const struct plan *p = r->plan;
	_cleanup_strbuf_ struct strbuf b = { 0 };

	unit_add_head(&b, (struct pos){ 0 }, "CommitAt=" CONF_SHUTDOWN, "commit at shutdown");
	strbuf_add(&b,
		   "# What is ordered after this has stopped before it: all ordinary services.\n"
		   "After=local-fs.target\nBefore=sysinit.target\n"
		   "Conflicts=shutdown.target\nBefore=shutdown.target\n"
		   "# It is for the end of the boot, not for `systemctl isolate`.\n"
		   "IgnoreOnIsolate=yes\n"
		   "\n[Service]\nType=oneshot\nRemainAfterExit=yes\n"
		   "# A medium that hangs must not keep the machine on for ever.\n"
		   "TimeoutStopSec=15min\n");
	for (size_t i = 0; i < p->n_overlays; i++)
		if (p->overlays[i].commit_at_shutdown)
			add_stop(&b, &p->overlays[i]);
	unit_add_sandbox(&b, SANDBOX_WINDOW);
	return unit_add_unit(r, UNIT_SHUTDOWN, &b);
}

static bool commits_at_shutdown(const struct plan *p)
{
	for (size_t i = 0; i < p->n_overlays; i++)
		if (p->overlays[i].commit_at_shutdown)
			return true;
	return false;
}

int unit_render_commits(struct rendering *r)
{
	const struct plan *p = r->plan;
	int err = 0;

	for (size_t i = 0; i < p->n_overlays && err >= 0; i++) {
		if (!p->overlays[i].commit_timer)
			continue;
		err = render_timer(r, &p->overlays[i]);
		if (err >= 0)
			err = render_commit(r, &p->overlays[i]);
	}
	return err >= 0 && commits_at_shutdown(p) ? render_shutdown(r) : err;
}

static int pull(struct rendering *r, const char *target, const char *unit)
{
	_cleanup_free_ char *dir = NULL, *to = NULL;
	int err = text_format(&dir, "%s.wants/", target);

	if (err >= 0)
		err = text_format(&to, "../%s", unit);
	return err < 0 ? err : unit_add_link(r, dir, unit, to);
}

int unit_render_commit_links(struct rendering *r)
{
	const struct plan *p = r->plan;
	int err = 0;

	for (size_t i = 0; i < p->n_overlays && err >= 0; i++)
		if (p->overlays[i].commit_timer)
			err = pull(r, "timers.target", p->overlays[i].commit_timer);
	return err >= 0 && commits_at_shutdown(p) ? pull(r, "sysinit.target", UNIT_SHUTDOWN) : err;
}

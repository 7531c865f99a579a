/* SPDX-License-Identifier: MIT */
#pragma once

#include "basic/strbuf.h"
#include "unit/unit.h"

/* What the modules of unit share. Everybody else includes unit.h. */

#define LOCAL_FS "local-fs.target"
/* The run for what needs no device, if the first one could not make all layers. */
#define UNIT_RETRY  "rofs-prepare-retry.service"
#define UNIT_VERIFY "rofs-verify.service"
/* It ends what rofs maintenance has asked for. */
#define UNIT_MAINTENANCE "rofs-maintenance.service"
/* It finishes a transaction on the root file system that a power cut has interrupted. */
#define UNIT_FINISH "rofs-finish.service"
/* It makes the block device of the root file system read-only. */
#define UNIT_DEVICE "rofs-device.service"
/* It commits at shutdown. */
#define UNIT_SHUTDOWN "rofs-shutdown.service"

/** struct rendering - @plan and @libexec_dir are borrowed */
struct rendering {
	const struct plan *plan;
	const char *libexec_dir; /* of rofs-prepare and the other helpers */
	struct unit_set set;
};

/* unit-text.c: lines that several kinds of units have, and how systemd wants a value spelled. */

/** unit_file_free - its strings */
void unit_file_free(struct unit_file *f);

/** unit_add_unit - a file with the text of @b, which is empty then. Returns: 0 or -ENOMEM. */
int unit_add_unit(struct rendering *r, const char *name, struct strbuf *b);

/** unit_add_link - a link DIR/NAME; @dir is "" or ends with '/'. Returns: 0 or -ENOMEM. */
int unit_add_link(struct rendering *r, const char *dir, const char *name, const char *target);

/**
 * unit_add_head - how every unit of ours begins that has no default dependencies; @what says what the
 * unit is to @subject
 */
void unit_add_head(struct strbuf *b, struct pos pos, const char *subject, const char *what);

/** unit_add_late_head - the same of one that comes when the system is up, as most units do */
void unit_add_late_head(struct strbuf *b, struct pos pos, const char *subject, const char *what);

/*
 * A text in which '%' is not special; a path as the rest of a line, or as a whole line; a path as
 * one word of RequiresMountsFor=; a path as one word of a command line.
 */
void unit_add_escaped(struct strbuf *b, const char *s);
void unit_add_path(struct strbuf *b, const char *path);
void unit_add_path_line(struct strbuf *b, const char *key, const char *path);
void unit_add_requires_mounts_for(struct strbuf *b, const char *path);
void unit_add_argument(struct strbuf *b, const char *path);

/* unit-sandbox.c: what a service may do, and for how long. */

enum unit_sandbox {
	SANDBOX_MOUNT,	/* it prepares directories and mounts */
	SANDBOX_DEVICE, /* it works on the file system of a block device */
	SANDBOX_WINDOW, /* it makes lowers writable, in a mount namespace that it makes itself */
	SANDBOX_MARK,	/* it writes a file and removes one */
	_SANDBOX_MAX,
};

/** unit_add_sandbox - the end of a [Service] section */
void unit_add_sandbox(struct strbuf *b, enum unit_sandbox kind);

/** unit_add_timeout - how long a start may take; @may_be_long: as long as the medium needs */
void unit_add_timeout(struct strbuf *b, bool may_be_long);

/** struct unit_helper - a run of a helper of ours; @verb, @subject: its arguments; NULL: none */
struct unit_helper {
	const char *program, *verb, *subject;
	enum unit_sandbox sandbox;
	bool may_be_long;
};

/** unit_add_helper - the section of a service that runs a helper of ours once */
void unit_add_helper(const struct rendering *r, struct strbuf *b, const struct unit_helper *h);

/** unit_add_run - unit_add_helper() for a run of rofs-prepare */
void unit_add_run(const struct rendering *r, struct strbuf *b, const struct plan_run *run);

/** unit_add_options - the line Options= */
void unit_add_options(struct strbuf *b, const char *options);

/* Dependencies. The caller says why in a comment, where these do not. */
/* With @why as a comment, if there are any. */
void unit_add_dependencies(struct strbuf *b, const struct plan_dependencies *d, const char *why);
void unit_add_requires_after(struct strbuf *b, const char *unit);
void unit_add_before_local_fs(struct strbuf *b);
void unit_add_before_verify(struct strbuf *b);
void unit_add_refuse_stop(struct strbuf *b);
void unit_add_umount(struct strbuf *b);
void unit_add_after_early_mounts(struct rendering *r, struct strbuf *b);

/** unit_add_quiet - for mounts that rofs-prepare has made before their units start */
void unit_add_quiet(struct strbuf *b, bool early);

/* The kinds of units, each of them all. They return 0 or -ENOMEM. */

/* unit-system.c: what units of the distribution are told, and what pulls in ours */
int unit_render_remount(struct rendering *r);
int unit_render_firstboot(struct rendering *r);
int unit_render_swaps(struct rendering *r);
int unit_render_links(struct rendering *r);
int unit_render_maintenance_links(struct rendering *r);

/* unit-layer.c: RAM, the untouched root, and the runs of rofs-prepare */
int unit_render_pools(struct rendering *r);
int unit_render_ro(struct rendering *r);
int unit_render_tmp(struct rendering *r);
int unit_render_runs(struct rendering *r);

/* unit-partition.c: what is on block devices */
int unit_render_lowers(struct rendering *r);
int unit_render_partitions(struct rendering *r);
int unit_render_fstab_duplicates(struct rendering *r);

/* unit-overlay.c */
int unit_render_overlays(struct rendering *r);

/** unit_is_etc - PID 1 has the machine-id mounted there, and more reads it early */
bool unit_is_etc(const struct plan_overlay *o);

/* unit-commit.c: transactions, and the maintenance boot */
int unit_render_maintenance(struct rendering *r);
int unit_render_finish(struct rendering *r);
int unit_render_commits(struct rendering *r);
int unit_render_commit_links(struct rendering *r);

/* unit-device.c */
int unit_render_device(struct rendering *r);

/* unit-late.c: what a device starts that was not there in time */
int unit_render_late(struct rendering *r);

/* unit-persist.c */
int unit_render_persists(struct rendering *r);

/* SPDX-License-Identifier: MIT */
/*
 * What the parts of the judge share; check.h is for its caller. Every check_*() aborts on what was not meant. Strings that are
 * returned belong to the caller, and are never NULL.
 */
#pragma once

#include "check.h"

/* --- unit-file.c: a unit as systemd reads it ----------------------------------------------------------------------------- */

struct setting {
	char *section, *key, *value;
};

struct unit {
	const char *name; /* borrowed */
	struct setting *settings;
	size_t n;
};

/** parse_unit - the settings of a file: comments are gone, continuation lines joined */
struct unit parse_unit(const struct unit_file *f);

/** unit_done - free what parse_unit() made */
void unit_done(struct unit *u);

/** value_of - the value of the first @key in any section, which must be there; borrowed */
const char *value_of(const struct unit *u, const char *key);

/** copy_n - a copy of at most @n bytes of @s */
char *copy_n(const char *s, size_t n);

/** join - a new string: @a, then @b */
char *join(const char *a, const char *b);

/** strip - @s without blanks at both ends; changed in place */
char *strip(char *s);

/* --- quoting.c: read back what names and values stand for ---------------------------------------------------------------- */

/** undouble - @s with each @sign once; every one of them must be doubled */
char *undouble(const char *s, char sign);

/** unpercent - a value without specifiers: nothing but %% is meant */
char *unpercent(const char *s);

/** simplify - a path without repeated slashes, and without those at the end */
char *simplify(const char *s);

/** same_path - are both the same after simplify()? */
bool same_path(const char *value, const char *path);

/** ends_with - is @end the end of @s? */
bool ends_with(const char *s, const char *end);

/** path_of_unit - the path of a unit name, which must end in @suffix */
char *path_of_unit(const char *name, const char *suffix);

/** is_device - is @path where udev puts @device, which is a path or a tag as in fstab? */
bool is_device(const char *path, const char *device);

/** command_word - the argument that one word of a command line stands for: \xNN is a byte, $$ and %% are single ones */
char *command_word(const char *s);

/* --- declared.c: what was declared --------------------------------------------------------------------------------------- */

enum mount_kind {
	MOUNT_SHARED_POOL,
	MOUNT_OWN_POOL,
	MOUNT_RO,
	MOUNT_TMP,
	MOUNT_LOWER,
	MOUNT_LOWER_BIND,
	MOUNT_MERGED,
	MOUNT_BIND,
	MOUNT_PARTITION,
	MOUNT_PERSIST,
	MOUNT_FSTAB_DUPLICATE
};

/* A mount that would be all right. */
struct mount {
	enum mount_kind kind;
	char *where, *what;
	char *layers; /* of an overlay */
	const struct conf_overlay *overlay;
	const struct conf_partition *partition;
	const struct fstab_entry *entry;
	bool lower_is_live; /* of an overlay: fstab mounts its file system as if there were no rofs */
};

struct check {
	const struct conf *conf;
	const struct facts *facts;
	const struct unit_set *set;
	struct mount *mounts; /* owned; all else is borrowed */
	size_t n_mounts;
};

/** check_init - list every mount that @c->conf and @c->facts can mean. Sections with a mistake mean nothing. */
void check_init(struct check *c);

/** check_done - free that list */
void check_done(struct check *c);

/* --- mounts.c: mount units ----------------------------------------------------------------------------------------------- */

/** type_of - the Type= of a declared mount; borrowed */
const char *type_of(const struct mount *m);

/** has_word - is @word in a list with commas? */
bool has_word(const char *list, const char *word);

/** check_mount - a mount unit is one of the declared mounts */
void check_mount(const struct check *c, const struct unit *u);

/* --- dependencies.c: the [Unit] section ---------------------------------------------------------------------------------- */

struct rule {
	const char *section, *key;
	size_t min, max; /* how often */
};

/* How often the settings of unit-sandbox.c are in a unit that has them. */
#define SANDBOX_RULES(n_capabilities)                                                            \
	{ "Service", "CapabilityBoundingSet", n_capabilities, n_capabilities },                  \
		{ "Service", "SystemCallFilter", 1, 1 },                                         \
		{ "Service", "SystemCallErrorNumber", 1, 1 },                                    \
		{ "Service", "SystemCallArchitectures", 1, 1 },                                  \
		{ "Service", "NoNewPrivileges", 1, 1 },                                          \
		{ "Service", "RestrictAddressFamilies", 1, 1 },                                  \
		{ "Service", "RestrictNamespaces", 1, 1 },                                       \
		{ "Service", "RestrictRealtime", 1, 1 }, { "Service", "LockPersonality", 1, 1 }, \
	{                                                                                        \
		"Service", "MemoryDenyWriteExecute", 1, 1                                        \
	}

/** check_counts - each setting is in a rule, and as often as that says */
void check_counts(const struct unit *u, const struct rule *rules, size_t n_rules);

/** check_unit_section - dependencies are on units that exist and on paths that were declared */
void check_unit_section(const struct check *c, const struct unit *u);

/** find - the file of that name in the set, or NULL; borrowed */
const struct unit_file *find(const struct check *c, const char *name);

/** is_pool_or_layer - is @path a directory of ours, below /rofs or on a partition? */
bool is_pool_or_layer(const struct check *c, const char *path);

/* --- named.c ------------------------------------------------------------------------------------------------------------- */

/** is_named_unit - does Requires= or After= of a partition name it, or an option of fstab as a dependency? */
bool is_named_unit(const struct check *c, const char *name);

/** is_named_path - the same of RequiresMountsFor= */
bool is_named_path(const struct check *c, const char *path);

/** is_named_link - does an option of fstab say what pulls in this lower? */
bool is_named_link(const struct check *c, const char *name);

/* --- services.c ---------------------------------------------------------------------------------------------------------- */

/** check_device_service - it makes the device of / read-only */
void check_device_service(const struct check *c, const struct unit *u);

/** check_partition_service - one @command with a partition's name as the last part of its argument */
void check_partition_service(const struct check *c, const struct unit *u, const char *command);

/** check_prepare - a run of rofs-prepare for a pool, a partition or the volatile fallback */
void check_prepare(const struct check *c, const struct unit *u);

/** check_guard - a run of rofs-prepare that guards the mount point of a persist */
void check_guard(const struct check *c, const struct unit *u);

/* --- commits.c ----------------------------------------------------------------------------------------------------------- */

/** is_pending - may a commit have to be finished on this mount point of fstab, which is no lower? */
bool is_pending(const struct check *c, const char *path);

/** check_finish - rofs-finish.service, of the root; check_finish_lower - of what fstab mounts */
void check_finish(const struct check *c, const struct unit *u);
void check_finish_lower(const struct check *c, const struct unit *u);

/** check_timer, check_commit - rofs-commit-PATH.timer and .service, as CommitAt= of the path says */
void check_timer(const struct check *c, const struct unit *u);
void check_commit(const struct check *c, const struct unit *u);

/** check_shutdown - rofs-shutdown.service */
void check_shutdown(const struct check *c, const struct unit *u);

/* --- overrides.c: drop-ins for units of others --------------------------------------------------------------------------- */

/** is_span - is it a time as systemd reads it, in microseconds? */
bool is_span(const char *value);

/** check_timeout - dev-sda1.device.d/50-rofs-NAME.conf */
void check_timeout(const struct check *c, const struct unit *u);

/** check_fsck - systemd-fsck@dev-sda1.service.d/50-rofs-NAME.conf */
void check_fsck(const struct check *c, const struct unit *u);

/** check_firstboot - systemd-firstboot.service.d/90-rofs.conf */
void check_firstboot(const struct unit *u);

/** check_swap - dev-.swap.d/90-rofs.conf */
void check_swap(const struct check *c, const struct unit *u);

/** check_zram - systemd-zram-setup@.service.d/90-rofs.conf */
void check_zram(const struct check *c, const struct unit *u);

/** check_remount - systemd-remount-fs.service.d/90-rofs.conf */
void check_remount(const struct unit *u);

/** check_fstab - rofs.fstab: the lines of fstab in their order, and one for the root if it has none */
void check_fstab(const struct check *c, const struct unit_file *f);

/* --- links.c ------------------------------------------------------------------------------------------------------------- */

/** is_swap_of_fstab - is it the swap unit of a line of fstab? */
bool is_swap_of_fstab(const struct check *c, const char *name);

/** has_unit_on - has the set a mount unit for this path? */
bool has_unit_on(const struct check *c, const char *path);

/** check_enabling_link - a link pulls in a unit of the set, or masks what another generator makes */
void check_enabling_link(const struct check *c, const struct unit_file *f);

/** is_enabled - does a link pull in the mount on @path? */
bool is_enabled(const struct check *c, const char *path);

/* SPDX-License-Identifier: MIT */
#include "verdict/problem.h"

#include <assert.h>
#include <inttypes.h>
#include <string.h>

#include "basic/text.h"
#include "plan/mount-flags.h"
#include "verdict/declared.h"

/* Words in braces are those of add_word(). */
static const struct {
	const char *name;
	enum diag_level severity;
	const char *sentence; /* NULL: it comes with the entry */
} kinds[] = {
	[PROBLEM_NONE] = { "none", DIAG_NOTE, NULL },
	[PROBLEM_CONFIGURATION] = { "configuration", DIAG_ERROR, NULL },

	[PROBLEM_NOTHING_MOUNTED] = {
		"nothing-mounted",
		DIAG_ERROR,
		"nothing that rofs.conf declares is mounted in this boot{root}; reboot to "
		"apply it, or see journalctl -b -t rofs-generator for errors",
	},
	[PROBLEM_NOTHING_DECLARED] = {
		"nothing-declared",
		DIAG_ERROR,
		"{device} ({type}) is mounted on {place}, but rofs.conf declares nothing: it has "
		"been removed, or something is mounted over it",
	},
	[PROBLEM_ROOT_WRITABLE] = {
		"root-writable",
		DIAG_ERROR,
		"{path} is writable: writes to it wear out the flash; mount -o remount,ro {path} "
		"makes it read-only again",
	},
	[PROBLEM_ROOT_WRITABLE_MOUNT] = {
		"root-writable-mount",
		DIAG_ERROR,
		"{path} is mounted read-only, but its file system is writable through the mount "
		"on {place}",
	},
	[PROBLEM_ROOT_WRITABLE_SUPERBLOCK] = {
		"root-writable-superblock",
		DIAG_ERROR,
		"{path} is mounted read-only, but its file system is writable: a process in "
		"another mount namespace may write to it; mount -o remount,ro {path} makes it read-only again",
	},
	[PROBLEM_ROOT_DEVICE_UNSET] = {
		"root-device-unset",
		DIAG_ERROR,
		"{device}, which {path} is on, has not been made read-only, although [Root] says "
		"Device=read-only",
	},
	[PROBLEM_ROOT_DEVICE_WRITABLE] = {
		"root-device-writable",
		DIAG_ERROR,
		"the device {device}, which {path} is on, is writable, although [Root] says "
		"Device=read-only; systemctl restart rofs-device.service makes it read-only",
	},
	[PROBLEM_ROOT_DEVICE_IN_USE] = {
		"root-device-in-use",
		DIAG_ERROR,
		"the device {device}, which {path} is on, stays writable because of {place}, "
		"although [Root] says Device=read-only",
	},
	[PROBLEM_LOWER_ROOT_MISSING] = {
		"lower-root-missing",
		DIAG_ERROR,
		"{path}, the underlying root file system, is not mounted",
	},
	[PROBLEM_LOWER_ROOT_WRONG] = {
		"lower-root-wrong",
		DIAG_ERROR,
		"{path} is not the root file system: {device} ({type}) is mounted there",
	},
	[PROBLEM_LOWER_MISSING] = {
		"lower-missing",
		DIAG_ERROR,
		"{device}, which {origin} mounts on {place}, is not mounted on {path}",
	},
	[PROBLEM_LOWER_WRONG] = {
		"lower-wrong",
		DIAG_ERROR,
		"{device} ({type}) is mounted on {path} instead of {declared}, which {origin} mounts on "
		"{place}",
	},
	[PROBLEM_LOWER_WRONG_DIRECTORY] = {
		"lower-wrong-directory",
		DIAG_ERROR,
		"{path} shows only the directory {directory} of {device}, which {origin} mounts on "
		"{place}",
	},
	[PROBLEM_LOWER_WRITABLE] = {
		"lower-writable",
		DIAG_ERROR,
		"{path}, a lower, is writable: writes to it are permanent and wear out the flash",
	},
	[PROBLEM_LOWER_WRITABLE_SUPERBLOCK] = {
		"lower-writable-superblock",
		DIAG_ERROR,
		"{path}, a lower, is mounted read-only, but its file system is writable: a process in "
		"another mount namespace may write to it; mount -o remount,ro {path} makes it read-only again",
	},
	[PROBLEM_LOWER_COVERED] = {
		"lower-covered",
		DIAG_ERROR,
		"{path}, a lower, is covered: {device} ({type}) is mounted over it, on {place}",
	},
	[PROBLEM_POOL_NOT_MOUNTED] = {
		"pool-not-mounted",
		DIAG_ERROR,
		"{storage} is not mounted: {path} is on {device} ({type}), which is mounted on {place}",
	},
	[PROBLEM_POOL_WRONG] = {
		"pool-wrong",
		DIAG_ERROR,
		"{storage} is not a tmpfs of rofs: {device} ({type}) is mounted on {path}",
	},
	[PROBLEM_POOL_READ_ONLY] = {
		"pool-read-only",
		DIAG_ERROR,
		"{storage} is read-only: changes to what it serves fail",
	},
	[PROBLEM_OVERLAY_MISSING] = {
		"overlay-missing",
		DIAG_ERROR,
		"{path} has no overlay: {fate}",
	},
	[PROBLEM_OVERLAY_COVERED] = {
		"overlay-covered",
		DIAG_ERROR,
		"the overlay on {path} is covered: {device} ({type}) is mounted over it, on "
		"{place}",
	},
	[PROBLEM_OVERLAY_EXTENDED] = {
		"overlay-extended",
		DIAG_WARNING,
		"extension images ({device}) are merged over the overlay on {path}: changes there go "
		"to their upper, and rofs diff does not show them",
	},
	[PROBLEM_OVERLAY_EXTENDED_READ_ONLY] = {
		"overlay-extended-read-only",
		DIAG_ERROR,
		"extension images ({device}) are merged over the overlay on {path}, read-only: writes "
		"there fail; systemd-{device} unmerge removes them",
	},
	[PROBLEM_OVERLAY_READ_ONLY] = {
		"overlay-read-only",
		DIAG_ERROR,
		"the overlay on {path} is read-only: {fate}",
	},
	[PROBLEM_OVERLAY_NOT_KEPT] = {
		"overlay-not-kept",
		DIAG_ERROR,
		"{path} is not kept on its partition {partition} ({device}): {fate}",
	},
	[PROBLEM_OVERLAY_OUTSIDE_POOL] = {
		"overlay-outside-pool",
		DIAG_ERROR,
		"the changes to {path} are not in {storage}, which was mounted after the overlay",
	},
	[PROBLEM_UPPER_COVERED] = {
		"upper-covered",
		DIAG_ERROR,
		"the changes to {path} may not be in {storage}: {device} ({type}) is mounted over "
		"its upper, on {place}",
	},
	[PROBLEM_OVERLAY_BEFORE_LOWER] = {
		"overlay-before-lower",
		DIAG_ERROR,
		"the overlay on {path} does not show {device} ({type}), which was mounted on {place} "
		"after it",
	},
	[PROBLEM_OVERLAY_WRONG_LAYERS] = {
		"overlay-wrong-layers",
		DIAG_ERROR,
		"the overlay on {path} is not the declared one: it has {layers}",
	},
	[PROBLEM_OVERLAY_WRONG_FEATURES] = {
		"overlay-wrong-features",
		DIAG_ERROR,
		"the overlay on {path} is mounted with {features}, which rofs never uses",
	},
	[PROBLEM_OVERLAY_WRONG_DIRECTORY] = {
		"overlay-wrong-directory",
		DIAG_ERROR,
		"{path} shows only the directory {directory} of its overlay",
	},
	[PROBLEM_OVERLAY_SOURCE_UNMOUNTED] = {
		"overlay-source-unmounted",
		DIAG_WARNING,
		"the overlay on {path} is active, but its source {place} is unmounted",
	},
	[PROBLEM_OVERLAY_HIDES_MOUNT] = {
		"overlay-hides-mount",
		DIAG_ERROR,
		"the overlay on {path} hides {device}, which {place} would mount there; add it to "
		"/etc/fstab to make it the lower of the overlay, or remove the overlay",
	},
	[PROBLEM_PERSIST_MISSING] = {
		"persist-missing",
		DIAG_ERROR,
		"{path} is not on its partition {partition} ({device}): {fate}",
	},
	[PROBLEM_PERSIST_COVERED] = {
		"persist-covered",
		DIAG_ERROR,
		"the persist on {path} is covered: {device} ({type}) is mounted over it, on "
		"{place}",
	},
	[PROBLEM_PERSIST_READ_ONLY] = {
		"persist-read-only",
		DIAG_ERROR,
		"the persist on {path} is read-only: {fate}",
	},
	[PROBLEM_PERSIST_WRONG_DIRECTORY] = {
		"persist-wrong-directory",
		DIAG_ERROR,
		"{path} shows the directory {directory} of partition {partition} instead of {declared}",
	},
	[PROBLEM_PARTITION_WRONG_DEVICE] = {
		"partition-wrong-device",
		DIAG_ERROR,
		"partition {partition} is not mounted from {declared}: {device} ({type}) is mounted on "
		"{path}",
	},
	[PROBLEM_PARTITION_WRONG_DIRECTORY] = {
		"partition-wrong-directory",
		DIAG_ERROR,
		"{path} shows only the directory {directory} of partition {partition} ({device})",
	},
	[PROBLEM_PARTITION_READ_ONLY] = {
		"partition-read-only",
		DIAG_ERROR,
		"partition {partition} ({device}) has become read-only, as happens after a "
		"file system error: nothing is kept until fsck has repaired it",
	},
	[PROBLEM_PARTITION_UNMOUNTED] = {
		"partition-unmounted",
		DIAG_WARNING,
		"partition {partition} is unmounted from {path} but still in use",
	},
	[PROBLEM_TMP_MISSING] = {
		"tmp-missing",
		DIAG_ERROR,
		"{path} has no tmpfs: {fate}",
	},
	[PROBLEM_TMP_WRONG] = {
		"tmp-wrong",
		DIAG_ERROR,
		"{path} is not a tmpfs of its own with mode=1777: {device} ({type}) is mounted there",
	},
	[PROBLEM_FLAGS_MISSING] = {
		"flags-missing",
		DIAG_ERROR,
		"{path} is mounted without {flags}, which rofs.conf or fstab requires",
	},
	[PROBLEM_NOT_PRIVATE] = {
		"not-private",
		DIAG_WARNING,
		"{path} is not a private mount: what is mounted elsewhere may appear below it",
	},
	[PROBLEM_SWAP_ACTIVE] = {
		"swap-active",
		DIAG_ERROR,
		"swap is active on {device} despite Swap=no in [Root], and wears out the flash; "
		"swapoff {device} stops it",
	},
	[PROBLEM_SPACE_LOW] = {
		"space-low",
		DIAG_WARNING,
		"{storage} is {bytes}; {look}",
	},
	[PROBLEM_INODES_LOW] = {
		"inodes-low",
		DIAG_WARNING,
		"{storage} has used {inodes}; {look}",
	},
	[PROBLEM_CONFIGURATION_DIFFERS] = {
		"configuration-differs",
		DIAG_WARNING,
		"{path} differs from the one in force, /rofs/ro{path}: the change is in RAM and "
		"lost at power-off",
	},
	[PROBLEM_CONFIGURATION_CHANGED] = {
		"configuration-changed",
		DIAG_WARNING,
		"rofs.conf or fstab has changed since boot, and so has {unit}; the change takes "
		"effect at the next boot",
	},
	[PROBLEM_ROOT_WRITTEN] = {
		"root-written",
		DIAG_WARNING,
		"{sectors} written to {device}, the device of {path}, in this boot, although {path} "
		"is read-only",
	},
	[PROBLEM_COMMIT_RUNNING] = {
		"commit-running",
		DIAG_WARNING,
		"{path} is being written to by a commit",
	},
	[PROBLEM_COMMIT_UNFINISHED] = {
		"commit-unfinished",
		DIAG_ERROR,
		"a transaction was interrupted and is not complete: there are old files and new ones on "
		"flash; a reboot tries again to complete it, and rofs-finish(8) explains what to do if it "
		"cannot",
	},
	[PROBLEM_REBOOT_PENDING] = {
		"reboot-pending",
		DIAG_WARNING,
		"a reboot completes what rofs {type} has written to flash; until then, programs may "
		"use old files and new ones",
	},
	[PROBLEM_MAINTENANCE_NEXT] = {
		"maintenance-next",
		DIAG_WARNING,
		"the next boot is a maintenance boot, in which / is writable; rofs maintenance "
		"--cancel prevents this",
	},
	[PROBLEM_MAINTENANCE_STAYS] = {
		"maintenance-stays",
		DIAG_ERROR,
		"{path} still exists: until it is removed, each boot is a maintenance boot, in which / "
		"is writable",
	},

	[PROBLEM_OVERLAYFS_MISSING] = { "overlayfs-missing", DIAG_ERROR, NULL },
	[PROBLEM_LOWER_REFUSED] = { "lower-refused", DIAG_ERROR, NULL },
	[PROBLEM_UPPER_REFUSED] = { "upper-refused", DIAG_ERROR, NULL },
	[PROBLEM_OVERLAY_INHERITS_READ_ONLY] = { "overlay-inherits-read-only", DIAG_WARNING, NULL },
	[PROBLEM_OVERLAY_INHERITS_NOSUID] = { "overlay-inherits-nosuid", DIAG_WARNING, NULL },
	[PROBLEM_FLAGS_INHERITED] = { "flags-inherited", DIAG_NOTE, NULL },
	[PROBLEM_QUOTA_NOT_ENFORCED] = { "quota-not-enforced", DIAG_WARNING, NULL },
	[PROBLEM_ROOT_UNPROTECTED] = { "root-unprotected", DIAG_WARNING, NULL },
	[PROBLEM_FSTAB_ROOT_WRITABLE] = { "fstab-root-writable", DIAG_NOTE, NULL },
	[PROBLEM_ROOT_SUBVOLUME_WRITABLE] = { "root-subvolume-writable", DIAG_WARNING, NULL },
	[PROBLEM_CMDLINE_WRITABLE] = { "cmdline-writable", DIAG_WARNING, NULL },
	[PROBLEM_CMDLINE_VOLATILE] = { "cmdline-volatile", DIAG_WARNING, NULL },
	[PROBLEM_ROOT_OVERLAID] = { "root-overlaid", DIAG_WARNING, NULL },
	[PROBLEM_FSCK_IN_INITRAMFS] = { "fsck-in-initramfs", DIAG_WARNING, NULL },
	[PROBLEM_FSCK_FORCED] = { "fsck-forced", DIAG_WARNING, NULL },
	[PROBLEM_FSCK_SKIPPED] = { "fsck-skipped", DIAG_NOTE, NULL },
	[PROBLEM_BOOT_PARTITION_WRITABLE] = { "boot-partition-writable", DIAG_WARNING, NULL },
	[PROBLEM_USR_WRITABLE] = { "usr-writable", DIAG_WARNING, NULL },
	[PROBLEM_ROOT_DEVICE_NONE] = { "root-device-none", DIAG_ERROR, NULL },
	[PROBLEM_ROOT_DEVICE_NEEDED] = { "root-device-needed", DIAG_ERROR, NULL },
	[PROBLEM_ROOT_DEVICE_SHARED] = { "root-device-shared", DIAG_NOTE, NULL },
	[PROBLEM_ROOT_DEVICE_REMOUNT] = { "root-device-remount", DIAG_WARNING, NULL },
	[PROBLEM_ROOT_DEVICE_LATE] = { "root-device-late", DIAG_WARNING, NULL },
	[PROBLEM_BOOT_OFF] = { "boot-off", DIAG_NOTE, NULL },
	[PROBLEM_DEVICE_MISSING] = { "device-missing", DIAG_ERROR, NULL },
	[PROBLEM_DEVICE_UNKNOWN] = { "device-unknown", DIAG_NOTE, NULL },
	[PROBLEM_DEVICE_IS_ROOT] = { "device-is-root", DIAG_ERROR, NULL },
	[PROBLEM_DEVICE_SHARED] = { "device-shared", DIAG_WARNING, NULL },
	[PROBLEM_PARTITION_UNIT] = { "partition-unit", DIAG_WARNING, NULL },
	[PROBLEM_FILE_SYSTEM_MISSING] = { "file-system-missing", DIAG_ERROR, NULL },
	[PROBLEM_FILE_SYSTEM_WRONG] = { "file-system-wrong", DIAG_ERROR, NULL },
	[PROBLEM_DIRECTORY_REFUSED] = { "directory-refused", DIAG_ERROR, NULL },
	[PROBLEM_POOL_TOO_LARGE] = { "pool-too-large", DIAG_ERROR, NULL },
	[PROBLEM_POOLS_TOO_LARGE] = { "pools-too-large", DIAG_WARNING, NULL },
	[PROBLEM_FILE_REPLACED] = { "file-replaced", DIAG_WARNING, NULL },
	[PROBLEM_FILE_BOUND] = { "file-bound", DIAG_NOTE, NULL },
	[PROBLEM_FSTAB_BOUND] = { "fstab-bound", DIAG_NOTE, NULL },
	[PROBLEM_JOURNAL_IN_RAM] = { "journal-in-ram", DIAG_WARNING, NULL },
	[PROBLEM_LOG_IN_RAM] = { "log-in-ram", DIAG_WARNING, NULL },
	[PROBLEM_DATABASE_IN_RAM] = { "database-in-ram", DIAG_WARNING, NULL },
	[PROBLEM_CACHE_IN_RAM] = { "cache-in-ram", DIAG_WARNING, NULL },
	[PROBLEM_CONTAINER_STORAGE] = { "container-storage", DIAG_WARNING, NULL },
	[PROBLEM_APPLICATIONS_IN_RAM] = { "applications-in-ram", DIAG_WARNING, NULL },
	[PROBLEM_DATA_READ_ONLY] = { "data-read-only", DIAG_WARNING, NULL },
	[PROBLEM_EXPORT_REFUSED] = { "export-refused", DIAG_WARNING, NULL },
	[PROBLEM_DIRECTORY_PRIVATE] = { "directory-private", DIAG_WARNING, NULL },
	[PROBLEM_WRITE_FAILS] = { "write-fails", DIAG_WARNING, NULL },
	[PROBLEM_WRITE_LOST] = { "write-lost", DIAG_WARNING, NULL },
	[PROBLEM_HOME_READ_ONLY] = { "home-read-only", DIAG_NOTE, NULL },
	[PROBLEM_HOST_KEYS_MISSING] = { "host-keys-missing", DIAG_WARNING, NULL },
	[PROBLEM_LOWER_SHARED] = { "lower-shared", DIAG_WARNING, NULL },
	[PROBLEM_DATA_UNREADABLE] = { "data-unreadable", DIAG_NOTE, NULL },
	[PROBLEM_COMMIT_REFUSED] = { "commit-refused", DIAG_WARNING, NULL },
	[PROBLEM_COMMIT_TIME] = { "commit-time", DIAG_ERROR, NULL },
};
static_assert(ELEMENTSOF(kinds) == _PROBLEM_KIND_MAX, "a kind without a row");

const char *problem_kind_to_string(enum problem_kind kind)
{
	return kinds[kind].name;
}

enum diag_level problem_kind_severity(enum problem_kind kind)
{
	return kinds[kind].severity;
}

void problems_add(struct problems *l, const struct problem *p)
{
	enum diag_level severity = p->entry ? p->entry->level : kinds[p->kind].severity;
	size_t at = severity == DIAG_ERROR ? l->n_errors : l->n;

	if (array_reserve(l->items, l->n) < 0) {
		l->failed = true;
		return;
	}
	memmove(&l->items[at + 1], &l->items[at], (l->n - at) * sizeof(*l->items));
	l->items[at] = *p;
	l->items[at].severity = severity;
	l->n_errors += severity == DIAG_ERROR;
	l->n++;
}

void problems_done(struct problems *l)
{
	for (size_t i = 0; i < l->n; i++)
		free(l->items[i].reason);
	free(l->items);
	*l = (struct problems){ 0 };
}

void problem_add_unit(struct problem *p, const char *unit)
{
	if (unit && p->n_units < PROBLEM_UNITS_MAX)
		p->units[p->n_units++] = unit;
}

struct problem problem_of_entry(const struct diag_entry *e)
{
	return (struct problem){
		.kind = e->about.kind ? e->about.kind : PROBLEM_CONFIGURATION,
		.severity = e->level,
		.path = e->about.path,
		.partition = e->about.partition,
		.entry = e,
	};
}

struct problem problem_of_storage(enum problem_kind kind, const struct storage *v)
{
	return (struct problem){
		.kind = kind,
		.severity = kinds[kind].severity,
		.path = v->dir,
		.partition = v->kind == STORAGE_PARTITION ? v->name : NULL,
		.unit = v->unit,
		.storage = v,
	};
}

static void add_fate(struct strbuf *b, const struct problem *p)
{
	const struct fate *f = &p->fate;

	strbuf_add(b, "writes there ");
	switch (f->kind) {
	case FATE_FAIL:
		strbuf_add(b, "fail");
		break;
	case FATE_DEVICE:
		strbuf_add(b, "go to ");
		text_add_name(b, f->device);
		break;
	case FATE_PARTITION:
		strbuf_addf(b, "go to partition %s with ", f->partition);
		text_add_name(b, f->with);
		break;
	case FATE_RAM:
		strbuf_add(b, f->with ? "go to RAM with " : "go to RAM");
		text_add_name(b, f->with ? f->with : "");
		strbuf_add(b, " and are lost at power-off");
		break;
	}
}

static void add_storage(struct strbuf *b, const struct problem *p)
{
	switch (p->storage->kind) {
	case STORAGE_SHARED:
		strbuf_addf(b, "the shared RAM pool %s", p->storage->dir);
		break;
	case STORAGE_OWN:
		strbuf_addf(b, "the RAM pool of %s", p->storage->name);
		break;
	case STORAGE_PARTITION:
		strbuf_addf(b, "partition %s", p->storage->name);
		break;
	}
}

static void add_bytes(struct strbuf *b, const struct problem *p)
{
	const struct usage *u = &p->storage->usage;
	char used[TEXT_BYTES_MAX], size[TEXT_BYTES_MAX];

	strbuf_addf(b, "%u%% full (%s of %s)", usage_percent(u), text_bytes(used, u->used),
		    text_bytes(size, u->used + u->available));
}

static void add_inodes(struct strbuf *b, const struct problem *p)
{
	const struct usage *u = &p->storage->usage;

	strbuf_addf(b, "%u%% of its inodes (%" PRIu64 " of %" PRIu64 ")", usage_inodes_percent(u),
		    u->inodes_used, u->inodes);
}

static void add_look(struct strbuf *b, const struct problem *p)
{
	if (p->storage->kind == STORAGE_PARTITION)
		strbuf_addf(b, "du -x %s shows what fills it", p->storage->dir);
	else
		strbuf_add(b, "rofs diff --sort=size shows what fills it");
}

static void add_root(struct strbuf *b, const struct problem *p)
{
	if (!p->place)
		return;
	strbuf_add(b, ", and ");
	text_add_name(b, p->place);
	strbuf_add(b, " is writable");
}

static void add_flags(struct strbuf *b, const struct problem *p)
{
	_cleanup_strbuf_ struct strbuf flags = { 0 };

	mount_flags_add(&flags, p->flags);
	if (flags.failed)
		b->failed = true;
	else
		strbuf_add(b, flags.len ? flags.text : "flags");
}

static void add_layers(struct strbuf *b, const struct problem *p)
{
	_cleanup_strbuf_ struct strbuf layers = { 0 };

	declared_add_layers(&layers, p->fs_options ? p->fs_options : "");
	if (layers.failed)
		b->failed = true;
	else
		text_add_name(b, layers.len ? layers.text : "no layers");
}

static void add_features(struct strbuf *b, const struct problem *p)
{
	declared_add_foreign_features(b, p->fs_options ? p->fs_options : "", p->partition != NULL);
}

static void add_sectors(struct strbuf *b, const struct problem *p)
{
	strbuf_addf(b, "%" PRIu64 " sector%s", p->sectors, p->sectors == 1 ? " was" : "s were");
}

static const struct {
	const char *name;
	void (*add)(struct strbuf *b, const struct problem *p);
} phrases[] = {
	{ "fate", add_fate },	    { "storage", add_storage }, { "bytes", add_bytes },
	{ "inodes", add_inodes },   { "look", add_look },	{ "root", add_root },
	{ "flags", add_flags },	    { "layers", add_layers },	{ "features", add_features },
	{ "sectors", add_sectors },
};

static const struct {
	const char *name;
	size_t offset;
	bool foreign; /* from the table of mounts: whoever may mount can choose any name */
} strings[] = {
	{ "path", offsetof(struct problem, path), false },
	{ "partition", offsetof(struct problem, partition), false },
	{ "unit", offsetof(struct problem, unit), false },
	{ "device", offsetof(struct problem, device), true },
	{ "place", offsetof(struct problem, place), true },
	{ "type", offsetof(struct problem, type), true },
	{ "declared", offsetof(struct problem, declared), false },
	{ "origin", offsetof(struct problem, origin), false },
	{ "directory", offsetof(struct problem, directory), true },
};

static bool is_word(const char *word, size_t len, const char *name)
{
	return strlen(name) == len && memcmp(word, name, len) == 0;
}

/* @word: what is between the braces. */
static void add_word(struct strbuf *b, const struct problem *p, const char *word, size_t len)
{
	for (size_t i = 0; i < ELEMENTSOF(phrases); i++)
		if (is_word(word, len, phrases[i].name)) {
			phrases[i].add(b, p);
			return;
		}
	for (size_t i = 0; i < ELEMENTSOF(strings); i++) {
		const char *s = *(const char *const *)((const char *)p + strings[i].offset);

		if (!is_word(word, len, strings[i].name))
			continue;
		if (!s)
			s = "unknown";
		if (strings[i].foreign)
			text_add_name(b, s);
		else
			text_add_printable(b, s);
		return;
	}
	assert(!"a sentence with an unknown word");
}

static void add_entry(struct strbuf *b, const struct diag_entry *e)
{
	_cleanup_free_ char *line = NULL;

	if (diag_format(e, &line) < 0)
		b->failed = true;
	else
		strbuf_add(b, line);
}

void problem_say(struct strbuf *b, const struct problem *p)
{
	const char *s = kinds[p->kind].sentence;

	if (!s) {
		add_entry(b, p->entry);
		return;
	}
	while (*s) {
		size_t n = strcspn(s, "{");

		strbuf_add_n(b, s, n);
		s += n;
		if (!*s)
			return;
		n = strcspn(s, "}");
		add_word(b, p, s + 1, n - 1);
		s += n + 1;
	}
}

int problem_format(const struct problem *p, char **ret)
{
	_cleanup_strbuf_ struct strbuf b = { 0 };

	problem_say(&b, p);
	return strbuf_take(&b, ret);
}

/* SPDX-License-Identifier: MIT */
#pragma once

#include "model.h"
#include "verdict/verdict.h"

/* What is declared, and a table of mounts in which all of it is in force. */
extern const char world_conf[], world_healthy[];

/*
 * A mount table in words: "ID PARENT MAJOR:MINOR TARGET TYPE SOURCE MOUNT FS", where SOURCE may end
 * in [/DIRECTORY], and the last two are options.
 */
#define POOL " tmpfs rofs rw,nosuid,nodev,noexec rw\n"
#define TMP  " tmpfs tmpfs rw,nosuid,nodev rw\n"
#define DATA " ext4 /dev/vdb rw,nosuid,nodev rw\n"
#define LAYERS(dir, path) \
	"lowerdir=/rofs/ro" path ",upperdir=" dir path "/upper,workdir=" dir path "/work"
#define OVERLAY(path) " overlay rofs rw rw," LAYERS("/rofs/rw", path) "\n"
#define KEPT(path) \
	" overlay rofs rw,nosuid,nodev rw," LAYERS("/rofs/persist/data/overlay", path) "\n"

/** struct world - a plan, what is observed of it, and the verdict */
struct world {
	struct model model;
	struct observed observed;
	struct verdict verdict;
	char *sentence;
};

void world_done(struct world *w);

/** world_add_mounts - the mounts of a table, after those that are there */
void world_add_mounts(struct observed *s, const char *table);

/** world_find - the last mount on @target, which there is */
struct observed_mount *world_find(struct world *w, const char *target);

/** world_unmount - as umount(8): the last mount on @target goes */
void world_unmount(struct world *w, const char *target);

/** world_prepare - what @conf declares, and the mounts of @table */
void world_prepare(struct world *w, const char *conf, const char *table);

/** world_judge - give the verdict */
void world_judge(struct world *w);

/** world_first - the first problem; all-zero: there is none */
const struct problem *world_first(const struct world *w);

/** world_sentence - its sentence; NULL: there is none */
const char *world_sentence(struct world *w);

/** world_check_line - compare the line that sums up the verdict */
void world_check_line(struct world *w, const char *expected);

/** world_replace - the mount of @line takes the place of the last one on its target */
void world_replace(struct world *w, const char *line);

/** world_look_for_partition - the device of the first partition is 254:@minor; 0: it is absent */
void world_look_for_partition(struct world *w, unsigned minor);

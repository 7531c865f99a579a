/* SPDX-License-Identifier: MIT */
#include "world.h"

#include <stdlib.h>

#include "check.h"
#include "verdict/verdict-text.h"

const char world_conf[] = "[Overlay /etc]\n"
			  "[Overlay /var]\n"
			  "[Overlay /srv]\n"
			  "Size=8M\n"
			  "[Partition data]\n"
			  "Device=LABEL=data\n"
			  "[Persist /var/local/data]\n"
			  "Partition=data\n";

const char world_healthy[] =
	"1 0 254:0 / ext4 /dev/vda ro ro\n"
	"2 1 0:20 /run tmpfs tmpfs rw rw\n"
	"3 1 0:30 /rofs" POOL "4 3 254:0 /rofs/ro ext4 /dev/vda ro ro\n"
	"5 3 0:31 /rofs/rw/srv" POOL
	"6 3 0:32 /rofs/overlay/etc" OVERLAY("/etc") "7 1 0:32 /etc" OVERLAY("/etc") "8 3 0:33 /rofs/overlay/srv" OVERLAY("/srv") "9 1 0:33 /srv" OVERLAY(
		"/srv") "10 3 0:34 /rofs/overlay/var" OVERLAY("/var") "11 1 0:34 /var" OVERLAY("/var") "12 1 0:35 /tmp" TMP
												       "13 3 254:16 /rofs/persist/data" DATA
												       "14 11 254:16 /var/local/data" DATA;

void world_done(struct world *w)
{
	free(w->sentence);
	verdict_done(&w->verdict);
	observed_done(&w->observed);
	model_done(&w->model);
}

void world_add_mounts(struct observed *s, const char *table)
{
	while (*table) {
		char target[64], type[16], source[64], mount[64], fs[256];
		struct observed_mount m = { 0 };
		char *root;

		if (sscanf(table, "%u %u %u:%u %63s %15s %63s %63s %255s", &m.id, &m.parent,
			   &m.major, &m.minor, target, type, source, mount, fs) != 9 ||
		    array_reserve(s->mounts, s->n_mounts) < 0)
			abort();
		m.device_major = m.major;
		m.device_minor = m.major ? m.minor : 0;
		root = strchr(source, '[');
		m.root = root ? strndup(root + 1, strlen(root) - 2) : strdup("/");
		if (root)
			*root = '\0';
		m.target = strdup(target);
		m.type = strdup(type);
		m.source = strdup(source);
		m.options = strdup(mount);
		m.fs_options = strdup(fs);
		m.read_only = strncmp(mount, "ro", 2) == 0;
		m.fs_read_only = strncmp(fs, "ro", 2) == 0;
		s->mounts[s->n_mounts++] = m;
		table += strcspn(table, "\n") + 1;
	}
}

struct observed_mount *world_find(struct world *w, const char *target)
{
	for (size_t i = w->observed.n_mounts; i > 0; i--)
		if (strcmp(w->observed.mounts[i - 1].target, target) == 0)
			return &w->observed.mounts[i - 1];
	abort();
}

static void world_unmount_at(struct world *w, size_t i)
{
	struct observed_mount *m = &w->observed.mounts[i];

	free(m->root);
	free(m->target);
	free(m->type);
	free(m->source);
	free(m->options);
	free(m->fs_options);
	memmove(m, m + 1, (w->observed.n_mounts - i - 1) * sizeof(*m));
	w->observed.n_mounts--;
}

/* As umount(8): the last mount on @target goes. */
void world_unmount(struct world *w, const char *target)
{
	world_unmount_at(w, (size_t)(world_find(w, target) - w->observed.mounts));
}

void world_prepare(struct world *w, const char *conf, const char *table)
{
	*w = (struct world){ 0 };
	CHECK_INT(model_read(&w->model, conf), 0);
	CHECK_INT(model_look(&w->model, NULL), 0);
	w->model.facts.rofs_exists = true;
	w->model.facts.tmp_is_plain = true;
	CHECK_INT(model_plan(&w->model), 0);
	CHECK_INT(observed_storages(&w->observed, &w->model.plan), 0);
	world_add_mounts(&w->observed, table);
}

void world_judge(struct world *w)
{
	CHECK_INT(verdict_build(&w->model.plan, &w->observed, &w->model.diag, &w->verdict), 0);
}

/* The first problem; all-zero: there is none. */
const struct problem *world_first(const struct world *w)
{
	static const struct problem none;

	return w->verdict.problems.n ? &w->verdict.problems.items[0] : &none;
}

/* Its sentence, NULL: there is none. */
const char *world_sentence(struct world *w)
{
	free(w->sentence);
	w->sentence = NULL;
	if (w->verdict.problems.n)
		CHECK_INT(problem_format(world_first(w), &w->sentence), 0);
	return w->sentence;
}

void world_check_line(struct world *w, const char *expected)
{
	_cleanup_free_ char *line = NULL;

	CHECK_INT(verdict_line(&w->verdict, &w->model.plan, &w->observed, &line), 0);
	CHECK_STR(line, expected);
}

/* The mount of @line takes the place of the last one on its target. */
void world_replace(struct world *w, const char *line)
{
	struct observed_mount *m, old;

	world_add_mounts(&w->observed, line);
	m = &w->observed.mounts[--w->observed.n_mounts];
	for (size_t i = w->observed.n_mounts; i > 0; i--) {
		struct observed_mount *x = &w->observed.mounts[i - 1];

		if (strcmp(x->target, m->target) != 0)
			continue;
		old = *x;
		*x = *m;
		*m = old;
		w->observed.n_mounts++;
		world_unmount_at(w, w->observed.n_mounts - 1);
		return;
	}
	abort();
}

void world_look_for_partition(struct world *w, unsigned minor)
{
	w->observed.partitions =
		calloc(w->model.plan.n_partitions + 1, sizeof(*w->observed.partitions));
	w->observed.partitions[0].state = minor ? DEVICE_PRESENT : DEVICE_ABSENT;
	w->observed.partitions[0].major = minor ? 254 : 0;
	w->observed.partitions[0].minor = minor;
}

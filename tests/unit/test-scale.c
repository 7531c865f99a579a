/* SPDX-License-Identifier: MIT */
/* Input that no person writes: the time is in proportion to it. */
#include <string.h>
#include <sys/time.h>

#include "basic/strbuf.h"
#include "check.h"
#include "model.h"

/* With sanitizers everything takes five times as long, which shows nothing of the time it should take. */
#ifdef ROFS_SANITIZED
#define N 4000
#else
#define N 20000
#endif
/* Of each case: it needs a third of one, more on a machine whose cores are shared, and with a loop in a
 * loop tens or hundreds. */
#define SECONDS_MAX 10

/* CPU time of this process only: a busy machine changes nothing. It ends by SIGVTALRM. */
static void limit_time(void)
{
	const struct itimerval limit = { .it_value = { .tv_sec = SECONDS_MAX } };

	setitimer(ITIMER_VIRTUAL, &limit, NULL);
}

static char *repeat(const char *format)
{
	_cleanup_strbuf_ struct strbuf b = { 0 };
	char *text;

	for (int i = 0; i < N; i++) {
		const char *s = format;

		for (; *s; s++)
			if (*s == '#')
				strbuf_addf(&b, "%d", i);
			else
				strbuf_add_char(&b, *s);
	}
	if (strbuf_take(&b, &text) < 0)
		abort();
	return text;
}

static void add_fstab(struct model *m, const char *spec, const char *dir, const char *type,
		      const char *options)
{
	char a[64], b[64];

	for (int i = 0; i < N; i++) {
		snprintf(a, sizeof(a), "%s%d", spec, i);
		snprintf(b, sizeof(b), "%s%d", dir, i);
		model_add_fstab(m, a, b, type, options);
	}
}

int main(void)
{
	/* "#": the number of the section; of lines of fstab it is at the end of the first two fields. */
	static const struct {
		const char *once, *each;
		const char *spec, *dir, *type, *options;
		size_t n_mistakes;
	} rows[] = {
		/* Partitions, and other devices of fstab. */
		{ "[Overlay /v]\n",
		  "[Partition p#]\nDevice=/dev/d#\n[Persist /v/#]\nPartition=p#\n", "/dev/x", "/m/",
		  "ext4", "defaults", 0 },
		/* Lowers that may be partitions. */
		{ "", "[Overlay /m/#]\n[Partition p#]\nDevice=/dev/d#\n", "/dev/x", "/m/", "ext4",
		  "defaults", 0 },
		/* Lowers that are copied from. */
		{ "[Partition d]\nDevice=/dev/d\n",
		  "[Persist /m/#/p]\nPartition=d\nDirectory=/#\nPopulate=yes\n", "/dev/x", "/m/",
		  "ext4", "defaults", 0 },
		/* Links that are masked. */
		{ "[Partition d]\nDevice=/dev/d\n", "[Persist /m/#]\nPartition=d\nDirectory=/#\n",
		  "/dev/x", "/m/", "ext4", "x-systemd.growfs", 0 },
		{ "[Root]\n", "", "/dev/s", "none", "swap", "sw", 0 },
		/* Units that mounts wait for. */
		{ "", "[Overlay /m/#]\n[Partition p#]\nDevice=/dev/d#\nRequires=a#.service\n",
		  "/dev/x", "/m/", "ext4", "x-systemd.requires=/a,x-systemd.wants-mounts-for=/b/c",
		  0 },
		/* Mount units that partitions wait for, some of other partitions. */
		{ "[Overlay /v]\n",
		  "[Partition p#0]\nDevice=/dev/d#\nAfter=rofs-persist-p#.mount v-#-x.mount m-#.mount\n"
		  "[Persist /v/a#]\nPartition=p#0\n",
		  "/dev/x", "/m/", "ext4", "defaults", 0 },
		/* Sections that leave others out, one after the other. */
		{ "[Partition d]\nDevice=/dev/d\n",
		  "[Overlay /v#]\nStartEmpty=/x\n[Persist /v#/p]\nPartition=d\nDirectory=/#\n",
		  "/dev/x", "/v", "ext4", "defaults", N },
		/* Persists in front of mounts of fstab, and around them. */
		{ "[Partition d]\nDevice=/dev/d\n", "[Persist /p#]\nPartition=d\nDirectory=/#\n",
		  "/dev/x", "/p", "ext4", "defaults", 0 },
		/* Names that nearly are those of others. */
		{ "[Overlay /v]\n",
		  "[Partition a#]\nDevice=/dev/d#\n[Persist /v/#]\nPartition=b#\n", "/dev/x", "/m/",
		  "ext4", "defaults", N },
		{ "[Overlay /v]\n", "[Overlay /w#]\nSzie=#\n", "/dev/x", "/m/", "ext4", "defaults",
		  N },
	};

	CHECK_EACH(row, rows)
	{
		_cleanup_model_ struct model m = { 0 };
		_cleanup_free_ char *text = repeat(row->each);

		check.label = row->each;
		limit_time();
		CHECK_INT(model_read(&m, row->once), 0);
		CHECK_INT(model_add_file(&m, "/etc/rofs.conf.d/1.conf", text, strlen(text)), 0);
		conf_check(&m.conf, &m.diag);
		add_fstab(&m, row->spec, row->dir, row->type, row->options);
		CHECK_INT(model_look(&m, NULL), 0);
		CHECK_INT(model_plan(&m), 0);
		CHECK_INT(model_render(&m), 0);
		CHECK_INT(m.diag.n_errors, row->n_mistakes);
		CHECK(m.diag.n_entries <= 2 * DIAG_TOLD_MAX + 1);
	}
	return check_done();
}

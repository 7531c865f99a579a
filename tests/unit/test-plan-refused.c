/* SPDX-License-Identifier: MIT */
/* What is refused, and that it leaves no trace in what is planned. */
#include "check-plan.h"

#define VFAT "[Partition data]\nDevice=LABEL=data\nType=vfat\n"

static void test_contradictions(void)
{
	static const struct {
		const char *text, *expected;
		size_t n_overlays, n_persists;
	} rows[] = {
		{ "[Overlay /var]\n[Overlay /var/lib]\n", "", 2, 0 },
		{ "[Overlay /var]\n" DATA "[Persist /var/x]\nPartition=data\n", "", 1, 1 },
		{ DATA "[Persist /a]\nPartition=data\n[Overlay /a/b]\n",
		  F
		  ":5: [Overlay /a/b] is below [Persist /a]; nothing may be declared below a persist\n" F
		  ":3: note: the persist is declared here\n",
		  0, 1 },
		{ DATA
		  "[Persist /a/b]\nPartition=data\nDirectory=/b\n[Persist /a]\nPartition=data\nDirectory=/a\n",
		  F
		  ":3: [Persist /a/b] is below [Persist /a]; nothing may be declared below a persist\n" F
		  ":6: note: the persist is declared here\n",
		  0, 1 },
		{ "[Overlay /a]\n" DATA "[Persist /a]\nPartition=data\n",
		  F
		  ":4: [Persist /a]: this path is declared twice; the first declaration applies\n" F
		  ":1: note: first declared here\n",
		  1, 0 },
		{ "[Partition one]\nDevice=LABEL=a\n[Partition two]\nDevice=LABEL=b\n[Overlay /a]\nSize=x\n",
		  F
		  ":6: Size=x is invalid; expected bytes with K, M or G, or 1% to 100% of RAM\n" F
		  ":1: warning: [Partition one]: no [Persist] or [Overlay] uses it, so it is not mounted\n" F
		  ":3: warning: [Partition two]: no [Persist] or [Overlay] uses it, so it is not mounted\n",
		  0, 0 },
		{ DATA "[Persist /a\nPartition=data\n",
		  F
		  ":3: section header without ']'; expected [Kind name]; the settings below it are ignored\n",
		  0, 0 },
		{ DATA "[Persist a]\nPartition=data\n", F ":3: [Persist a]: not an absolute path\n",
		  0, 0 },
		{ DATA "[Persist /a]\nPartition data\n",
		  F ":4: missing '='; expected Key=value, [Section] or a comment\n" F
		    ":3: note: [Persist /a] is ignored because of line 4\n",
		  0, 0 },
		/* What only follows from another mistake is not told. */
		{ DATA "[Overlay /a]\nPartition data\n",
		  F ":4: missing '='; expected Key=value, [Section] or a comment\n" F
		    ":3: note: [Overlay /a] is ignored because of line 4\n",
		  0, 0 },
		{ DATA
		  "[Partition dat2]\nDevice=LABEL=dat2\n[Persist /a]\nPartition=data\nPartition=dat2\n",
		  F ":7: Partition= is set twice in this section\n" F ":6: note: first set here\n",
		  0, 0 },
		{ DATA
		  "[Partition dat2]\nDevice=LABEL=dat2\n[Overlay /a]\nSize=x\nPartition=data\nPartition=dat2\n",
		  F ":6: Size=x is invalid; expected bytes with K, M or G, or 1% to 100% of RAM\n" F
		    ":8: Partition= is set twice in this section\n" F ":7: note: first set here\n",
		  0, 0 },
		{ DATA
		  "[Partition dat2]\nDevice=LABEL=dat2\n[Persist /a]\nPartition=data\nDirectory=/a\n"
		  "Persist /b]\nPartition=dat2\nDirectory=/b\n",
		  F
		  ":8: missing '='; expected Key=value, [Section] or a comment; the settings below it are ignored\n" F
		  ":5: note: [Persist /a] is ignored because of line 8\n",
		  0, 0 },
		{ DATA
		  "[Partition dat2]\nDevice=LABEL=dat2\n[Persist /a]\nPartition=data\nDirectory=/a\n"
		  "Persist /b\nPartition=dat2\nDirectory=/b\n",
		  F ":8: missing '='; expected Key=value, [Section] or a comment\n" F
		    ":5: note: [Persist /a] is ignored because of line 8\n",
		  0, 0 },
		{ DATA
		  "[Partition dat2]\nDevice=LABEL=dat2\n[Overlay /a]\nPartition=data\nDirectory=/a\n"
		  "[Overlay /a]\nPartition=dat2\nDirectory=/b\nSize=x\n",
		  F
		  ":8: [Overlay /a] is declared twice in this file, so it is ignored; expected one section with all its keys\n" F
		  ":5: note: first declared here\n" F
		  ":11: Size=x is invalid; expected bytes with K, M or G, or 1% to 100% of RAM\n",
		  0, 0 },
		/* The header of a partition that cannot be read is better advice than a similar name. */
		{ "[Partition data\nDevice=LABEL=data\n[Partition date]\nDevice=LABEL=date\n"
		  "[Persist /a]\nPartition=data\n[Persist /b]\nPartition=date\n",
		  F
		  ":1: section header without ']'; expected [Kind name]; the settings below it are ignored\n" F
		  ":6: [Persist /a]: there is no [Partition data]\n" F
		  ":1: note: this line may be meant as its header\n",
		  0, 1 },
		{ "[Partiton data]\nDevice=LABEL=data\n[Partition date]\nDevice=LABEL=date\n"
		  "[Persist /a]\nPartition=data\n[Persist /b]\nPartition=date\n",
		  F ":1: unknown section [Partiton]; did you mean [Partition]?\n" F
		    ":6: [Persist /a]: there is no [Partition data]\n" F
		    ":1: note: this line may be meant as its header\n",
		  0, 1 },
		{ "[Partition=data]\nDevice=LABEL=data\n[Persist /a]\nPartition=data\n",
		  F ":1: unknown section [Partition=data]; did you mean [Partition data]?\n" F
		    ":4: [Persist /a]: there is no [Partition data]\n" F
		    ":1: note: this line may be meant as its header\n",
		  0, 0 },
		{ "[Partition date]\nDevice=LABEL=date\n Partition data]\nDevice=LABEL=data\n"
		  "[Persist /a]\nPartition=data\n[Persist /b]\nPartition=date\n",
		  F
		  ":3: missing '='; expected Key=value, [Section] or a comment; the settings below it are ignored\n" F
		  ":1: note: [Partition date] is ignored because of line 3\n" F
		  ":6: [Persist /a]: there is no [Partition data]\n" F
		  ":3: note: this line may be meant as its header\n" F
		  ":8: [Persist /b] is ignored too: it requires [Partition date], which contains an error\n" F
		  ":1: note: the partition is declared here\n",
		  0, 0 },
		{ DATA "[Overlay /a\nno\n",
		  F
		  ":3: section header without ']'; expected [Kind name]; the settings below it are ignored\n" F
		  ":4: missing '='; expected Key=value, [Section] or a comment\n" F
		  ":1: warning: [Partition data]: no [Persist] or [Overlay] uses it, so it is not mounted\n",
		  0, 0 },
		{ DATA "[Persist /a]\nPartiton=data\n",
		  F ":4: unknown key Partiton= in [Persist]; did you mean Partition=?\n", 0, 0 },
		{ DATA "[Persist /a]\nPartition=x\n",
		  F
		  ":4: [Persist /a]: there is no [Partition x]\n" F
		  ":1: warning: [Partition data]: no [Persist] or [Overlay] uses it, so it is not mounted\n",
		  0, 0 },
		{ "[Persist /a]\nPartition=dat\n" DATA,
		  F ":2: [Persist /a]: there is no [Partition dat]; did you mean data?\n", 0, 0 },
		{ "[Partition d]\n[Persist /a]\nPartition=d\n",
		  F
		  ":1: [Partition d] has no Device=; expected /dev/..., LABEL=, UUID=, ...\n" F
		  ":3: [Persist /a] is ignored too: it requires [Partition d], which contains an error\n" F
		  ":1: note: the partition is declared here\n",
		  0, 0 },
		{ DATA "[Persist /a]\nPartition=data\n[Persist /b]\nPartition=data\n",
		  F
		  ":3: [Persist /a]: Directory= is required, as [Persist /b] also uses [Partition data]\n" F
		  ":6: note: used here\n" F
		  ":5: [Persist /b]: Directory= is required, as [Persist /a] also uses [Partition data]\n" F
		  ":4: note: used here\n",
		  0, 0 },
		/* A mistake in one section does not give the partition to the other. */
		{ DATA "[Persist /a]\nPartition=data\n[Persist /b]\nPartition=data\nMode=x\n",
		  F
		  ":7: Mode=x is invalid; expected an octal mode such as 0750\n" F
		  ":3: [Persist /a]: Directory= is required, as [Persist /b] also uses [Partition data]\n" F
		  ":6: note: used here\n",
		  0, 0 },
		{ DATA "[Persist /a]\nPartition=data\n[Overlay /b]\nPartition=data\nSize=1M\n",
		  F
		  ":3: [Persist /a]: Directory= is required, as [Overlay /b] also uses [Partition data]\n" F
		  ":6: note: used here\n" F
		  ":7: [Overlay /b]: Size= and Partition= cannot be combined; a partition has its own size\n",
		  0, 0 },
		{ DATA
		  "[Persist /b]\nPartition=data\nDirectory=/app/cron\n[Persist /a]\nPartition=data\nDirectory=/app\n",
		  F
		  ":5: [Persist /b]: its directory on the partition, /app/cron, is below /app of [Persist /a]; "
		  "expected directories that do not contain each other\n" F ":8: note: used here\n",
		  0, 1 },
		{ DATA
		  "[Overlay /a]\nPartition=data\n[Persist /b]\nPartition=data\nDirectory=/overlay/a/upper/x\n",
		  F
		  ":7: [Persist /b]: its directory on the partition, /overlay/a/upper/x, is below /overlay/a of "
		  "[Overlay /a]; expected directories that do not contain each other\n" F
		  ":3: note: used here\n",
		  1, 0 },
		{ DATA "[Overlay /a]\nPartition=data\n[Persist /b]\nPartition=data\nDirectory=/\n",
		  F
		  ":3: [Overlay /a]: its directory on the partition, /overlay/a, is below / of [Persist /b]; "
		  "expected directories that do not contain each other\n" F ":7: note: used here\n",
		  0, 1 },
		{ VFAT "[Persist /a]\nPartition=data\nDirectory=/Data\n"
		       "[Persist /b]\nPartition=data\nDirectory=/data\n",
		  F
		  ":9: [Persist /b]: [Persist /a] uses the same directory on the partition; expected another "
		  "Directory=\n" F ":6: note: used here\n",
		  0, 1 },
		{ VFAT "[Persist /a]\nPartition=data\nDirectory=/data\n"
		       "[Persist /b]\nPartition=data\nDirectory=/DATA/sub\n",
		  F
		  ":9: [Persist /b]: its directory on the partition, /DATA/sub, is below /data of "
		  "[Persist /a]; expected directories that do not contain each other\n" F
		  ":6: note: used here\n",
		  0, 1 },
		{ VFAT "[Persist /a]\nPartition=data\nDirectory=/a/.ROFS-new\n",
		  F
		  ":6: [Persist /a]: its directory on the partition would be /a/.ROFS-new, but rofs uses the "
		  "name .rofs-new itself; expected another Directory=\n",
		  0, 0 },
		{ DATA "[Persist /a]\nPartition=data\nDirectory=/Data\n"
		       "[Persist /b]\nPartition=data\nDirectory=/data\n",
		  "", 0, 2 },
		{ DATA "[Overlay /a]\nPartition=data\nSize=1M\n",
		  F
		  ":5: [Overlay /a]: Size= and Partition= cannot be combined; a partition has its own size\n",
		  0, 0 },
		{ "[Overlay /a]\nDirectory=/x\n",
		  F
		  ":2: [Overlay /a] has Directory= without Partition=; expected the name of a [Partition]\n",
		  0, 0 },
		{ "[Overlay /a]\nStartEmpty=/b/c\n",
		  F ":2: [Overlay /a]: StartEmpty= directory /b/c is not below it\n", 0, 0 },
		{ "[Overlay /a]\nStartEmpty=/a\n",
		  F ":2: [Overlay /a]: StartEmpty= directory /a is not below it\n", 0, 0 },
		{ "[Partition data]\nDevice=LABEL=data\nFormat=yes\n[Persist /a]\nPartition=data\n",
		  F
		  ":3: [Partition data]: Format=yes without Type=; expected the type of file system to create\n" F
		  ":5: [Persist /a] is ignored too: it requires [Partition data], which contains an error\n" F
		  ":1: note: the partition is declared here\n",
		  0, 0 },
		{ DATA "[Overlay /a]\nPartition=data\nStartEmpty=/a/b\n",
		  F
		  ":5: [Overlay /a]: StartEmpty= and Partition= cannot be combined; each boot would delete files "
		  "from the partition\n",
		  0, 0 },
		{ DATA "[Persist /a]\nPartition=data\nKind=file\n",
		  F
		  ":5: [Persist /a]: Kind=file requires a Directory= that names the file on the partition\n",
		  0, 0 },
		{ DATA "[Persist /a]\nPartition=data\nPopulate=yes\n",
		  F ":5: [Persist /a]: Populate=yes requires a Directory= other than /\n", 0, 0 },
		{ DATA "[Persist /a]\nPartition=data\nDirectory=/a\nPopulate=yes\n", "", 0, 1 },
		{ DATA "[Persist /a]\nPartition=data\nDirectory=/a/.rofs-new\n",
		  F
		  ":5: Directory=/a/.rofs-new is invalid; expected a name other than .rofs-new, which rofs "
		  "uses itself\n",
		  0, 0 },
	};

	CHECK_EACH(row, rows)
	{
		_cleanup_model_ struct model m = { 0 };

		check_plan(&m, row->text, NULL, row->expected);
		check.label = row->text;
		CHECK_INT(m.plan.n_overlays, row->n_overlays);
		CHECK_INT(m.plan.n_persists, row->n_persists);
	}
	check.label = NULL;
}

static void test_bad_sections_fall_back_to_defaults(void)
{
	_cleanup_model_ struct model m = { 0 };

	check_plan(&m,
		   "[Root]\nReadOnly=no\nTmp=no\nx\n[Memory]\nSize=5M\nInodes=0\n[Overlay /a]\n",
		   NULL,
		   F ":4: missing '='; expected Key=value, [Section] or a comment\n" F
		     ":1: note: [Root] is ignored because of line 4; its defaults apply\n" F
		     ":7: Inodes=0 is invalid; expected a number above 0, with K, M or G\n");
	CHECK_INT(m.plan.n_remounts, 1);
	CHECK(m.plan.tmp);
	CHECK_INT(m.plan.pools[0].size.percent, 50);
	CHECK_INT(m.plan.pools[0].size.bytes, 0);
}

static void plan_on_full_system(struct model *m, const char *text, const struct link_fact *links)
{
	CHECK_INT(model_read(m, text), 0);
	CHECK_INT(model_look(m, links), 0);
	model_add_fstab(m, "LABEL=srv", "/srv", "ext4", "defaults");
	model_add_fstab(m, "LABEL=fs", "/fs", "ext4", "defaults");
	model_add_fstab(m, "/fs/swap", "none", "swap", "sw");
	CHECK_INT(model_plan(m), 0);
	CHECK_INT(model_render(m), 0);
}

/* Does a unit say the same but for the line that it came from? */
static bool is_same_text(const char *a, const char *b)
{
	if (strncmp(a, "# Generated", 11) == 0)
		a = strchrnul(a, '\n');
	if (strncmp(b, "# Generated", 11) == 0)
		b = strchrnul(b, '\n');
	return strcmp(a, b) == 0;
}

static void check_same_units(const struct model *a, const struct model *b)
{
	CHECK_INT(a->set.n_files, b->set.n_files);
	for (size_t i = 0; i < a->set.n_files; i++) {
		const char *text = model_unit(b, a->set.files[i].name);

		if (!text || !is_same_text(a->set.files[i].text, text))
			CHECK_STR(a->set.files[i].name, text ? "another text" : "not there");
	}
}

/* The reason is an overlay that is left out, by its own mistake or by what is at its path. */
static void test_persist_below_an_overlay_that_is_left_out(void)
{
	static const struct link_fact links[] = {
		{ "/a/b", "/a/b", PATH_MISSING },	{ "/none", "/none", PATH_MISSING },
		{ "/none/b", "/none/b", PATH_MISSING }, { "/c/d", "/c/d", PATH_MISSING },
		{ NULL, NULL, PATH_MISSING },
	};
	_cleanup_model_ struct model m = { 0 };

	check_plan(
		&m,
		"[Overlay /a]\nSize=x\n[Overlay /none]\n" DATA
		"[Persist /a/b]\nPartition=data\nDirectory=/1\n[Persist /none/b]\nPartition=data\nDirectory=/2\n[Persist /c/d]\nPartition=data\nDirectory=/3\n",
		links,
		F
		":2: Size=x is invalid; expected bytes with K, M or G, or 1% to 100% of RAM\n" F
		":3: [Overlay /none]: there is no such directory on the root file system\n" F
		":6: [Persist /a/b] is ignored too: its mount point cannot be created without [Overlay /a]\n" F
		":12: [Persist /c/d]: there is no such directory on the root file system, and no overlay above it in which to create it\n" F
		":9: [Persist /none/b] is ignored too: its mount point cannot be created without [Overlay /none]\n");
}

/* What is refused when others have been planned already leaves no trace in them. */
static void test_left_out_is_as_if_not_written(void)
{
	static const struct link_fact links[] = {
		{ "/none", "/none", PATH_MISSING },	{ "/p", "/p", PATH_MISSING },
		{ "/none/x", "/none/x", PATH_MISSING }, { "/alias", "/a", PATH_DIRECTORY },
		{ NULL, NULL, PATH_MISSING },
	};
	static const struct {
		const char *mistake, *rest;
	} rows[] = {
		/* The lower of the other one: bound, since fstab mounts it as ever. */
		{ "[Overlay /srv]\nStartEmpty=/x\n", "[Overlay /srv/a]\n" },
		{ "[Overlay /srv]\nDirectory=/x\n", "[Overlay /srv/a]\n" },
		{ "[Persist /srv]\nPartition=data\nDirectory=/s\nKind=file\nPopulate=yes\n"
		  "Partition=no\n",
		  DATA "[Overlay /srv/a]\n" },
		/* What was below a persist, or the same path twice. */
		{ "[Persist /p]\nPartition=data\nDirectory=/p\n",
		  DATA "[Overlay /p/a]\n[Persist /b]\nPartition=data\nDirectory=/p\n" },
		{ "[Persist /a]\nPartition=data\nPopulate=yes\nDirectory=/\n",
		  DATA "[Overlay /a/b]\n[Persist /c]\nPartition=data\nDirectory=/c\n" },
		{ "[Overlay /a]\nStartEmpty=/b\n", "[Overlay /alias]\n" },
		{ "[Overlay /a]\nStartEmpty=/b\n", DATA "[Persist /alias]\nPartition=data\n" },
		/* The directory on the partition. */
		{ "[Overlay /none]\nPartition=data\nDirectory=/x\n",
		  DATA "[Overlay /b]\nPartition=data\nDirectory=/x\n" },
		{ "[Overlay /none]\nPartition=data\nDirectory=/x\n",
		  DATA "[Persist /b]\nPartition=data\nDirectory=/x/y\n" },
		/* One after the other. */
		{ "[Overlay /none]\n[Persist /none/x]\nPartition=data\nDirectory=/x\n",
		  DATA "[Overlay /none/x/y]\n[Overlay /b]\nPartition=data\nDirectory=/x\n" },
		/* What is on the root itself. */
		{ "[Overlay /tmp]\nStartEmpty=/x\n", "[Root]\nSwap=yes\n" },
		{ "[Overlay /fs]\nStartEmpty=/x\n", "[Root]\nSwap=yes\n[Overlay /b]\n" },
		{ "[Overlay /srv]\nPartition=srv\n",
		  "[Partition srv]\nDevice=LABEL=srv\nFormat=yes\n[Overlay /srv/a]\n" },
		{ "[Persist /srv]\nPartition=srv\nMode=x\n",
		  "[Partition srv]\nDevice=LABEL=srv\n[Persist /b]\nPartition=srv\nDirectory=/b\n" },
		{ "[Persist /srv]\nPartition=srv\nKind=file\n",
		  "[Partition srv]\nDevice=LABEL=srv\n[Persist /b]\nPartition=srv\nDirectory=/b\n" },
	};

	CHECK_EACH(row, rows)
	{
		_cleanup_model_ struct model without = { 0 }, with = { 0 };
		char text[1024];

		check.label = row->mistake;
		snprintf(text, sizeof(text), "%s%s", row->mistake, row->rest);
		plan_on_full_system(&with, text, links);
		plan_on_full_system(&without, row->rest, links);
		CHECK(with.diag.n_errors > without.diag.n_errors);
		check_same_units(&with, &without);
	}
	check.label = NULL;
}

int main(void)
{
	test_contradictions();
	test_bad_sections_fall_back_to_defaults();
	test_persist_below_an_overlay_that_is_left_out();
	test_left_out_is_as_if_not_written();
	return check_done();
}

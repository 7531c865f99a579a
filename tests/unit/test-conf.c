/* SPDX-License-Identifier: MIT */
#include "check.h"
#include "model.h"

static void check_messages(const char *text, const char *expected)
{
	_cleanup_model_ struct model m = { 0 };
	_cleanup_free_ char *seen = NULL;

	CHECK_INT(model_read(&m, text), 0);
	seen = model_messages(&m);
	CHECK_STR(seen, expected);
}

#define F "/etc/rofs.conf"

static void test_mistakes(void)
{
	static const struct {
		const char *text, *expected;
	} rows[] = {
		{ "", "" },
		{ "[Root]\nReadOnly=yes\nSwap=no\nTmp=yes\n", "" },
		{ "[Root]\nX-Mine=1\n[X-Other thing]\nno=matter\n", "" },
		{ "[Root]\nSwap=\n[Memory]\nSize=\nInodes=\n", "" },
		{ "Size=1\n", F ":1: Size= before any section; expected a [Section] first\n" },
		{ "[Overlay]\n", F ":1: [Overlay] without a name; expected [Overlay /PATH]\n" },
		{ "[Partition]\n",
		  F ":1: [Partition] without a name; expected [Partition NAME]\n" },
		{ "[Root x]\nSwap=no\n",
		  F ":1: [Root x]: this section takes no name; expected [Root]\n" },
		{ "[Overlays /var]\nx=y\n",
		  F ":1: unknown section [Overlays]; did you mean [Overlay]?\n" },
		{ "[overlay /var]\n",
		  F ":1: unknown section [overlay]; did you mean [Overlay]?\n" },
		{ "[Overlay/etc]\n",
		  F ":1: unknown section [Overlay/etc]; did you mean [Overlay /etc]?\n" },
		{ "[persist:/etc]\n",
		  F ":1: unknown section [persist:/etc]; did you mean [Persist /etc]?\n" },
		{ "[Root x]\nSwap=perhaps\n",
		  F ":1: [Root x]: this section takes no name; expected [Root]\n" F
		    ":2: Swap=perhaps is invalid; expected yes or no\n" },
		{ "[Mount]\n", F
		  ":1: unknown section [Mount]; expected Root, Memory, Overlay, Partition or Persist\n" },
		{ "[Overlay var]\n", F ":1: [Overlay var]: not an absolute path\n" },
		{ "[Persist /a/../b]\n", F ":1: [Persist /a/../b]: '..' in the path\n" },
		{ "[Overlay /]\n", F
		  ":1: [Overlay /]: the root directory cannot be covered; expected a directory below it\n" },
		{ "[Overlay /./]\n", F
		  ":1: [Overlay /]: the root directory cannot be covered; expected a directory below it\n" },
		{ "[Overlay /run/x]\n", F
		  ":1: [Overlay /run/x]: /proc, /sys, /dev, /run and /rofs are reserved; expected another path\n" },
		{ "[Persist /rofs]\nPartition=d\n", F
		  ":1: [Persist /rofs]: /proc, /sys, /dev, /run and /rofs are reserved; expected another path\n" },
		{ "[Partition a/b]\nDevice=LABEL=x\n", F
		  ":1: [Partition a/b]: invalid name; expected at most 64 letters, digits, - _ . starting with a letter "
		  "or digit\n" },
		{ "[Partition -a]\nDevice=LABEL=x\n", F
		  ":1: [Partition -a]: invalid name; expected at most 64 letters, digits, - _ . starting with a letter "
		  "or digit\n" },
		{ "[Overlay /var]\nSzie=1\n",
		  F ":2: unknown key Szie= in [Overlay]; did you mean Size=?\n" },
		{ "[Overlay /var]\nsize=1\n",
		  F ":2: unknown key size= in [Overlay]; did you mean Size=?\n" },
		{ "[Overlay /var]\nUpper=1\n",
		  F ":2: unknown key Upper= in [Overlay]; see rofs.conf(5)\n" },
		{ "[Memory]\nSize=0\n", F
		  ":2: Size=0 is invalid; expected bytes with K, M or G, or 1% to 100% of RAM\n" },
		{ "[Memory]\nSize=101%\n", F
		  ":2: Size=101% is out of range; expected bytes with K, M or G, or 1% to 100% of RAM\n" },
		{ "[Memory]\nInodes=many\n",
		  F ":2: Inodes=many is invalid; expected a number above 0, with K, M or G\n" },
		{ "[Root]\nSwap=maybe\n", F ":2: Swap=maybe is invalid; expected yes or no\n" },
		{ "[Overlay /v]\nOptions=nosuid,size=5M\n", F
		  ":2: [Overlay /v]: Options=nosuid,size=5M: 'size=5M' is not allowed here; use Size=\n" },
		{ "[Overlay /v]\nOptions=index=on\n", F
		  ":2: [Overlay /v]: Options=index=on: 'index=on' is not allowed here; expected ro, rw, nosuid, suid, "
		  "nodev, dev, noexec, exec, nosymfollow, symfollow, noatime, relatime, strictatime, nodiratime\n" },
		{ "[Overlay /v]\nOptions=nosuid,,nodev\n", F
		  ":2: [Overlay /v]: Options=nosuid,,nodev: '' is not allowed here; expected ro, rw, nosuid, suid, nodev, "
		  "dev, noexec, exec, nosymfollow, symfollow, noatime, relatime, strictatime, nodiratime\n" },
		{ "[Overlay /v]\nStartEmpty=/v/../etc\n", F
		  ":2: StartEmpty=/v/../etc is invalid; expected absolute paths separated by blanks, without '..' or "
		  "any of , : \\ \" % '\n" },
		{ "[Overlay /v]\nIfMissing=volatil\n", F
		  ":2: IfMissing=volatil is invalid; expected read-only, volatile or emergency\n" },
		{ "[Partition d]\nDevice=sda2\n", F
		  ":2: Device=sda2 is invalid; expected /dev/..., LABEL=, UUID=, PARTLABEL= or PARTUUID=, at most "
		  "200 bytes\n" },
		{ "[Partition d]\nDevice=LABEL=\n", F
		  ":2: Device=LABEL= is invalid; expected /dev/..., LABEL=, UUID=, PARTLABEL= or PARTUUID=, at "
		  "most 200 bytes\n" },
		{ "[Partition d]\nDevice=/dev/../etc/x\n", F
		  ":2: Device=/dev/../etc/x is invalid; expected /dev/..., LABEL=, UUID=, PARTLABEL= or PARTUUID=, "
		  "at most 200 bytes\n" },
		{ "[Partition d]\n",
		  F ":1: [Partition d] has no Device=; expected /dev/..., LABEL=, UUID=, ...\n" },
		{ "[Partition d]\nDevice=LABEL=d\nType=swap\n",
		  F ":3: Type=swap is invalid; "
		    "expected the type of a file system on a device, such as ext4, or auto\n" },
		{ "[Partition d]\nDevice=LABEL=d\nType=tmpfs\n",
		  F ":3: Type=tmpfs is invalid; "
		    "expected the type of a file system on a device, such as ext4, or auto\n" },
		{ "[Partition d]\nDevice=LABEL=d\nType=glusterfs\n",
		  F ":3: Type=glusterfs is invalid; "
		    "expected the type of a file system on a device, such as ext4, or auto\n" },
		{ "[Partition d]\nDevice=LABEL=d\nType=crypto_LUKS\n",
		  F ":3: Type=crypto_LUKS is invalid; "
		    "expected the type of a file system on a device, such as ext4, or auto\n" },
		{ "[Partition d]\nDevice=LABEL=d\nType=linux_raid_member\n",
		  F ":3: Type=linux_raid_member is invalid; "
		    "expected the type of a file system on a device, such as ext4, or auto\n" },
		{ "[Partition d]\nDevice=LABEL=d\nType=ext4 x\n",
		  F ":3: Type=ext4 x is invalid; "
		    "expected the type of a file system on a device, such as ext4, or auto\n" },
		{ "[Partition d]\nDevice=LABEL=d\nOptions=noatime,nofail\n", F
		  ":3: [Partition d]: Options=noatime,nofail: 'nofail' is not allowed here; use IfMissing= in "
		  "[Persist] or [Overlay]\n" },
		{ "[Partition d]\nDevice=LABEL=d\nOptions=x-systemd.requires=a.service\n", F
		  ":3: [Partition d]: Options=x-systemd.requires=a.service: 'x-systemd.requires=a.service' is "
		  "not allowed here; use Requires=\n" },
		{ "[Partition d]\nDevice=LABEL=d\nOptions=comment=systemd.automount\n", F
		  ":3: [Partition d]: Options=comment=systemd.automount: 'comment=systemd.automount' is not "
		  "allowed here; expected options of the file system\n" },
		{ "[Partition d]\nDevice=LABEL=d\nOptions=noatime,bind\n", F
		  ":3: [Partition d]: Options=noatime,bind: 'bind' is not allowed here; expected options of "
		  "the file system\n" },
		{ "[Partition d]\nDevice=LABEL=d\nOptions=noatime,_netdev\n", F
		  ":3: [Partition d]: Options=noatime,_netdev: '_netdev' is not allowed here; expected options of "
		  "the file system\n" },
		{ "[Partition d]\nDevice=LABEL=d\nRequires=a.service b@c.service  dev-x\\x2dy.device\n",
		  "" },
		{ "[Partition d]\nDevice=LABEL=d\nRequires=a.service b\nAfter=c@.service\n", F
		  ":3: Requires=a.service b: 'b' is not the name of a unit; expected names such as "
		  "unlock-data.service, separated by blanks\n" F
		  ":4: After=c@.service: 'c@.service' is not the name of a unit; expected names such as "
		  "unlock-data.service, separated by blanks\n" },
		{ "[Partition d]\nDevice=LABEL=d\nAfter=a.service,b.service\n", F
		  ":3: After=a.service,b.service: 'a.service,b.service' is not the name of a unit; expected "
		  "names such as unlock-data.service, separated by blanks\n" },
		{ "[Partition d]\nDevice=LABEL=d\nOptions=a b\n", F
		  ":3: [Partition d]: Options=a b is invalid; expected mount options separated by commas, without blanks, quotes "
		  "or backslashes\n" },
		{ "[Partition d]\nDevice=LABEL=d\nTimeout=0x\n", F
		  ":3: Timeout=0x is invalid; expected a time such as 15s or 2min, or infinity\n" },
		{ "[Partition d]\nDevice=LABEL=d\nTimeout=0\n", "" },
		{ "[Persist /p]\n",
		  F ":1: [Persist /p] has no Partition=; expected the name of a [Partition]\n" },
		{ "[Persist /p]\nPartition=d\nMode=999\n",
		  F ":3: Mode=999 is invalid; expected an octal mode such as 0750\n" },
		{ "[Persist /p]\nPartition=d\nUser=a b\n",
		  F ":3: User=a b is invalid; expected a name or a number\n" },
		{ "[Persist /p]\nPartition=d\nKind=link\n",
		  F ":3: Kind=link is invalid; expected directory or file\n" },
		{ "[Persist /p]\nPartition=d\nDirectory=a\n", F
		  ":3: Directory=a is invalid; expected an absolute path on the partition, without '..'\n" },
		{ "[Persist /p]\nPartition=d e\n", F
		  ":2: Partition=d e is invalid; expected the name of a [Partition]: letters, digits, - _ .\n" },
		{ "[Overlay /v]\nSize=1M\nSize=2M\n",
		  F ":3: Size= is set twice in this section\n" F ":2: note: first set here\n" },
		{ "[Overlay /v]\n[Overlay /v/]\n", F
		  ":2: [Overlay /v] is declared twice in this file, so it is ignored; expected one section with all its keys\n" F
		  ":1: note: first declared here\n" },
		{ "[Root]\n[Root]\n", F
		  ":2: [Root] is declared twice in this file, so it is ignored; expected one section with all its keys\n" F
		  ":1: note: first declared here\n" },
	};

	CHECK_EACH(row, rows)
	{
		check.label = row->text;
		check_messages(row->text, row->expected);
	}
	check.label = NULL;
}

static void test_overlay_paths(void)
{
	for (int c = 1; c < 128; c++) {
		_cleanup_model_ struct model m = { 0 };
		char text[64];
		bool expected = c > ' ' && c != 0x7f && !strchr(",:\\\"%'", c);

		if (c == '\n' || c == '/' || c == '.')
			continue;
		snprintf(text, sizeof(text), "[Overlay /a%cb]\n", c);
		CHECK_INT(model_read(&m, text), 0);
		check.label = text;
		CHECK_INT(m.diag.n_errors == 0, expected);
	}
	check.label = NULL;
}

/* "Every printable path is allowed for a persist", and nothing else. */
static void test_persist_paths(void)
{
	for (int c = 1; c < 128; c++) {
		_cleanup_model_ struct model m = { 0 };
		char text[64];

		if (c == '\n' || c == '/' || c == '.')
			continue;
		snprintf(text, sizeof(text), "[Persist /a%cb]\nPartition=d\n", c);
		CHECK_INT(model_read(&m, text), 0);
		check.label = text;
		CHECK_INT(m.diag.n_errors == 0, c >= ' ' && c != 0x7f);
	}
	check.label = NULL;
}

static void test_longest_overlay_path(void)
{
	char text[256] = "[Overlay /";
	_cleanup_model_ struct model fits = { 0 }, over = { 0 };

	memset(text + 10, 'a', CONF_LAYER_BYTES_MAX - 1);
	strcpy(text + 10 + CONF_LAYER_BYTES_MAX - 1, "]");
	CHECK_INT(model_read(&fits, text), 0);
	CHECK_INT(fits.diag.n_errors, 0);

	strcpy(text + 10 + CONF_LAYER_BYTES_MAX - 1, "a]");
	CHECK_INT(model_read(&over, text), 0);
	CHECK_INT(over.diag.n_errors, 1);
}

static void test_defaults(void)
{
	_cleanup_model_ struct model m = { 0 };

	CHECK_INT(
		model_read(
			&m,
			"[Overlay /v]\n[Partition d]\nDevice=LABEL=d\n[Persist /p]\nPartition=d\n"),
		0);
	CHECK(m.conf.declared);
	CHECK(m.conf.root.read_only && !m.conf.root.swap && m.conf.root.tmp);
	CHECK_INT(m.conf.memory.size.percent, 50);
	CHECK_INT(m.conf.memory.inodes, 0);
	CHECK(!m.conf.overlays[0]->partition && !m.conf.overlays[0]->options);
	CHECK_INT(m.conf.overlays[0]->size.bytes, 0);
	CHECK_STR(m.conf.partitions[0]->type, "auto");
	CHECK_STR(m.conf.partitions[0]->options, "noatime,nodev,nosuid");
	CHECK(m.conf.partitions[0]->check && !m.conf.partitions[0]->format);
	CHECK_INT(m.conf.partitions[0]->timeout_usec, 30000000);
	CHECK(!m.conf.persists[0]->directory);
	CHECK_INT(m.conf.persists[0]->mode, MODE_UNSET);
	CHECK_INT(m.conf.persists[0]->if_missing, IF_MISSING_READ_ONLY);
}

static int add(struct model *m, const char *name, const char *text)
{
	return model_add_file(m, name, text, strlen(text));
}

static void test_files_merge(void)
{
	_cleanup_model_ struct model m = { 0 };
	const struct conf_overlay *o;
	struct pos pos;

	CHECK_INT(conf_init(&m.conf), 0);
	CHECK_INT(add(&m, "one", "[Overlay /v]\nSize=1M\nOptions=nosuid\n[Memory]\nSize=1G\n"), 0);
	CHECK_INT(add(&m, "two", "[Overlay //v/]\nSize=2M\n[Memory]\nSize=\n"), 0);
	conf_check(&m.conf, &m.diag);
	CHECK_INT(m.diag.n_entries, 0);
	CHECK_INT(m.conf.n_overlays, 1);
	o = m.conf.overlays[0];
	CHECK_INT(o->size.bytes, 2 << 20);
	CHECK_STR(o->options, "nosuid");
	CHECK_INT(m.conf.memory.size.percent, 50);
	CHECK_INT(m.conf.memory.size.bytes, 0);

	pos = conf_key_pos(&o->section, "Size");
	CHECK_STR(pos.file, "two");
	CHECK_INT(pos.line, 2);
	pos = conf_key_pos(&o->section, "Options");
	CHECK_STR(pos.file, "one");
	pos = conf_key_pos(&o->section, "Partition");
	CHECK_STR(pos.file, "one");
	CHECK_INT(pos.line, 1);
	CHECK(conf_find(&m.conf, CONF_OVERLAY, "/v") == &o->section);
	CHECK(conf_find(&m.conf, CONF_OVERLAY, "/w") == NULL);
	CHECK(conf_find(&m.conf, CONF_PERSIST, "/v") == NULL);
}

/*
 * A setting below a refused header never reaches the section above; and that one is left out only if
 * the line may be a setting of it.
 */
static void test_lost_headers(void)
{
	static const struct {
		const char *header;
		bool above_is_left_out;
	} rows[] = {
		{ "[Overlay /w", false },
		{ "[Overlay /w] x", false },
		{ "[]", false },
		{ " \t[Overlay /w", false },
		{ "[Overlai /w]", false },
		{ "[Overlay w]", false },
		{ "[Overlay]", false },
		{ "[X-y]", false },
		{ "[Overlay /w\xff]", false },
		{ "\x01[Overlay /w]", true },
		{ "[Root x]", false },
	};

	CHECK_EACH(row, rows)
	{
		_cleanup_model_ struct model m = { 0 };
		char text[128];

		check.label = row->header;
		snprintf(text, sizeof(text), "[Overlay /v]\n%s\nSize=7M\n[Memory]\nSize=9M\n",
			 row->header);
		CHECK_INT(model_read(&m, text), 0);
		CHECK_INT(m.conf.n_overlays, 1);
		CHECK_INT(m.conf.overlays[0]->size.bytes, 0);
		CHECK_INT(m.conf.overlays[0]->section.invalid, row->above_is_left_out);
		CHECK_INT(m.conf.memory.size.bytes, 9 << 20);
	}
	check.label = NULL;
}

static void test_mistake_leaves_out_its_section_only(void)
{
	_cleanup_model_ struct model m = { 0 };

	CHECK_INT(
		model_read(&m,
			   "[Overlay /a]\nno\n[Overlay /b]\n[Overlay /c]\nSize=x\n[Overlay /d]\n"),
		0);
	CHECK_INT(m.diag.n_errors, 2);
	CHECK(m.conf.overlays[0]->section.invalid);
	CHECK(!m.conf.overlays[1]->section.invalid);
	CHECK(m.conf.overlays[2]->section.invalid);
	CHECK(!m.conf.overlays[3]->section.invalid);
}

/* A section that is left out for a line that does not name it is named. */
static void test_left_out_sections_are_named(void)
{
	static const struct {
		const char *one, *two, *expected;
	} rows[] = {
		{ "[Overlay /a]\nno\n", "",
		  "one:2: missing '='; expected Key=value, [Section] or a comment\n"
		  "one:1: note: [Overlay /a] is ignored because of line 2\n" },
		{ "[Memory]\n\x01[x\nSize=1M\n", "",
		  "one:2: control character in the line; expected plain text; the settings below it are ignored\n"
		  "one:1: note: [Memory] is ignored because of line 2; its defaults apply\n" },
		{ "[Overlay /a]\nSzie=1M\nno\n", "",
		  "one:2: unknown key Szie= in [Overlay]; did you mean Size=?\n"
		  "one:3: missing '='; expected Key=value, [Section] or a comment\n" },
		{ "[Overlay /a]\n", "[Overlay /a]\nSize=x\nno\n",
		  "two:2: Size=x is invalid; expected bytes with K, M or G, or 1% to 100% of RAM\n"
		  "one:1: note: [Overlay /a] is ignored because of two:2\n"
		  "two:3: missing '='; expected Key=value, [Section] or a comment\n" },
		{ "[Overlay /a]\n", "[Overlay /a]\nSzie=1M\n",
		  "two:2: unknown key Szie= in [Overlay]; did you mean Size=?\n"
		  "one:1: note: [Overlay /a] is ignored because of two:2\n" },
		{ "[Overlay /a]\n", "[Overlay /a]\nSize=1M\nSize=1M\n",
		  "two:3: Size= is set twice in this section\n"
		  "two:2: note: first set here\n"
		  "one:1: note: [Overlay /a] is ignored because of two:3\n" },
		{ "[Overlay /a]\n", "[Overlay /a]\n[Overlay /a]\n",
		  "two:2: [Overlay /a] is declared twice in this file, so it is ignored; expected one section with all its keys\n"
		  "two:1: note: first declared here\n"
		  "one:1: note: [Overlay /a] is ignored because of two:2\n" },
		{ "[Partition d]\nDevice=LABEL=d\n", "[Partition d]\nDevice=\n",
		  "two:2: [Partition d] has no Device=; expected /dev/..., LABEL=, UUID=, ...\n"
		  "one:1: note: [Partition d] is ignored because of two:2\n" },
	};

	CHECK_EACH(row, rows)
	{
		_cleanup_model_ struct model m = { 0 };
		_cleanup_free_ char *seen = NULL;

		check.label = row->one;
		CHECK_INT(conf_init(&m.conf), 0);
		CHECK_INT(add(&m, "one", row->one), 0);
		CHECK_INT(add(&m, "two", row->two), 0);
		conf_check(&m.conf, &m.diag);
		seen = model_messages(&m);
		CHECK_STR(seen, row->expected);
	}
	check.label = NULL;
}

/* Whoever writes something wrong meant something: it is not the same as an empty file. */
static void test_what_cannot_be_understood_is_declared(void)
{
	static const struct {
		const char *text;
		bool declared;
	} rows[] = {
		{ "# [Overlay /var]\n", false }, { "[X-Mine]\na=b\n", false },
		{ "Size=1M\n", true },		 { "nonsense\n", true },
		{ "[Overlay /var\n", true },	 { "[Overlai /var]\n", true },
		{ "[Overlay /var]\n", true },
	};
	_cleanup_model_ struct model unreadable = { 0 };

	CHECK_EACH(row, rows)
	{
		_cleanup_model_ struct model m = { 0 };

		check.label = row->text;
		CHECK_INT(model_read(&m, row->text), 0);
		CHECK_INT(m.conf.declared, row->declared);
	}
	check.label = NULL;

	CHECK_INT(conf_init(&unreadable.conf), 0);
	CHECK_INT(conf_unreadable(&unreadable.conf, "f", "why", &unreadable.diag), 0);
	CHECK(unreadable.conf.declared);
	CHECK_STR(unreadable.diag.entries[0].text, "cannot be read: why");
}

/* Values that other programs would read as something else. */
static void test_values_that_mislead(void)
{
	static const char *const rows[] = {
		"[Overlay /v]\nOptions=nosuid,\n",
		"[Overlay /v]\nOptions=,nosuid\n",
		"[Partition d]\nDevice=LABEL=d\nOptions=noatime,\n",
		"[Persist /p]\nPartition=d\nUser=4294967296\n",
		"[Persist /p]\nPartition=d\nGroup=4294967296\n",
		"[Persist /p]\nPartition=d\nUser=4294967295\n",
		"[Persist /p]\nPartition=d\nUser=99999999999999999999\n",
	};

	CHECK_EACH(row, rows)
	{
		_cleanup_model_ struct model m = { 0 };

		check.label = *row;
		CHECK_INT(model_read(&m, *row), 0);
		CHECK_INT(m.diag.n_errors, 1);
	}
	check.label = NULL;
}

static void test_names_come_in_pairs(void)
{
	for (int i = 0; i < _CONF_KIND_MAX; i++)
		CHECK_INT(conf_kind_from_string(conf_kind_to_string((enum conf_kind)i)), i);
	for (int i = 0; i < _IF_MISSING_MAX; i++)
		CHECK_INT(if_missing_from_string(if_missing_to_string((enum if_missing)i)), i);
	for (int i = 0; i < _PERSIST_KIND_MAX; i++)
		CHECK_INT(persist_kind_from_string(persist_kind_to_string((enum persist_kind)i)),
			  i);
	CHECK_INT(conf_kind_from_string("root"), _CONF_KIND_INVALID);
	CHECK_INT(if_missing_from_string(""), _IF_MISSING_INVALID);
	CHECK_INT(persist_kind_from_string("x"), _PERSIST_KIND_INVALID);
}

/* The default of each key, written out, gives what the key has without it. */
static void test_defaults_can_be_written(void)
{
	for (int kind = 0; kind < _CONF_KIND_MAX; kind++) {
		size_t n;
		const struct conf_key *keys = conf_keys((enum conf_kind)kind, &n);

		for (size_t i = 0; i < n; i++) {
			_cleanup_model_ struct model m = { 0 };
			char text[256];

			snprintf(text, sizeof(text), "[%s%s]\n%s=%s\n",
				 conf_kind_to_string((enum conf_kind)kind),
				 kind == CONF_PARTITION			  ? " d" :
				 kind == CONF_ROOT || kind == CONF_MEMORY ? "" :
									    " /v",
				 keys[i].name, keys[i].fallback);
			check.label = text;
			CHECK_INT(model_read(&m, text), 0);
			for (size_t j = 0; j < m.diag.n_entries; j++)
				CHECK(strstr(m.diag.entries[j].text, " has no ") != NULL);
		}
	}
	check.label = NULL;
}

int main(void)
{
	test_mistakes();
	test_overlay_paths();
	test_persist_paths();
	test_longest_overlay_path();
	test_defaults();
	test_files_merge();
	test_lost_headers();
	test_mistake_leaves_out_its_section_only();
	test_left_out_sections_are_named();
	test_what_cannot_be_understood_is_declared();
	test_values_that_mislead();
	test_names_come_in_pairs();
	test_defaults_can_be_written();
	return check_done();
}

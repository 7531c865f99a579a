/* SPDX-License-Identifier: MIT */
#include "system/initramfs.h"

#include <stdlib.h>
#include <string.h>

#include "basic/file-system.h"
#include "basic/io.h"
#include "basic/strbuf.h"
#include "basic/text.h"
#include "system/dir-names.h"

#define FILE_MAX_BYTES ((size_t)1024 * 1024)

struct reading {
	const struct rootfs *root;
	const struct facts *facts;
	const char *root_type;
	struct strbuf text; /* all configuration, in the order in which it is read */
};

static int add_file(struct reading *x, const char *path)
{
	_cleanup_free_ char *text = NULL;
	size_t n;
	int err = rootfs_read(x->root, path, FILE_MAX_BYTES, &text, &n);

	if (err < 0)
		return err == -ENOMEM ? err : 0;
	strbuf_add(&x->text, text);
	strbuf_add_char(&x->text, '\n');
	return x->text.failed ? -ENOMEM : 0;
}

/* Files of a directory, by name. @pattern: of their names. */
static int add_directory(struct reading *x, const char *dir, const char *pattern)
{
	_cleanup_dir_names_ struct dir_names l = { 0 };
	int err = dir_names_read(x->root, dir, pattern, 0, SIZE_MAX, &l);

	if (err < 0)
		return err;
	for (size_t i = 0; i < l.n; i++) {
		_cleanup_free_ char *path = NULL;

		err = text_format(&path, "%s%s", dir, l.list[i]);
		if (err >= 0)
			err = add_file(x, path);
		if (err < 0)
			return err;
	}
	return 0;
}

/* struct assignment - what one line gives to a shell variable */
struct assignment {
	const char *value; /* up to the end of the line or of the list; quotes included */
	size_t len;
	bool adds; /* += */
};

static bool parse_assignment(const char *line, const char *name, struct assignment *ret)
{
	static const char export[] = "export ";
	size_t n = strlen(name);

	line += strspn(line, " \t");
	if (strncmp(line, export, strlen(export)) == 0)
		line += strlen(export) + strspn(line + strlen(export), " \t");
	if (strncmp(line, name, n) != 0)
		return false;
	line += n;
	ret->adds = *line == '+';
	line += ret->adds;
	if (*line != '=')
		return false;
	ret->value = line + 1;
	ret->len = strcspn(ret->value, *ret->value == '(' ? ")" : "\n#");
	return true;
}

/* The next line from @at on that assigns the variable; @at is moved behind it. */
static bool next_assignment(const char **at, const char *name, struct assignment *ret)
{
	while (*at && **at) {
		const char *line = *at;

		*at += strcspn(*at, "\n");
		*at += **at == '\n';
		if (parse_assignment(line, name, ret))
			return true;
	}
	return false;
}

/* Is @word among the words of a value, which blanks, commas, quotes or brackets may separate? */
static bool has_word(const char *value, size_t len, const char *word)
{
	static const char between[] = " \t\n,\"'()";
	const char *end = value + len;

	for (const char *s = value; s < end;) {
		size_t n;

		s += strspn(s, between);
		n = strcspn(s, between);
		if (s + n <= end && n == strlen(word) && memcmp(s, word, n) == 0)
			return true;
		s += n;
	}
	return false;
}

/* Is @word in the value of a variable, in the end? */
static bool is_set_to(const struct reading *x, const char *name, const char *word)
{
	const char *at = x->text.text;
	struct assignment a;
	bool set = false;

	while (next_assignment(&at, name, &a))
		set = (set && a.adds) || has_word(a.value, a.len, word);
	return set;
}

static bool may_be_ext(const char *type)
{
	return !type || !*type || strcmp(type, "auto") == 0 || file_system_is_ext(type);
}

/* Since 0.142, the pass number in fstab no longer keeps fsck out; Debian 11 has 0.140. */
static bool knows_pass(const struct rootfs *r)
{
	_cleanup_free_ char *text = NULL;
	size_t n;

	return rootfs_read(r, "/usr/share/initramfs-tools/hooks/fsck", FILE_MAX_BYTES, &text, &n) <
		       0 ||
	       strstr(text, "\"$MNT_PASS\" != 0") != NULL;
}

/* The line of fstab for /usr, if fsck of it would write. */
static const struct fstab_entry *find_usr(const struct facts *f)
{
	for (size_t i = 0; i < f->n_fstab; i++)
		if (strcmp(f->fstab[i].dir, "/usr") == 0 && may_be_ext(f->fstab[i].type))
			return &f->fstab[i];
	return NULL;
}

/* What fsck in the initramfs writes to: /usr is mounted there too, and checked by its pass number. */
static const char *find_checked(const struct reading *x)
{
	const struct fstab_entry *usr = find_usr(x->facts);
	bool root = may_be_ext(x->root_type);

	if (!usr || usr->passno == 0)
		return root ? "/" : NULL;
	return root ? "/ and /usr" : "/usr";
}

/*
 * Its hook adds fsck for / and /usr if fstab has them, or for the types in FSTYPE=. Once it is there,
 * / is checked whatever fstab says.
 */
static bool tools_contain_fsck(const struct reading *x)
{
	static const char *const types[] = { "ext4", "ext3", "ext2" };
	const char *at = x->text.text;
	struct assignment a = { 0 };
	bool by_pass;

	if (is_set_to(x, "fastboot", "y"))
		return false;
	while (next_assignment(&at, "FSTYPE", &a))
		; /* the last one counts */
	if (a.len > 0 && !has_word(a.value, a.len, "auto")) {
		for (size_t i = 0; i < ELEMENTSOF(types); i++)
			if (has_word(a.value, a.len, types[i]))
				return true;
		return false;
	}
	by_pass = knows_pass(x->root);
	for (size_t i = 0; i < x->facts->n_fstab; i++) {
		const struct fstab_entry *e = &x->facts->fstab[i];

		if ((strcmp(e->dir, "/") == 0 || e == find_usr(x->facts)) &&
		    (!by_pass || e->passno != 0))
			return true;
	}
	return false;
}

/* systemd in it checks the root of root=, whatever fstab says, if it finds the program. */
static bool dracut_contains_fsck(const struct reading *x)
{
	return !is_set_to(x, "nofscks", "yes");
}

static bool mkinitcpio_contains_fsck(const struct reading *x)
{
	return is_set_to(x, "HOOKS", "fsck");
}

#define FILES_MAX 3u

/* The first of which @program is there and @unless is not. */
static const struct maker {
	const char *name, *program, *unless;
	/* Its configuration; with a slash at the end: of a directory, the files that match. */
	const char *files[FILES_MAX], *pattern;
	bool (*contains_fsck)(const struct reading *x);
	const char *cure, *rebuild;
} makers[] = {
	/* The package of dracut brings an update-initramfs too. */
	{ "initramfs-tools",
	  "/usr/sbin/update-initramfs",
	  "/etc/kernel/postinst.d/dracut",
	  { "/usr/share/initramfs-tools/conf.d/", "/etc/initramfs-tools/initramfs.conf",
	    "/etc/initramfs-tools/conf.d/" },
	  "*",
	  tools_contain_fsck,
	  "run: echo fastboot=y >/etc/initramfs-tools/conf.d/rofs && update-initramfs -u -k all "
	  "(pass 0 in fstab is not enough since initramfs-tools 0.142)",
	  "update-initramfs -u -k all" },
	{ "mkinitcpio",
	  "/usr/bin/mkinitcpio",
	  NULL,
	  { "/etc/mkinitcpio.conf", "/etc/mkinitcpio.conf.d/" },
	  "*.conf",
	  mkinitcpio_contains_fsck,
	  "remove fsck from HOOKS in /etc/mkinitcpio.conf and run: mkinitcpio -P",
	  "mkinitcpio -P" },
	{ "dracut",
	  "/usr/bin/dracut",
	  NULL,
	  { "/etc/dracut.conf", "/usr/lib/dracut/dracut.conf.d/", "/etc/dracut.conf.d/" },
	  "*.conf",
	  dracut_contains_fsck,
	  "run: echo 'nofscks=\"yes\"' >/etc/dracut.conf.d/rofs.conf && dracut --regenerate-all --force",
	  "dracut --regenerate-all --force" },
};

static bool exists(const struct rootfs *r, const char *path)
{
	_cleanup_free_ char *resolved = NULL;
	struct stat st;

	return rootfs_resolve(r, path, &resolved) >= 0 && rootfs_stat(r, resolved, &st) == 0;
}

static const struct maker *find_maker(const struct rootfs *r)
{
	for (size_t i = 0; i < ELEMENTSOF(makers); i++)
		if (exists(r, makers[i].program) &&
		    (!makers[i].unless || !exists(r, makers[i].unless)))
			return &makers[i];
	return NULL;
}

static int add_files(struct reading *x, const struct maker *m)
{
	int err = 0;

	for (size_t i = 0; i < FILES_MAX && m->files[i] && err >= 0; i++) {
		size_t n = strlen(m->files[i]);

		err = m->files[i][n - 1] == '/' ? add_directory(x, m->files[i], m->pattern) :
						  add_file(x, m->files[i]);
	}
	return err;
}

int initramfs_read(const struct rootfs *r, const struct facts *facts, const char *root_type,
		   struct initramfs *ret)
{
	const struct maker *m = find_maker(r);
	struct reading x = { .root = r, .facts = facts, .root_type = root_type };
	int err;

	*ret = (struct initramfs){ 0 };
	if (!m)
		return 0;
	err = add_files(&x, m);
	if (err >= 0)
		*ret = (struct initramfs){ .name = m->name,
					   .checks = m->contains_fsck(&x) ? find_checked(&x) : NULL,
					   .cure = m->cure,
					   .rebuild = m->rebuild };
	strbuf_done(&x.text);
	return err;
}

bool initramfs_has_checked(const struct rootfs *r)
{
	return rootfs_has(r, "/run/initramfs", "fsck-root");
}

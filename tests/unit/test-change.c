/* SPDX-License-Identifier: MIT */
#include "layer/change.h"

#include <errno.h>
#include <sys/sysmacros.h>

#include "check.h"

/* Stats that differ in nothing but what a row says. */
static struct stat make(mode_t mode, off_t size)
{
	return (struct stat){ .st_mode = mode, .st_size = size, .st_mtim = { 5, 7 } };
}

enum {
	FILE_ = S_IFREG | 0644,
	DIR_ = S_IFDIR | 0755,
	LINK_ = S_IFLNK | 0777
};

static void test_ask(void)
{
	static const struct {
		const char *label;
		mode_t upper, lower; /* 0: there is none */
		off_t upper_size, lower_size;
		unsigned expected;
	} rows[] = {
		{ "added file", FILE_, 0, 10, 0, 0 },
		{ "added directory", DIR_, 0, 0, 0, 0 },
		{ "file, other size", FILE_, FILE_, 10, 11, CHANGE_ASK_XATTRS },
		{ "file, same size", FILE_, FILE_, 10, 10, CHANGE_ASK_XATTRS | CHANGE_ASK_CONTENT },
		{ "two empty files", FILE_, FILE_, 0, 0, CHANGE_ASK_MARK | CHANGE_ASK_XATTRS },
		{ "empty file", FILE_, FILE_, 0, 10, CHANGE_ASK_MARK | CHANGE_ASK_XATTRS },
		{ "empty file over a directory", FILE_, DIR_, 0, 0, CHANGE_ASK_MARK },
		{ "empty file over nothing", FILE_, 0, 0, 0, CHANGE_ASK_MARK },
		{ "directories", DIR_, DIR_, 60, 4096, CHANGE_ASK_XATTRS | CHANGE_ASK_OPAQUE },
		{ "links of one length", LINK_, LINK_, 3, 3,
		  CHANGE_ASK_XATTRS | CHANGE_ASK_TARGET },
		{ "links", LINK_, LINK_, 3, 4, CHANGE_ASK_XATTRS },
		{ "file over a link", FILE_, LINK_, 3, 3, 0 },
		{ "whiteout", S_IFCHR, FILE_, 0, 3, 0 },
		{ "FIFOs", S_IFIFO, S_IFIFO, 0, 0, CHANGE_ASK_XATTRS },
	};

	CHECK_EACH(row, rows)
	{
		struct stat upper = make(row->upper, row->upper_size);
		struct stat lower = make(row->lower, row->lower_size);

		check.label = row->label;
		CHECK_INT(change_ask(&upper, row->lower ? &lower : NULL), row->expected);
	}
	check.label = NULL;
}

static void test_kinds(void)
{
	static const struct {
		const char *label;
		mode_t upper, lower; /* 0: there is none */
		off_t upper_size, lower_size;
		bool mark, opaque;
		enum change_content content;
		char expected;
		mode_t type;
	} rows[] = {
		{ "added", FILE_, 0, 1, 0, 0, 0, 0, 'A', S_IFREG },
		{ "added directory", DIR_, 0, 1, 0, 0, 0, 0, 'A', S_IFDIR },
		{ "deleted file", S_IFCHR, FILE_, 0, 9, 0, 0, 0, 'D', S_IFREG },
		{ "deleted directory", S_IFCHR, DIR_, 0, 9, 0, 0, 0, 'D', S_IFDIR },
		{ "deleted device", S_IFCHR, S_IFCHR, 0, 0, 0, 0, 0, 'D', S_IFCHR },
		{ "whiteout of nothing", S_IFCHR, 0, 0, 0, 0, 0, 0, ' ', 0 },
		{ "marked file", FILE_, FILE_, 0, 9, 1, 0, 0, 'D', S_IFREG },
		{ "marked file, directory", FILE_, DIR_, 0, 9, 1, 0, 0, 'D', S_IFDIR },
		{ "marked file of nothing", FILE_, 0, 0, 0, 1, 0, 0, ' ', 0 },
		{ "replaced", LINK_, FILE_, 3, 3, 0, 0, 0, 'T', S_IFLNK },
		{ "directory replaced", FILE_, DIR_, 0, 0, 0, 0, 0, 'T', S_IFREG },
		{ "by a directory", DIR_, FILE_, 0, 0, 0, 1, 0, 'T', S_IFDIR },
		{ "size", FILE_, FILE_, 3, 4, 0, 0, 0, 'M', S_IFREG },
		{ "emptied", FILE_, FILE_, 0, 4, 0, 0, 0, 'M', S_IFREG },
		{ "bytes", FILE_, FILE_, 4, 4, 0, 0, CHANGE_CONTENT_DIFFERENT, 'M', S_IFREG },
		{ "unknown", FILE_, FILE_, 4, 4, 0, 0, CHANGE_CONTENT_UNKNOWN, 'M', S_IFREG },
		{ "same bytes", FILE_, FILE_, 4, 4, 0, 0, CHANGE_CONTENT_SAME, '=', S_IFREG },
		{ "both empty", FILE_, FILE_, 0, 0, 0, 0, 0, '=', S_IFREG },
		{ "target", LINK_, LINK_, 4, 4, 0, 0, CHANGE_CONTENT_DIFFERENT, 'M', S_IFLNK },
		{ "same target", LINK_, LINK_, 4, 4, 0, 0, CHANGE_CONTENT_SAME, '=', S_IFLNK },
		{ "merged directory", DIR_, DIR_, 60, 4096, 0, 0, 0, ' ', S_IFDIR },
		{ "opaque directory", DIR_, DIR_, 60, 60, 0, 1, 0, 'M', S_IFDIR },
		{ "socket", S_IFSOCK, S_IFSOCK, 0, 0, 0, 0, 0, '=', S_IFSOCK },
		{ "mode", S_IFREG | 0600, FILE_, 4, 4, 0, 0, 0, 'm', S_IFREG },
		{ "mode of a directory", S_IFDIR | 01777, DIR_, 4, 4, 0, 0, 0, 'm', S_IFDIR },
		{ "mode of a link is none", S_IFLNK | 0700, LINK_, 4, 4, 0, 0, 0, '=', S_IFLNK },
	};

	CHECK_EACH(row, rows)
	{
		struct stat upper = make(row->upper, row->upper_size);
		struct stat lower = make(row->lower, row->lower_size);
		struct change_facts f = { .upper = &upper,
					  .lower = row->lower ? &lower : NULL,
					  .mark = row->mark,
					  .opaque = row->opaque,
					  .content = row->content };
		struct change c = change_decide(&f);

		check.label = row->label;
		CHECK_INT(change_kind_to_letter(c.kind), row->expected);
		CHECK_INT(c.type, row->type);
		CHECK_INT(c.lower_type, row->lower & S_IFMT);
		CHECK_INT(c.opaque, row->opaque && S_ISDIR(row->lower));
		CHECK_INT(c.not_compared, row->content == CHANGE_CONTENT_UNKNOWN);
	}
	check.label = NULL;
}

/* The first that could not be read counts; what is known besides stays. */
static void test_unread(void)
{
	struct stat upper = make(S_IFREG | 0600, 4), lower = make(FILE_, 4);
	struct change_facts f = { .upper = &upper,
				  .lower = &lower,
				  .content = CHANGE_CONTENT_UNKNOWN };
	struct change c;

	change_set_unread(&f, CHANGE_UNREAD_CONTENT, -EIO);
	change_set_unread(&f, CHANGE_UNREAD_ATTRIBUTES, -E2BIG);
	c = change_decide(&f);
	CHECK_INT(change_kind_to_letter(c.kind), '?');
	CHECK_INT(c.unread, CHANGE_UNREAD_CONTENT);
	CHECK_INT(c.error, EIO);
	CHECK_INT(c.attributes, CHANGE_MODE);
	CHECK_INT(c.type, S_IFREG);
	CHECK(!c.not_compared);
	CHECK_STR(change_unread_to_string(c.unread), "content");
	CHECK_STR(change_unread_to_string(CHANGE_UNREAD_ENTRY), NULL);
}

static void test_devices(void)
{
	struct stat upper = make(S_IFBLK | 0600, 0), lower = upper;
	struct change_facts f = { .upper = &upper, .lower = &lower };

	upper.st_rdev = makedev(8, 1);
	lower.st_rdev = makedev(8, 2);
	CHECK_INT(change_decide(&f).kind, CHANGE_MODIFIED);
	lower.st_rdev = upper.st_rdev;
	CHECK_INT(change_decide(&f).kind, CHANGE_COPIED);
	/* Only the character device 0:0 is a whiteout. */
	upper.st_rdev = lower.st_rdev = 0;
	CHECK_INT(change_decide(&f).kind, CHANGE_COPIED);
	upper.st_mode = lower.st_mode = S_IFCHR | 0600;
	upper.st_rdev = lower.st_rdev = makedev(0, 1);
	CHECK_INT(change_decide(&f).kind, CHANGE_COPIED);
	CHECK(!change_is_whiteout(&upper));
	upper.st_rdev = makedev(1, 0);
	CHECK(!change_is_whiteout(&upper));
}

static void test_attributes(void)
{
	struct stat lower = make(FILE_, 4), upper = lower;
	struct change_facts f = { .upper = &upper, .lower = &lower };

	upper.st_uid = 1;
	CHECK_INT(change_decide(&f).attributes, CHANGE_OWNER);
	upper = lower;
	upper.st_gid = 1;
	CHECK_INT(change_decide(&f).attributes, CHANGE_OWNER);
	upper = lower;
	upper.st_mtim.tv_nsec++;
	CHECK_INT(change_decide(&f).attributes, CHANGE_TIME);
	CHECK_INT(change_decide(&f).kind, CHANGE_ATTRIBUTES);
	upper = lower;
	upper.st_mtim.tv_sec--;
	upper.st_mode |= S_ISUID;
	f.xattrs = CHANGE_ACL | CHANGE_XATTR;
	CHECK_INT(change_decide(&f).attributes,
		  CHANGE_TIME | CHANGE_MODE | CHANGE_ACL | CHANGE_XATTR);

	/* They are told of a modified file too. */
	upper.st_size++;
	CHECK_INT(change_decide(&f).kind, CHANGE_MODIFIED);
	CHECK_INT(change_decide(&f).attributes,
		  CHANGE_TIME | CHANGE_MODE | CHANGE_ACL | CHANGE_XATTR);

	/* A directory's time changes with what is in it, and says nothing. */
	upper = lower = make(DIR_, 60);
	upper.st_mtim.tv_sec++;
	f.xattrs = 0;
	CHECK_INT(change_decide(&f).kind, CHANGE_NONE);
	CHECK_INT(change_decide(&f).attributes, 0);
}

static void test_words(void)
{
	CHECK_STR(change_type_to_string(S_IFREG | 0644), "file");
	CHECK_STR(change_type_to_string(S_IFDIR), "dir");
	CHECK_STR(change_type_to_string(S_IFLNK), "link");
	CHECK_STR(change_type_to_string(S_IFCHR), "char");
	CHECK_STR(change_type_to_string(S_IFBLK), "block");
	CHECK_STR(change_type_to_string(S_IFIFO), "fifo");
	CHECK_STR(change_type_to_string(S_IFSOCK), "socket");
	CHECK_STR(change_type_to_string(0), "");
	for (unsigned bit = CHANGE_MODE; bit <= CHANGE_XATTR; bit <<= 1)
		CHECK(change_attribute_to_string(bit) != NULL);
	CHECK_STR(change_attribute_to_string(CHANGE_XATTR << 1), NULL);
	CHECK_STR(change_attribute_to_string(CHANGE_MODE | CHANGE_OWNER), NULL);
}

int main(void)
{
	test_ask();
	test_kinds();
	test_unread();
	test_devices();
	test_attributes();
	test_words();
	return check_done();
}

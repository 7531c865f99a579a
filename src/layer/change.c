/* SPDX-License-Identifier: MIT */
#include "layer/change.h"

#include <assert.h>
#include <sys/sysmacros.h>

#include "basic/macro.h"

bool change_is_whiteout(const struct stat *upper)
{
	return S_ISCHR(upper->st_mode) && major(upper->st_rdev) == 0 && minor(upper->st_rdev) == 0;
}

static mode_t type_of(const struct stat *st)
{
	return st ? st->st_mode & S_IFMT : 0;
}

unsigned change_ask(const struct stat *upper, const struct stat *lower)
{
	unsigned ask = 0;

	if (change_is_whiteout(upper))
		return 0;
	if (S_ISREG(upper->st_mode) && upper->st_size == 0)
		ask |= CHANGE_ASK_MARK;
	if (type_of(upper) != type_of(lower))
		return ask;

	ask |= CHANGE_ASK_XATTRS;
	if (S_ISDIR(upper->st_mode))
		return ask | CHANGE_ASK_OPAQUE;
	if (upper->st_size != lower->st_size)
		return ask;
	if (S_ISREG(upper->st_mode) && upper->st_size > 0)
		return ask | CHANGE_ASK_CONTENT;
	return S_ISLNK(upper->st_mode) ? ask | CHANGE_ASK_TARGET : ask;
}

static bool same_time(const struct timespec *a, const struct timespec *b)
{
	return a->tv_sec == b->tv_sec && a->tv_nsec == b->tv_nsec;
}

static unsigned attributes_of(const struct change_facts *f)
{
	const struct stat *u = f->upper, *l = f->lower;
	unsigned bits = f->xattrs;

	/* A link has no mode of its own: lstat(2) says 0777 on most file systems, not on all. */
	if (!S_ISLNK(u->st_mode) && u->st_mode != l->st_mode)
		bits |= CHANGE_MODE;
	if (u->st_uid != l->st_uid || u->st_gid != l->st_gid)
		bits |= CHANGE_OWNER;
	if (!S_ISDIR(u->st_mode) && !same_time(&u->st_mtim, &l->st_mtim))
		bits |= CHANGE_TIME;
	return bits;
}

/* Of two of the same type. */
static enum change_content compare(const struct change_facts *f)
{
	const struct stat *u = f->upper, *l = f->lower;
	bool same = true;

	switch (u->st_mode & S_IFMT) {
	case S_IFREG:
	case S_IFLNK:
		if (u->st_size == l->st_size)
			return u->st_size > 0 ? f->content : CHANGE_CONTENT_SAME;
		same = false;
		break;
	case S_IFDIR:
		same = !f->opaque;
		break;
	case S_IFCHR:
	case S_IFBLK:
		same = u->st_rdev == l->st_rdev;
		break;
	default: /* FIFOs and sockets have no content */
		break;
	}
	return same ? CHANGE_CONTENT_SAME : CHANGE_CONTENT_DIFFERENT;
}

static void decide_pair(const struct change_facts *f, struct change *c)
{
	enum change_content content = compare(f);

	c->attributes = attributes_of(f);
	c->opaque = S_ISDIR(c->type) && f->opaque;
	if (content != CHANGE_CONTENT_SAME) {
		c->kind = CHANGE_MODIFIED;
		c->not_compared = content == CHANGE_CONTENT_UNKNOWN;
	} else if (c->attributes) {
		c->kind = CHANGE_ATTRIBUTES;
	} else {
		c->kind = S_ISDIR(c->type) ? CHANGE_NONE : CHANGE_COPIED;
	}
}

void change_set_unread(struct change_facts *f, enum change_unread what, int err)
{
	if (f->unread != CHANGE_UNREAD_NOTHING)
		return;
	f->unread = what;
	f->error = -err;
}

/* What is known besides stays: that a directory is opaque, that the mode differs. */
static void set_unknown(const struct change_facts *f, struct change *c)
{
	c->kind = CHANGE_UNKNOWN;
	c->not_compared = false;
	c->unread = f->unread;
	c->error = f->error;
}

struct change change_decide(const struct change_facts *f)
{
	struct change c = { .type = type_of(f->upper), .lower_type = type_of(f->lower) };

	if (change_is_whiteout(f->upper) || f->mark) {
		c.kind = f->lower ? CHANGE_DELETED : CHANGE_NONE;
		c.type = c.lower_type;
	} else if (!f->lower) {
		c.kind = CHANGE_ADDED;
	} else if (c.type != c.lower_type) {
		c.kind = CHANGE_REPLACED;
	} else {
		decide_pair(f, &c);
	}
	if (f->unread != CHANGE_UNREAD_NOTHING)
		set_unknown(f, &c);
	return c;
}

char change_kind_to_letter(enum change_kind kind)
{
	static const char letters[] = {
		[CHANGE_NONE] = ' ',	[CHANGE_ADDED] = 'A',	 [CHANGE_MODIFIED] = 'M',
		[CHANGE_DELETED] = 'D', [CHANGE_REPLACED] = 'T', [CHANGE_ATTRIBUTES] = 'm',
		[CHANGE_COPIED] = '=',	[CHANGE_UNKNOWN] = '?',
	};

	static_assert(sizeof(letters) == _CHANGE_KIND_MAX, "a letter for each kind");
	return letters[kind];
}

const char *change_unread_to_string(enum change_unread unread)
{
	static const char *const words[] = {
		[CHANGE_UNREAD_NOTHING] = NULL,
		[CHANGE_UNREAD_ENTRY] = NULL,
		[CHANGE_UNREAD_DIRECTORY] = "directory",
		[CHANGE_UNREAD_LOWER] = "lower",
		[CHANGE_UNREAD_ATTRIBUTES] = "attributes",
		[CHANGE_UNREAD_CONTENT] = "content",
		[CHANGE_UNREAD_TARGET] = "target",
	};

	static_assert(ELEMENTSOF(words) == _CHANGE_UNREAD_MAX, "a word for each");
	return words[unread];
}

const char *change_type_to_string(mode_t type)
{
	switch (type & S_IFMT) {
	case S_IFREG:
		return "file";
	case S_IFDIR:
		return "dir";
	case S_IFLNK:
		return "link";
	case S_IFCHR:
		return "char";
	case S_IFBLK:
		return "block";
	case S_IFIFO:
		return "fifo";
	case S_IFSOCK:
		return "socket";
	default:
		return "";
	}
}

const char *change_attribute_to_string(unsigned attribute)
{
	switch (attribute) {
	case CHANGE_MODE:
		return "mode";
	case CHANGE_OWNER:
		return "owner";
	case CHANGE_TIME:
		return "time";
	case CHANGE_ACL:
		return "acl";
	case CHANGE_XATTR:
		return "xattr";
	default:
		return NULL;
	}
}

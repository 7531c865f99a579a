/* SPDX-License-Identifier: MIT */
#include "prepare/owner.h"

#include <string.h>
#include <sys/stat.h>

#include "basic/strbuf.h"
#include "basic/value.h"
#include "layer/attributes.h"
#include "prepare/mount-point-mode.h"
#include "prepare/told.h"
#include "trust/account.h"

int owner_check(const struct wanted *w)
{
	const struct conf_persist *c = w->persist->conf;
	const struct conf_section *s = &c->section;

	if (way_has_owners(w->dir_fd) ||
	    (c->mode == MODE_UNSET && !c->user && !c->group && !c->populate))
		return 0;
	return log_error(
		TOLD,
		"%s:%u: [Persist %s]: the file system of [Partition %s] stores neither owners nor "
		"modes; remove Mode=, User=, Group= and Populate=, and set uid=, gid= and umask= in "
		"Options= of the partition",
		s->pos.file, s->pos.line, s->name, c->partition);
}

/* Without a name the ID is the highest, with which fchown(2) changes nothing. Returns: 0 or TOLD. */
static int find_id(const struct wanted *w, enum account kind, const char *name, uint32_t *ret)
{
	_cleanup_free_ char *why = NULL;
	int err;

	*ret = UINT32_MAX;
	if (!name)
		return 0;
	err = account_find(w->root_fd, kind, name, ret, &why);
	if (err < 0)
		return log_error(TOLD, "[Persist %s]: %s", w->persist->conf->section.name,
				 why ? why : strerror(-err));
	return 0;
}

/* Returns: 0 or TOLD. */
static int find_owner(const struct wanted *w, uid_t *uid, gid_t *gid)
{
	const struct conf_persist *c = w->persist->conf;
	int err = find_id(w, ACCOUNT_USER, c->user, uid);

	return err < 0 ? err : find_id(w, ACCOUNT_GROUP, c->group, gid);
}

static int copy_from_lower(const struct wanted *w, int fd, struct failure *f)
{
	_cleanup_close_ int lower_fd = wanted_open_lower(w);

	if (lower_fd >= 0)
		return attributes_copy(lower_fd, fd, f);
	if (lower_fd != -ENOENT)
		return lower_fd;
	return attributes_plain(fd,
				wanted_is_file(w) ? 0644 :
						    mount_point_mode(w->persist->path,
								     strlen(w->persist->path)),
				f);
}

/* The mode after the owner, as a new owner clears the set-id bits. */
static int set_declared(const struct conf_persist *c, int fd, uid_t uid, gid_t gid,
			struct failure *f)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return failure_note(f, "read the attributes of");
	if (fchown(fd, uid, gid) < 0)
		return failure_note(f, "set the owner of");
	if (fchmod(fd, c->mode == MODE_UNSET ? st.st_mode & 07777 : c->mode) < 0)
		return failure_note(f, "set the mode of");
	return 0;
}

static void warn_of_other_owner(const struct wanted *w, const struct stat *st)
{
	const struct conf_persist *c = w->persist->conf;
	_cleanup_strbuf_ struct strbuf declared = { 0 };

	if (c->mode != MODE_UNSET)
		strbuf_addf(&declared, " Mode=%04o", c->mode);
	if (c->user)
		strbuf_addf(&declared, " User=%s", c->user);
	if (c->group)
		strbuf_addf(&declared, " Group=%s", c->group);
	log_warning("%s: %s exists and is left as it is, with mode %04o, owner %u and group %u; "
		    "declared:%s",
		    w->persist->path, w->persist->what, (unsigned)st->st_mode & 07777,
		    (unsigned)st->st_uid, (unsigned)st->st_gid,
		    declared.failed ? " another" : declared.text);
}

void owner_compare(const struct wanted *w, const struct stat *st)
{
	const struct conf_persist *c = w->persist->conf;
	uid_t uid;
	gid_t gid;

	if (!way_has_owners(w->dir_fd) || find_owner(w, &uid, &gid) < 0)
		return;
	if ((c->user && uid != st->st_uid) || (c->group && gid != st->st_gid) ||
	    (c->mode != MODE_UNSET && c->mode != (st->st_mode & 07777)))
		warn_of_other_owner(w, st);
}

int owner_set(const struct wanted *w, int fd, bool copied)
{
	const struct conf_persist *c = w->persist->conf;
	char text[FAILURE_TEXT_MAX];
	struct failure f = { 0 };
	uid_t uid;
	gid_t gid;
	int err;

	if (!way_has_owners(fd))
		return 0;
	err = find_owner(w, &uid, &gid);
	if (err < 0)
		return err;
	err = copied ? 0 : copy_from_lower(w, fd, &f);
	if (err >= 0)
		err = set_declared(c, fd, uid, gid, &f);
	if (err < 0)
		return tell(err, "%s: cannot %s %s: %s", w->persist->path, failure_text(&f, text),
			    w->name, failure_reason(&f, err));
	return 0;
}

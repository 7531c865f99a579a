/* SPDX-License-Identifier: MIT */
/* The tables of keys, and one setter per type of value. */
#include <string.h>

#include "basic/calendar.h"
#include "basic/file-system.h"
#include "basic/path.h"
#include "basic/text.h"
#include "conf/conf-options.h"
#include "conf/conf.h"

/* Of a partition: it becomes a directory and a unit name; user names: useradd(8) allows 32. */
#define NAME_BYTES_MAX	 64u
#define DEVICE_BYTES_MAX 200u /* the device's unit name must stay below 256 bytes */
#define TIME_BYTES_MAX	 128u /* of an expression of CommitAt=: the longest in use has 40 */

static const char *const kind_names[] = {
	[CONF_ROOT] = "Root",		[CONF_MEMORY] = "Memory",   [CONF_OVERLAY] = "Overlay",
	[CONF_PARTITION] = "Partition", [CONF_PERSIST] = "Persist",
};
_Static_assert(ELEMENTSOF(kind_names) == _CONF_KIND_MAX, "a name per section kind");

static const char *const if_missing_names[] = {
	[IF_MISSING_READ_ONLY] = "read-only",
	[IF_MISSING_VOLATILE] = "volatile",
	[IF_MISSING_EMERGENCY] = "emergency",
};
_Static_assert(ELEMENTSOF(if_missing_names) == _IF_MISSING_MAX, "a name per value");

static const char *const persist_kind_names[] = {
	[PERSIST_DIRECTORY] = "directory",
	[PERSIST_FILE] = "file",
};
_Static_assert(ELEMENTSOF(persist_kind_names) == _PERSIST_KIND_MAX, "a name per value");

static int name_index(const char *const *names, size_t n, const char *s)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(names[i], s) == 0)
			return (int)i;
	return -EINVAL;
}

const char *conf_kind_to_string(enum conf_kind kind)
{
	return kind_names[kind];
}

enum conf_kind conf_kind_from_string(const char *s)
{
	return (enum conf_kind)name_index(kind_names, ELEMENTSOF(kind_names), s);
}

const char *if_missing_to_string(enum if_missing m)
{
	return if_missing_names[m];
}

enum if_missing if_missing_from_string(const char *s)
{
	return (enum if_missing)name_index(if_missing_names, ELEMENTSOF(if_missing_names), s);
}

const char *persist_kind_to_string(enum persist_kind k)
{
	return persist_kind_names[k];
}

enum persist_kind persist_kind_from_string(const char *s)
{
	return (enum persist_kind)name_index(persist_kind_names, ELEMENTSOF(persist_kind_names), s);
}

static int bad(struct diag *d, struct pos pos, const struct conf_key *key, const char *value,
	       int err, const char *expected)
{
	if (err == -ERANGE)
		return diag_error(d, pos, "%s=%s is out of range; expected %s", key->name, value,
				  expected);
	return diag_error(d, pos, "%s=%s is invalid; expected %s", key->name, value, expected);
}

static int set_boolean(void *field, const char *value, struct pos pos, const struct conf_key *key,
		       struct diag *d)
{
	int err = value_boolean(value, field);

	return err < 0 ? bad(d, pos, key, value, err, "yes or no") : 0;
}

static int set_size(void *field, const char *value, struct pos pos, const struct conf_key *key,
		    struct diag *d)
{
	int err;

	if (!*value)
		return *(struct size *)field = (struct size){ 0 }, 0;

	err = value_size(value, field);
	return err < 0 ?
		       bad(d, pos, key, value, err, "bytes with K, M or G, or 1% to 100% of RAM") :
		       0;
}

static int set_count(void *field, const char *value, struct pos pos, const struct conf_key *key,
		     struct diag *d)
{
	int err;

	if (!*value)
		return *(uint64_t *)field = 0, 0;

	err = value_count(value, field);
	return err < 0 ? bad(d, pos, key, value, err, "a number above 0, with K, M or G") : 0;
}

static int set_usec(void *field, const char *value, struct pos pos, const struct conf_key *key,
		    struct diag *d)
{
	int err = value_usec(value, field);

	return err < 0 ? bad(d, pos, key, value, err, "a time such as 15s or 2min, or infinity") :
			 0;
}

static int set_mode(void *field, const char *value, struct pos pos, const struct conf_key *key,
		    struct diag *d)
{
	int err;

	if (!*value)
		return *(unsigned *)field = MODE_UNSET, 0;

	err = value_mode(value, field);
	return err < 0 ? bad(d, pos, key, value, err, "an octal mode such as 0750") : 0;
}

int conf_set_string(char **field, const char *value)
{
	char *copy = NULL;

	if (*value) {
		copy = strdup(value);
		if (!copy)
			return -ENOMEM;
	}

	free(*field);
	*field = copy;
	return 0;
}

/* One word of the given characters; letters and digits always fit. */
static bool is_word(const char *s, const char *others, size_t max)
{
	static const char alnum[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
	size_t n = strlen(s);

	if (n == 0 || n > max || *s == '-' || *s == '.')
		return false;
	for (; *s; s++)
		if (!strchr(alnum, *s) && !strchr(others, *s))
			return false;
	return true;
}

static int set_partition_name(void *field, const char *value, struct pos pos,
			      const struct conf_key *key, struct diag *d)
{
	if (*value && !is_word(value, "-_.", NAME_BYTES_MAX))
		return bad(d, pos, key, value, -EINVAL,
			   "the name of a [Partition]: letters, digits, - _ .");
	return conf_set_string(field, value);
}

/* The highest id means "leave as it is" to chown(2). */
static bool is_id_out_of_range(const char *s)
{
	return s[strspn(s, "0123456789")] == '\0' &&
	       (strlen(s) > 10 || strtoull(s, NULL, 10) >= UINT32_MAX);
}

static int set_user(void *field, const char *value, struct pos pos, const struct conf_key *key,
		    struct diag *d)
{
	if (*value && !is_word(value, "-_.$", NAME_BYTES_MAX))
		return bad(d, pos, key, value, -EINVAL, "a name or a number");
	if (*value && is_id_out_of_range(value))
		return bad(d, pos, key, value, -ERANGE, "a number from 0 to 4294967294");
	return conf_set_string(field, value);
}

/*
 * lsblk shows such a type for a device that only contains other devices, such as crypto_LUKS or
 * LVM2_member. No file system of the kernel has capital letters in its name; those of FUSE may.
 */
static bool is_no_file_system(const char *type)
{
	static const char suffix[] = "_member";
	size_t n = strlen(type);

	if (strcmp(type, "swap") == 0 ||
	    (n >= strlen(suffix) && strcmp(type + n - strlen(suffix), suffix) == 0))
		return true;
	return strncmp(type, "fuse", 4) != 0 && strpbrk(type, "ABCDEFGHIJKLMNOPQRSTUVWXYZ");
}

static int set_type(void *field, const char *value, struct pos pos, const struct conf_key *key,
		    struct diag *d)
{
	if (!is_word(value, "-_.", NAME_BYTES_MAX) || is_no_file_system(value) ||
	    !file_system_is_on_device(value))
		return bad(d, pos, key, value, -EINVAL,
			   "the type of a file system on a device, such as ext4, or auto");
	return conf_set_string(field, value);
}

bool conf_has_reserved_name(const char *path)
{
	for (const char *s = path; (s = strstr(s, "/" CONF_RESERVED_NAME)); s++) {
		char end = s[1 + strlen(CONF_RESERVED_NAME)];

		if (end == '/' || end == '\0')
			return true;
	}
	return false;
}

static int set_directory(void *field, const char *value, struct pos pos, const struct conf_key *key,
			 struct diag *d)
{
	int err;

	if (*value && (*value != '/' || path_has_dotdot(value) || text_has_control(value)))
		return bad(d, pos, key, value, -EINVAL,
			   "an absolute path on the partition, without '..'");
	err = conf_set_string(field, value);
	if (err < 0 || !*value)
		return err;
	path_clean(*(char **)field);
	if (conf_has_reserved_name(*(char **)field))
		return bad(d, pos, key, value, -EINVAL,
			   "a name other than " CONF_RESERVED_NAME ", which rofs uses itself");
	if (path_is_at_or_below(*(char **)field, "/lost+found"))
		return bad(
			d, pos, key, value, -EINVAL,
			"a directory other than /lost+found, where fsck puts files that may belong to anyone");
	return 0;
}

/* That each is below the overlay's path is checked later, when symbolic links are resolved. */
static bool is_path_list(const char *value)
{
	if (path_has_dotdot(value) || strpbrk(value, ",:\\\"%'"))
		return false;
	for (const char *s = value + strspn(value, " \t"); *s; s += strspn(s, " \t")) {
		if (*s != '/')
			return false;
		s += strcspn(s, " \t");
	}
	return true;
}

static int set_start_empty(void *field, const char *value, struct pos pos,
			   const struct conf_key *key, struct diag *d)
{
	if (!is_path_list(value))
		return bad(
			d, pos, key, value, -EINVAL,
			"absolute paths separated by blanks, without '..' or any of , : \\ \" % '");
	return conf_set_string(field, value);
}

static int set_units(void *field, const char *value, struct pos pos, const struct conf_key *key,
		     struct diag *d)
{
	for (const char *s = value + strspn(value, " \t"); *s; s += strspn(s, " \t")) {
		size_t n = strcspn(s, " \t");

		if (!value_is_unit(s, n))
			return diag_error(
				d, pos,
				"%s=%s: '%.*s' is not the name of a unit; expected names such as "
				"unlock-data.service, separated by blanks",
				key->name, value, (int)n, s);
		s += n;
	}
	return conf_set_string(field, value);
}

static bool is_time(const char *s, size_t n)
{
	char text[TIME_BYTES_MAX];

	if (n == 0 || n >= sizeof(text))
		return false;
	memcpy(text, s, n);
	text[n] = '\0';
	return conf_is_shutdown(s, n) || calendar_is_valid(text);
}

bool conf_is_shutdown(const char *s, size_t n)
{
	return n == strlen(CONF_SHUTDOWN) && strncmp(s, CONF_SHUTDOWN, n) == 0;
}

const char *conf_next_time(const char *s, size_t *ret_len)
{
	s += strspn(s, " \t;");
	*ret_len = strcspn(s, ";");
	while (*ret_len > 0 && strchr(" \t", s[*ret_len - 1]))
		(*ret_len)--;
	return *ret_len > 0 ? s : NULL;
}

static int set_commit_at(void *field, const char *value, struct pos pos, const struct conf_key *key,
			 struct diag *d)
{
	size_t n;

	for (const char *s = value; (s = conf_next_time(s, &n)); s += n)
		if (!is_time(s, n))
			return diag_error(
				d, pos,
				"%s=%s: '%.*s' is invalid; expected calendar expressions of "
				"systemd.time(7) such as daily or Mon..Fri 03:00, or " CONF_SHUTDOWN
				", with ; between them",
				key->name, value, (int)n, s);
	return conf_set_string(field, value);
}

static bool is_tag(const char *value)
{
	static const char *const tags[] = { "LABEL=", "UUID=", "PARTLABEL=", "PARTUUID=" };

	for (size_t i = 0; i < ELEMENTSOF(tags); i++)
		if (strncmp(value, tags[i], strlen(tags[i])) == 0)
			return value[strlen(tags[i])];
	return false;
}

static bool is_device_path(const char *value)
{
	return strncmp(value, "/dev/", 5) == 0 && value[5] && !path_has_dotdot(value);
}

static int set_device(void *field, const char *value, struct pos pos, const struct conf_key *key,
		      struct diag *d)
{
	_cleanup_free_ char *clean = strdup(value);

	if (!clean)
		return -ENOMEM;
	if (*value == '/')
		path_clean(clean);
	if (*value && (!(is_tag(clean) || is_device_path(clean)) || text_has_control(value) ||
		       strlen(value) > DEVICE_BYTES_MAX))
		return bad(d, pos, key, value, -EINVAL,
			   "/dev/..., LABEL=, UUID=, PARTLABEL= or PARTUUID=, at most 200 bytes");
	/* As for mount.bcachefs(8). systemd would wait for one device with this name. */
	if (strstr(clean, ":/dev/"))
		return bad(d, pos, key, value, -EINVAL,
			   "UUID= for a file system on several devices");
	return conf_set_string(field, clean);
}

/* Device= of [Root]: the device itself is known, what is said is what becomes of it. */
static int set_root_device(void *field, const char *value, struct pos pos,
			   const struct conf_key *key, struct diag *d)
{
	if (*value && strcmp(value, "leave") != 0 && strcmp(value, "read-only") != 0)
		return bad(d, pos, key, value, -EINVAL, "leave or read-only");
	return *(bool *)field = strcmp(value, "read-only") == 0, 0;
}

static int set_if_missing(void *field, const char *value, struct pos pos,
			  const struct conf_key *key, struct diag *d)
{
	enum if_missing m = if_missing_from_string(value);

	if (m < 0)
		return bad(d, pos, key, value, -EINVAL, "read-only, volatile or emergency");
	return *(enum if_missing *)field = m, 0;
}

static int set_persist_kind(void *field, const char *value, struct pos pos,
			    const struct conf_key *key, struct diag *d)
{
	enum persist_kind k = persist_kind_from_string(value);

	if (k < 0)
		return bad(d, pos, key, value, -EINVAL, "directory or file");
	return *(enum persist_kind *)field = k, 0;
}

static const struct conf_key root_keys[] = {
	{ "ReadOnly", "yes", set_boolean, offsetof(struct conf_root, read_only) },
	{ "Device", "leave", set_root_device, offsetof(struct conf_root, device_read_only) },
	{ "Swap", "no", set_boolean, offsetof(struct conf_root, swap) },
	{ "Tmp", "yes", set_boolean, offsetof(struct conf_root, tmp) },
};

static const struct conf_key memory_keys[] = {
	{ "Size", "50%", set_size, offsetof(struct conf_memory, size) },
	{ "Inodes", "", set_count, offsetof(struct conf_memory, inodes) },
};

static const struct conf_key overlay_keys[] = {
	{ "Size", "", set_size, offsetof(struct conf_overlay, size) },
	{ "Partition", "", set_partition_name, offsetof(struct conf_overlay, partition) },
	{ "Directory", "", set_directory, offsetof(struct conf_overlay, directory) },
	{ "StartEmpty", "", set_start_empty, offsetof(struct conf_overlay, start_empty) },
	{ "Options", "", conf_set_overlay_options, offsetof(struct conf_overlay, options) },
	{ "CommitAt", "", set_commit_at, offsetof(struct conf_overlay, commit_at) },
	{ "IfMissing", "read-only", set_if_missing, offsetof(struct conf_overlay, if_missing) },
};

static const struct conf_key partition_keys[] = {
	{ "Device", "", set_device, offsetof(struct conf_partition, device) },
	{ "Type", "auto", set_type, offsetof(struct conf_partition, type) },
	{ "Options", "noatime,nodev,nosuid", conf_set_partition_options,
	  offsetof(struct conf_partition, options) },
	{ "Check", "yes", set_boolean, offsetof(struct conf_partition, check) },
	{ "Format", "no", set_boolean, offsetof(struct conf_partition, format) },
	{ "Grow", "no", set_boolean, offsetof(struct conf_partition, grow) },
	{ "Requires", "", set_units, offsetof(struct conf_partition, requires) },
	{ "After", "", set_units, offsetof(struct conf_partition, after) },
	{ "Timeout", "30s", set_usec, offsetof(struct conf_partition, timeout_usec) },
};

static const struct conf_key persist_keys[] = {
	{ "Partition", "", set_partition_name, offsetof(struct conf_persist, partition) },
	{ "Directory", "", set_directory, offsetof(struct conf_persist, directory) },
	{ "Kind", "directory", set_persist_kind, offsetof(struct conf_persist, kind) },
	{ "Mode", "", set_mode, offsetof(struct conf_persist, mode) },
	{ "User", "", set_user, offsetof(struct conf_persist, user) },
	{ "Group", "", set_user, offsetof(struct conf_persist, group) },
	{ "Populate", "no", set_boolean, offsetof(struct conf_persist, populate) },
	{ "IfMissing", "read-only", set_if_missing, offsetof(struct conf_persist, if_missing) },
};

_Static_assert(ELEMENTSOF(persist_keys) <= CONF_KEYS_MAX, "positions are kept per key");
_Static_assert(ELEMENTSOF(partition_keys) <= CONF_KEYS_MAX, "positions are kept per key");

const struct conf_key *conf_keys(enum conf_kind kind, size_t *ret_n)
{
	switch (kind) {
	case CONF_ROOT:
		return *ret_n = ELEMENTSOF(root_keys), root_keys;
	case CONF_MEMORY:
		return *ret_n = ELEMENTSOF(memory_keys), memory_keys;
	case CONF_OVERLAY:
		return *ret_n = ELEMENTSOF(overlay_keys), overlay_keys;
	case CONF_PARTITION:
		return *ret_n = ELEMENTSOF(partition_keys), partition_keys;
	case CONF_PERSIST:
		return *ret_n = ELEMENTSOF(persist_keys), persist_keys;
	case _CONF_KIND_MAX:
	case _CONF_KIND_INVALID:
		break;
	}
	return *ret_n = 0, NULL;
}

/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "basic/strbuf.h"

/* Systemd's UNIT_NAME_MAX less the NUL; longer names are an error in 247 and hashed from 251 on. */
#define UNIT_NAME_BYTES_MAX 255u

/* Of a directory of links, such as x.mount.wants: NAME_MAX less the prefix under which emit() makes it. */
#define UNIT_LINK_DIR_BYTES_MAX 249u

/**
 * unit_name_from_path - the unit that systemd names after a path: "/var/local/data" ->
 * "var-local-data.mount"
 * @path:   clean and absolute
 * @suffix: ".mount", ".device", ...
 * @ret:    the name; the caller frees it
 *
 * The same as `systemd-escape --path --suffix=...` (systemd.unit(5), "String escaping").
 *
 * Returns: 0, -ENOMEM, or -ENAMETOOLONG when the name passes UNIT_NAME_BYTES_MAX.
 */
int unit_name_from_path(const char *path, const char *suffix, char **ret);

/**
 * unit_name_add_unescaped - what a part of a unit's name stands for: a dash is a slash, \xNN any byte
 *
 * Returns: false when an escape is none; @b is not defined then.
 */
bool unit_name_add_unescaped(struct strbuf *b, const char *s, size_t n);

/**
 * unit_name_to_path - the path of a .mount or .automount unit
 * @ret: clean; NULL: it is the unit of no path; the caller frees it
 *
 * Returns: 0 or -ENOMEM.
 */
int unit_name_to_path(const char *name, char **ret);

/**
 * unit_name_instance - "TEMPLATE@ESCAPED-PATH.service" as systemd-fsck@.service wants it. Returns:
 * as unit_name_from_path().
 */
int unit_name_instance(const char *template_name, const char *path, char **ret);

/**
 * unit_name_mangle - the unit that a person means, as unit_name_mangle_with_suffix() of systemd
 * @value:  a path stands for its mount unit, one below /dev or /sys for its device unit
 * @suffix: of a name without a type
 * @ret:    the name; NULL where @value names no unit, but a template; the caller frees it
 *
 * Returns: 0 or -ENOMEM.
 */
int unit_name_mangle(const char *value, const char *suffix, char **ret);

/** unit_name_is_tag - is it one of LABEL= UUID= PARTLABEL= PARTUUID=, with a value? */
bool unit_name_is_tag(const char *device);

/**
 * unit_name_device_path - where udev puts a device that is named by a tag
 * @device: "/dev/..." or one of LABEL= UUID= PARTLABEL= PARTUUID=
 * @ret:    "/dev/disk/by-label/..." or a copy; the caller frees it
 *
 * Bytes that udev does not keep in links become \xNN (systemd: encode_devnode_name()).
 *
 * Returns: 0, -ENOMEM, -EINVAL when @device is neither or its tag is empty.
 */
int unit_name_device_path(const char *device, char **ret);

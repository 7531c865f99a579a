/* SPDX-License-Identifier: MIT */
#pragma once

/**
 * unit_specifiers_expand - the value of a setting of a unit, as systemd expands it
 * @unit: name of the unit, "home.mount" or "getty@tty1.service"
 * @dir:  of a mount unit, its mount point; NULL: then %f is not known
 * @ret:  the caller frees it
 *
 * Of the specifiers in systemd.unit(5), only those that are the same on each machine and in each boot;
 * in a template, not those that stand for the instance.
 *
 * Returns: 0, -ENOMEM, or the specifier that is not among them: the positive character behind %.
 */
int unit_specifiers_expand(const char *value, const char *unit, const char *dir, char **ret);

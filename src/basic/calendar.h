/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>

/**
 * calendar_is_valid - is it a calendar expression of systemd.time(7)?
 *
 * libsystemd has no parser for them that others could call. This one knows the grammar and the ranges, not
 * the names of time zones: what it accepts, systemd may still refuse, as `systemd-analyze calendar` shows.
 */
bool calendar_is_valid(const char *s);

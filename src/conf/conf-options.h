/* SPDX-License-Identifier: MIT */
#pragma once

#include "conf/conf.h"

/* Setters of the table of keys. Each returns 0, -ENOMEM, or -EBADMSG with a message in @d. */

int conf_set_overlay_options(void *field, const char *value, struct pos pos,
			     const struct conf_key *key, struct diag *d);
int conf_set_partition_options(void *field, const char *value, struct pos pos,
			       const struct conf_key *key, struct diag *d);

/** conf_set_string - a copy; NULL for an empty value. Returns: 0 or -ENOMEM. */
int conf_set_string(char **field, const char *value);

/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "plan/plan.h"

/* Where systemd lets us write what must win; systemd.generator(7). */
#define UNIT_EARLY_DIR "/run/systemd/generator.early"
/* Where enabling links point to. systemd looks at the name only. */
#define UNIT_SYSTEM_DIR "/lib/systemd/system"
#define UNIT_FSTAB	"rofs.fstab" /* not a unit: systemd skips files without a unit suffix */

/**
 * struct unit_file - a file or link, relative to the directory the generator was given; strings
 * owned
 */
struct unit_file {
	char *name; /* may hold one '/': a drop-in or an enabling link */
	char *text; /* contents, or the target of a link */
	bool link;
};

/**
 * struct unit_set - what is to be written, in the order of writing
 *
 * Each unit comes after those it needs, and all enabling links come last.
 */
struct unit_set {
	struct unit_file *files;
	size_t n_files;
	size_t first_link; /* index of the first enabling link */
};

/**
 * units_render - turn a plan into unit texts, drop-ins and links
 * @libexec_dir: absolute path of the directory of our helpers
 * @ret:          set on success only
 *
 * The only place that spells [Mount] and escapes for systemd. Sources: systemd.syntax(7),
 * systemd.unit(5), systemd.mount(5).
 *
 * Returns: 0 or -ENOMEM.
 */
int units_render(const struct plan *p, const char *libexec_dir, struct unit_set *ret);
void unit_set_done(struct unit_set *s);

#define _cleanup_unit_set_ _cleanup_(unit_set_done)

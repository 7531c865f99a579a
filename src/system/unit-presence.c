/* SPDX-License-Identifier: MIT */
#include "system/unit-presence.h"

#include "system/unit-file.h"

int unit_presence_add(const struct unit_dirs *dirs, const char *name, struct unit_presence *p)
{
	_cleanup_unit_file_ struct unit_file unit = { 0 };
	_cleanup_unit_names_ struct unit_names links = { 0 };
	int err = unit_file_read(dirs, name, &unit);

	if (err < 0)
		return err;
	p->masked = p->masked || unit.is_masked;
	if (unit.is_masked || !unit.has_fragment)
		return 0;
	p->installed = true;
	err = unit_dirs_links(dirs, name, &links);
	p->enabled = p->enabled || links.n > 0;
	return err;
}

/* SPDX-License-Identifier: MIT */
#include "prepare/told.h"

#include "basic/macro.h"
#include "trust/link.h"

int tell_refusal(const struct way *w, int err)
{
	return w->refusal ? log_error(TOLD, "%s", w->refusal) : err;
}

int tell_link(const char *subject, int root_fd, const char *path, int err)
{
	_cleanup_free_ char *why = NULL;

	link_explain(root_fd, path, err, &why);
	return why ? log_error(TOLD, "%s: %s", subject, why) : err;
}

/* SPDX-License-Identifier: MIT */
#include "layer/failure.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

int failure_note_attribute(struct failure *f, const char *action, const char *name)
{
	int err = -errno;

	if (f) {
		f->action = action;
		snprintf(f->attribute, sizeof(f->attribute), "%s", name);
	}
	return err;
}

int failure_note(struct failure *f, const char *action)
{
	return failure_note_attribute(f, action, "");
}

const char *failure_text(const struct failure *f, char buffer[FAILURE_TEXT_MAX])
{
	snprintf(buffer, FAILURE_TEXT_MAX, "%s%s%s%s", f->action ? f->action : "copy",
		 f->attribute[0] ? " " : "", f->attribute, f->attribute[0] ? " of" : "");
	return buffer;
}

const char *failure_reason(const struct failure *f, int err)
{
	if (err == -EOPNOTSUPP && f->attribute[0])
		return "its file system does not support this attribute";
	return strerror(-err);
}

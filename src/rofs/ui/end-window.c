/* SPDX-License-Identifier: MIT */
#include "rofs/ui/end-window.h"

#include <string.h>

#include "basic/macro.h"
#include "system/event.h"
#include "system/log.h"

int end_window(struct window *w, const char *done)
{
	_cleanup_free_ char *why = NULL;
	int r = window_close(w, &why);

	if (r == 0)
		return 0;
	if (r < 0)
		event_record(EVENT_LEFT_WRITABLE, why ? why : strerror(-r));
	log_error(0, "%s%s", done, why ? why : strerror(ENOMEM));
	return r;
}

/* SPDX-License-Identifier: MIT */
#include "system/event.h"

#include <stdio.h>
#include <stdlib.h>
#include <syslog.h>
#include <systemd/sd-journal.h>

#include "basic/macro.h"
#include "basic/text.h"
#include "system/log.h"

struct kind {
	const char *id;
	int priority;
};

static const struct kind kinds[] = {
	[EVENT_PROTECTED] = { "ce4f29523d6d4f869f87d5817e4be5af", LOG_INFO },
	[EVENT_NOT_IN_FORCE] = { "3df5f2fcf9c74f4e8cc9c4bb39f1ae0a", LOG_ERR },
	[EVENT_POOL_WARNING] = { "69db061049a8467b9276763c4bfea513", LOG_WARNING },
	[EVENT_POOL_CRITICAL] = { "fa0b26375bf94a55baa9979360b7a6a9", LOG_CRIT },
	[EVENT_COMMITTED] = { "13f92865fa0c47ad9586577fdfaf4249", LOG_INFO },
	[EVENT_CHROOT_DONE] = { "e8bf7a1121b7402eaf8d0fc5d20534f8", LOG_NOTICE },
	[EVENT_UNDONE] = { "b75b40a20b7043bc8e136fa565b34af6", LOG_NOTICE },
	[EVENT_COMMIT_REFUSED] = { "3c2d37d5814a407392c7beda78a95f41", LOG_WARNING },
	[EVENT_FINISHED] = { "ddaccab3f3584d9e92c6cf0fe5da1341", LOG_NOTICE },
	[EVENT_NOT_FINISHED] = { "a6d0f97dc0034e08a3ff69281e84134e", LOG_ERR },
	[EVENT_LEFT_WRITABLE] = { "0cdac7713d7444f3bc417511894c7246", LOG_ERR },
};
_Static_assert(ELEMENTSOF(kinds) == _EVENT_KIND_MAX, "an id for each kind");

static int send_event(const struct kind *k, const char *storage, unsigned percent, const char *text)
{
	if (storage)
		return sd_journal_send("MESSAGE_ID=%s", k->id, "PRIORITY=%i", k->priority,
				       "MESSAGE=%s", text, "ROFS_STORAGE=%s", storage,
				       "ROFS_PERCENT=%u", percent, NULL);
	return sd_journal_send("MESSAGE_ID=%s", k->id, "PRIORITY=%i", k->priority, "MESSAGE=%s",
			       text, NULL);
}

void event_record(enum event_kind kind, const char *text)
{
	_cleanup_free_ char *shown = NULL;

	if (text_printable(text, &shown) >= 0)
		send_event(&kinds[kind], NULL, 0, shown);
}

void event_log(enum event_kind kind, const char *storage, unsigned percent, const char *text)
{
	const struct kind *k = &kinds[kind];
	_cleanup_free_ char *shown = NULL;

	if (text_printable(text, &shown) < 0)
		log_error(-ENOMEM, "out of memory: a message is lost");
	else if (!log_is_journal())
		fprintf(stderr, "%s\n", shown);
	else if (send_event(k, storage, percent, shown) < 0)
		fprintf(stderr, "<%d>%s\n", k->priority, shown);
}

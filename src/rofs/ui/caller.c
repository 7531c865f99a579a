/* SPDX-License-Identifier: MIT */
#include "rofs/ui/caller.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "basic/strbuf.h"

/* Only a process of root can have set it for root: sudo, or one that may do anything. */
static bool find_sudo_uid(uid_t *ret)
{
	const char *id = getuid() == 0 ? getenv("SUDO_UID") : NULL;
	char *end;
	unsigned long n;

	if (!id || *id < '0' || *id > '9')
		return false;
	n = strtoul(id, &end, 10);
	if (*end || n >= UINT32_MAX)
		return false;
	*ret = (uid_t)n;
	return true;
}

uid_t caller_uid(void)
{
	uid_t uid;

	return find_sudo_uid(&uid) ? uid : getuid();
}

const char *caller_name(void)
{
	uid_t uid;

	if (find_sudo_uid(&uid))
		return getenv("SUDO_USER");
	return getuid() == 0 ? "root" : NULL;
}

int caller_command(int argc, char **argv, char **ret)
{
	_cleanup_strbuf_ struct strbuf b = { 0 };

	strbuf_add(&b, "rofs");
	for (int i = 0; i < argc; i++) {
		strbuf_add_char(&b, ' ');
		strbuf_add(&b, argv[i]);
	}
	return strbuf_take(&b, ret);
}

/* SPDX-License-Identifier: MIT */
/*
 * What our services may do. docs/SECURITY.md has the reasons and the scores. No setting is newer
 * than systemd 247, which warns of keys that it does not know.
 */
#include "unit/unit-internal.h"

/*
 * A hang must not stop the boot for ever, a slow machine must not meet the limit: the slowest boot
 * that was measured needs 2 s.
 */
#define TIMEOUT "5min"

/* A list of what is denied takes 1 ms at each start. A list of what is allowed would take 11 ms. */
#define DENIED "~@clock @cpu-emulation @debug @module @obsolete @raw-io @reboot @swap"

void unit_add_timeout(struct strbuf *b, bool may_be_long)
{
	strbuf_add(b, may_be_long ? "TimeoutStartSec=infinity\n" : "TimeoutStartSec=" TIMEOUT "\n");
}

/*
 * An overlay works on its layers with the capabilities of the process that mounted it, so those that
 * file systems ask for are in the list, whether rofs-prepare itself needs them or not.
 */
#define MOUNT_CAPABILITIES                                                                  \
	"CapabilityBoundingSet=CAP_CHOWN CAP_DAC_OVERRIDE CAP_DAC_READ_SEARCH CAP_FOWNER\n" \
	"CapabilityBoundingSet=CAP_FSETID CAP_LEASE CAP_LINUX_IMMUTABLE CAP_MAC_ADMIN\n"    \
	"CapabilityBoundingSet=CAP_MAC_OVERRIDE CAP_MKNOD CAP_SETFCAP CAP_SYS_ADMIN\n"      \
	"CapabilityBoundingSet=CAP_SYS_RESOURCE\n"

static const char *const privileges[_SANDBOX_MAX] = {
	[SANDBOX_MOUNT] =
		"# No mount namespace: what it mounts is for the system. An overlay keeps the capabilities\n"
		"# of what mounts it, so all that file systems ask for are here.\n" MOUNT_CAPABILITIES
		"SystemCallFilter=" DENIED "\n",
	[SANDBOX_DEVICE] =
		"# What works on a file system that it did not make.\n"
		"CapabilityBoundingSet=CAP_DAC_OVERRIDE CAP_DAC_READ_SEARCH CAP_SYS_ADMIN\n"
		"CapabilityBoundingSet=CAP_SYS_RAWIO CAP_SYS_RESOURCE\n"
		"SystemCallFilter=" DENIED " @mount\n",
	[SANDBOX_WINDOW] =
		"# It makes the file system writable in a mount namespace that it makes itself, and gives\n"
		"# what it writes any owner, mode and attribute. It looks at who has what it changes, and\n"
		"# goes back to the first mount namespace.\n" MOUNT_CAPABILITIES
		"CapabilityBoundingSet=CAP_SYS_CHROOT CAP_SYS_PTRACE\n"
		"SystemCallFilter=" DENIED "\n",
	[SANDBOX_MARK] = "# A file in /rofs, and one in /run.\n"
			 "CapabilityBoundingSet=CAP_DAC_OVERRIDE\n"
			 "SystemCallFilter=" DENIED " @mount\n",
};

void unit_add_sandbox(struct strbuf *b, enum unit_sandbox kind)
{
	strbuf_add(b, privileges[kind]);
	strbuf_add(b, "SystemCallErrorNumber=EPERM\n"
		      "SystemCallArchitectures=native\n"
		      "NoNewPrivileges=yes\n"
		      "RestrictAddressFamilies=AF_UNIX\n");
	strbuf_addf(b, "RestrictNamespaces=%s\n", kind == SANDBOX_WINDOW ? "mnt" : "yes");
	strbuf_add(b, "RestrictRealtime=yes\n"
		      "LockPersonality=yes\n"
		      "MemoryDenyWriteExecute=yes\n");
}

/* SPDX-License-Identifier: MIT */
/* rofs commit: what is better not written, and what is probably not meant to be. */
#include "basic/macro.h"
#include "basic/path.h"
#include "rofs/commit/commit.h"

#include <string.h>

/*
 * Used once: the same seed at each boot would be credited as fresh entropy each time, and be the same
 * on each machine that the flash is copied to. systemd-random-seed(8), urandom of sysvinit.
 */
static const char *const seeds[] = {
	"/var/lib/systemd/random-seed",
	"/var/lib/urandom/random-seed",
	"/var/lib/random-seed",
	"/var/lib/misc/random-seed",
	"/var/lib/seedrng",
};

static const struct state {
	const char *dir;
	const char *what;
} states[] = {
	/* Written all the time: on flash it is as old as the commit. */
	{ "/var/log", "logs" },
	{ "/var/cache", "a cache" },
	{ "/var/tmp", "temporary files" },
	{ "/var/lib/apt/lists", "package lists, which apt-get update downloads again" },
	/* Expired at the next boot, or another machine's. */
	{ "/var/lib/dhcp", "DHCP leases" },
	{ "/var/lib/dhcpcd", "DHCP leases" },
	{ "/var/lib/NetworkManager", "DHCP leases" },
	{ "/var/lib/systemd/timers", "times at which timers ran last" },
	{ "/var/lib/systemd/timesync", "the clock" },
	{ "/var/lib/chrony", "the clock" },
	{ "/var/lib/ntp", "the clock" },
	{ "/etc/adjtime", "the clock" },
	/* Each boot begins anew from what it was at the commit. */
	{ "/var/lib/systemd/coredump", "core dumps" },
	{ "/var/crash", "core dumps" },
	{ "/var/lib/systemd/rfkill", "state of devices" },
	{ "/var/lib/systemd/backlight", "state of devices" },
	{ "/var/lib/alsa", "state of devices" },
	{ "/var/lib/logrotate", "times at which logs were rotated" },
	{ "/var/lib/sudo", "which users have seen the lecture of sudo" },
	{ "/var/spool", "queues" },
	{ "/etc/resolv.conf", "name servers of this network" },
};

bool commit_is_seed(const char *path)
{
	for (size_t i = 0; i < ELEMENTSOF(seeds); i++)
		if (path_is_at_or_below(path, seeds[i]))
			return true;
	return false;
}

const char *commit_state_of(const char *path)
{
	for (size_t i = 0; i < ELEMENTSOF(states); i++)
		if (path_is_at_or_below(path, states[i].dir))
			return states[i].what;
	return NULL;
}

/* SPDX-License-Identifier: MIT */
/* Mail, and what else services of the system keep, log and cache. */
#include "software/table.h"

// clang-format off
static const struct software table[] = {
	/* Mail */
	{ "Postfix", SOFTWARE_MAIL,
	  .units = { "postfix.service", "postfix@.service" },
	  .programs = { "postfix" },
	  .data = { { .path = "/var/spool/postfix", .settings = {
		LINES("/etc/postfix/main.cf", NULL, "queue_directory"),
	  } }, { .path = "/var/mail", .settings = {
		LINES("/etc/postfix/main.cf", NULL, "mail_spool_directory"),
	  } } } },
	{ "Exim", SOFTWARE_MAIL,
	  .units = { "exim4.service", "exim.service" },
	  .programs = { "exim4", "exim" },
	  .data = { { .path = "/var/spool/exim4", .alternative = "/var/spool/exim" },
		    { .path = "/var/mail" } } },
	{ "Dovecot", SOFTWARE_MAIL,
	  .units = { "dovecot.service" },
	  .programs = { "dovecot" },
	  .data = { { .path = "/var/mail", .alternative = "/var/vmail" } } },
	{ "Cyrus IMAP", SOFTWARE_MAIL,
	  .units = { "cyrus-imapd.service" },
	  .data = { { .path = "/var/lib/cyrus" }, { .path = "/var/spool/cyrus" } } },

	/* State */
	{ "NetworkManager", SOFTWARE_STATE,
	  .units = { "NetworkManager.service" },
	  .programs = { "NetworkManager" },
	  .data = { { .path = "/var/lib/NetworkManager" },
		    { .path = "/etc/NetworkManager/system-connections" } } },
	{ "cloud-init", SOFTWARE_STATE,
	  .units = { "cloud-init.service", "cloud-init-main.service" },
	  .data = { { .path = "/var/lib/cloud" } } },
	{ "BlueZ", SOFTWARE_STATE,
	  .units = { "bluetooth.service" },
	  .data = { { .path = "/var/lib/bluetooth" } } },
	{ "Tailscale", SOFTWARE_STATE,
	  .units = { "tailscaled.service" },
	  .programs = { "tailscaled" },
	  .data = { { .path = "/var/lib/tailscale" } } },
	{ "Certbot", SOFTWARE_STATE,
	  .units = { "certbot.timer", "certbot.service" },
	  .programs = { "certbot" },
	  .data = { { .path = "/etc/letsencrypt" } } },
	{ "Samba", SOFTWARE_STATE,
	  .units = { "smbd.service", "smb.service", "samba-ad-dc.service" },
	  .programs = { "smbd" },
	  .data = { { .path = "/var/lib/samba" } } },
	{ "NFS server", SOFTWARE_STATE,
	  .units = { "nfs-server.service", "nfs-kernel-server.service" },
	  .data = { { .path = "/var/lib/nfs" } } },
	{ "cron", SOFTWARE_STATE,
	  .units = { "cron.service", "cronie.service" },
	  .data = { { .path = "/var/spool/cron" } } },
	{ "fail2ban", SOFTWARE_CACHE,
	  .units = { "fail2ban.service" },
	  .programs = { "fail2ban-server" },
	  .data = { { .path = "/var/lib/fail2ban" } } },

	/* Identity */
	{ "OpenSSH", SOFTWARE_IDENTITY,
	  .units = { "ssh.service", "sshd.service", "ssh.socket" },
	  .programs = { "sshd" },
	  .data = { { .path = "/etc/ssh" } } },
	{ "dhclient", SOFTWARE_IDENTITY,
	  .programs = { "dhclient" },
	  .data = { { .path = "/var/lib/dhcp", .alternative = "/var/lib/dhclient" } } },
	{ "dhcpcd", SOFTWARE_IDENTITY,
	  .units = { "dhcpcd.service" },
	  .programs = { "dhcpcd" },
	  .data = { { .path = "/var/lib/dhcpcd", .alternative = "/var/lib/dhcpcd5" } } },
	{ "systemd", SOFTWARE_IDENTITY, /* random seed, clock, rfkill, timer stamps */
	  .units = { "systemd-random-seed.service" },
	  .data = { { .path = "/var/lib/systemd" } } },
	{ "chrony", SOFTWARE_IDENTITY,
	  .units = { "chrony.service", "chronyd.service" },
	  .programs = { "chronyd" },
	  .data = { { .path = "/var/lib/chrony" } } },

	/* Journals, logs and caches */
	{ "systemd-journald", SOFTWARE_JOURNAL,
	  .units = { "systemd-journald.service" },
	  .data = { { .path = "/var/log/journal", .suffix = ".journal" } } },
	{ "programs", SOFTWARE_LOG,
	  .data = { { .path = "/var/log", .suffix = ".log" } } },
	{ "updatedb", SOFTWARE_CACHE,
	  .programs = { "updatedb" },
	  .data = { { .path = "/var/lib/mlocate" }, { .path = "/var/lib/plocate" } } },
	{ "apt", SOFTWARE_CACHE,
	  .programs = { "apt-get" },
	  .data = { { .path = "/var/cache/apt", .suffix = ".bin", .settings = {
		APT("Dir::Cache"),
	  } }, { .path = "/var/lib/apt/lists", .settings = {
		APT("Dir::State::lists"),
	  } } } },
	{ "mandb", SOFTWARE_CACHE,
	  .programs = { "mandb" },
	  .data = { { .path = "/var/cache/man" } } },
	{ "squid", SOFTWARE_CACHE,
	  .units = { "squid.service" },
	  .programs = { "squid" },
	  .data = { { .path = "/var/spool/squid", .alternative = "/var/cache/squid" } } },
	{ "nginx", SOFTWARE_CACHE,
	  .units = { "nginx.service" },
	  .programs = { "nginx" },
	  .data = { { .path = "/var/cache/nginx" } } },
};
// clang-format on

const struct software_list software_services = { table, ELEMENTSOF(table) };

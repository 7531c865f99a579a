/* SPDX-License-Identifier: MIT */
#include "software/software.h"

#include <string.h>

#include "basic/macro.h"

/*
 * Sources: the packages of Debian and Arch and the documentation of each program, for units, default
 * directories and the names of settings.
 */

#define IN_HOME_CONF "~/.config/"

/* Of mysqld and mariadbd: [mysqld-10.11] is for one version. */
#define MYSQL_SECTIONS "mysqld mysqld-* mariadb mariadb-* mariadbd mariadbd-* server"

/* Podman, Buildah and CRI-O share it. */
// clang-format off
#define GRAPHROOT(file) { SETTING_LINES, file, "storage", "graphroot" }
#define STORAGE_CONF { GRAPHROOT("/usr/share/containers/storage.conf"), \
		       GRAPHROOT("/etc/containers/storage.conf") }

static const struct software table[] = {
	/* Containers */
	{ "Docker", SOFTWARE_CONTAINERS,
	  .units = { "docker.service", "docker.socket" },
	  .programs = { "dockerd" },
	  .data = { { "/var/lib/docker", .settings = {
		{ SETTING_ARGUMENT, "/etc/default/docker", NULL, "-g" },
		{ SETTING_ARGUMENT, "/etc/default/docker", NULL, "--data-root" },
		{ SETTING_ARGUMENT, "docker.service", NULL, "-g" },
		{ SETTING_ARGUMENT, "docker.service", NULL, "--graph" },
		{ SETTING_ARGUMENT, "docker.service", NULL, "--data-root" },
		{ SETTING_JSON, "/etc/docker/daemon.json", NULL, "graph" },
		{ SETTING_JSON, "/etc/docker/daemon.json", NULL, "data-root" },
	  } } } },
	{ "containerd", SOFTWARE_CONTAINERS,
	  .units = { "containerd.service" },
	  .programs = { "containerd" },
	  .data = { { "/var/lib/containerd", .settings = {
		{ SETTING_LINES, "/etc/containerd/config.toml", NULL, "root" },
		{ SETTING_ARGUMENT, "containerd.service", NULL, "--root" },
	  } } } },
	{ "Podman", SOFTWARE_CONTAINERS,
	  .programs = { "podman" },
	  .data = { { "/var/lib/containers/storage", .settings = STORAGE_CONF } } },
	{ "Buildah", SOFTWARE_CONTAINERS,
	  .programs = { "buildah" },
	  .data = { { "/var/lib/containers/storage", .settings = STORAGE_CONF } } },
	{ "CRI-O", SOFTWARE_CONTAINERS,
	  .units = { "crio.service" },
	  .programs = { "crio" },
	  .data = { { "/var/lib/containers/storage", .settings = {
		GRAPHROOT("/etc/containers/storage.conf"),
		{ SETTING_LINES, "/etc/crio/crio.conf", "crio", "root" },
		{ SETTING_LINES, "/etc/crio/crio.conf.d/*", "crio", "root" },
		{ SETTING_ARGUMENT, "crio.service", NULL, "--root" },
	  } } } },
	{ "k3s", SOFTWARE_CONTAINERS,
	  .units = { "k3s.service", "k3s-agent.service" },
	  .programs = { "k3s" },
	  .data = { { "/var/lib/rancher", .settings = {
		{ SETTING_LINES, "/etc/rancher/k3s/config.yaml", NULL, "data-dir" },
		{ SETTING_LINES, "/etc/rancher/k3s/config.yaml.d/*.yaml", NULL, "data-dir" },
		{ SETTING_LINES, "/etc/systemd/system/k3s.service.env", NULL, "K3S_DATA_DIR" },
		{ SETTING_LINES, "/etc/systemd/system/k3s-agent.service.env", NULL, "K3S_DATA_DIR" },
		{ SETTING_ARGUMENT, "k3s.service", NULL, "--data-dir" },
		{ SETTING_ARGUMENT, "k3s-agent.service", NULL, "--data-dir" },
		{ SETTING_ARGUMENT, "k3s.service", NULL, "-d" },
		{ SETTING_ARGUMENT, "k3s-agent.service", NULL, "-d" },
	  } }, { "/var/lib/kubelet" } } },
	{ "RKE2", SOFTWARE_CONTAINERS,
	  .units = { "rke2-server.service", "rke2-agent.service" },
	  .programs = { "rke2" },
	  .data = { { "/var/lib/rancher", .settings = {
		{ SETTING_LINES, "/etc/rancher/rke2/config.yaml", NULL, "data-dir" },
		{ SETTING_LINES, "/etc/rancher/rke2/config.yaml.d/*.yaml", NULL, "data-dir" },
		{ SETTING_LINES, "/etc/default/rke2-server", NULL, "RKE2_DATA_DIR" },
		{ SETTING_LINES, "/etc/default/rke2-agent", NULL, "RKE2_DATA_DIR" },
		{ SETTING_ARGUMENT, "rke2-server.service", NULL, "--data-dir" },
		{ SETTING_ARGUMENT, "rke2-agent.service", NULL, "--data-dir" },
		{ SETTING_ARGUMENT, "rke2-server.service", NULL, "-d" },
		{ SETTING_ARGUMENT, "rke2-agent.service", NULL, "-d" },
	  } }, { "/var/lib/kubelet" } } },
	{ "k0s", SOFTWARE_CONTAINERS,
	  .units = { "k0scontroller.service", "k0sworker.service" },
	  .programs = { "k0s" },
	  .data = { { "/var/lib/k0s", .settings = {
		{ SETTING_ARGUMENT, "k0scontroller.service", NULL, "--data-dir" },
		{ SETTING_ARGUMENT, "k0sworker.service", NULL, "--data-dir" },
	  } } } },
	{ "MicroK8s", SOFTWARE_CONTAINERS,
	  .units = { "snap.microk8s.daemon-kubelite.service",
		     "snap.microk8s.daemon-containerd.service" },
	  .data = { { "/var/snap/microk8s" } } },
	{ "Docker", SOFTWARE_CONTAINERS,
	  .units = { "snap.docker.dockerd.service" },
	  .data = { { "/var/snap/docker" } } },
	{ "BuildKit", SOFTWARE_CONTAINERS,
	  .units = { "buildkit.service" },
	  .programs = { "buildkitd" },
	  .data = { { "/var/lib/buildkit", .settings = {
		{ SETTING_LINES, "/etc/buildkit/buildkitd.toml", NULL, "root" },
		{ SETTING_ARGUMENT, "buildkit.service", NULL, "--root" },
	  } } } },
	{ "nerdctl", SOFTWARE_CONTAINERS,
	  .data = { { "/var/lib/nerdctl" } } },
	{ "kubelet", SOFTWARE_CONTAINERS,
	  .units = { "kubelet.service" },
	  .programs = { "kubelet" },
	  .data = { { "/var/lib/kubelet", .settings = {
		{ SETTING_ARGUMENT, "/etc/default/kubelet", NULL, "--root-dir" },
		{ SETTING_ARGUMENT, "kubelet.service", NULL, "--root-dir" },
	  } } } },
	{ "rootless Podman", SOFTWARE_CONTAINERS,
	  .units = { IN_HOME_CONF "containers/systemd", IN_HOME_CONF "containers/storage.conf",
		     IN_HOME_CONF "systemd/user/podman.service" },
	  .data = { { "~/.local/share/containers", .settings = {
		{ SETTING_LINES, "/etc/containers/storage.conf", "storage", "rootless_storage_path" },
		{ SETTING_LINES, IN_HOME_CONF "containers/storage.conf", "storage", "graphroot" },
	  } } } },
	{ "rootless Docker", SOFTWARE_CONTAINERS,
	  .units = { IN_HOME_CONF "systemd/user/docker.service", IN_HOME_CONF "docker/daemon.json" },
	  .data = { { "~/.local/share/docker", .settings = {
		{ SETTING_JSON, IN_HOME_CONF "docker/daemon.json", NULL, "data-root" },
	  } } } },
	{ "rootless containerd", SOFTWARE_CONTAINERS,
	  .units = { IN_HOME_CONF "systemd/user/containerd.service" },
	  .data = { { "~/.local/share/containerd" } } },
	{ "rootless nerdctl", SOFTWARE_CONTAINERS,
	  .data = { { "~/.local/share/nerdctl" } } },
	{ "rootless BuildKit", SOFTWARE_CONTAINERS,
	  .units = { IN_HOME_CONF "systemd/user/buildkit.service" },
	  .data = { { "~/.local/share/buildkit" } } },

	/* Virtual machines and system containers */
	{ "LXC", SOFTWARE_MACHINES,
	  .units = { "lxc.service" },
	  .data = { { "/var/lib/lxc", .settings = {
		{ SETTING_LINES, "/etc/lxc/lxc.conf", NULL, "lxc.lxcpath" },
	  } } } },
	{ "unprivileged LXC", SOFTWARE_MACHINES,
	  .data = { { "~/.local/share/lxc" } } },
	{ "Incus", SOFTWARE_MACHINES,
	  .units = { "incus.service" },
	  .programs = { "incusd" },
	  .data = { { "/var/lib/incus" } } },
	{ "LXD", SOFTWARE_MACHINES,
	  .units = { "lxd.service", "snap.lxd.daemon.service" },
	  .programs = { "lxd" },
	  .data = { { "/var/lib/lxd", "/var/snap/lxd" } } },
	{ "systemd-nspawn", SOFTWARE_MACHINES,
	  .data = { { "/var/lib/machines" } } },
	{ "libvirt", SOFTWARE_MACHINES,
	  .units = { "libvirtd.service", "virtqemud.service" },
	  .programs = { "libvirtd", "virtqemud" },
	  .data = { { "/var/lib/libvirt/images", .settings = {
		{ SETTING_XML, "/etc/libvirt/storage/*.xml", NULL, "path", true },
	  } } } },
	{ "libvirt", SOFTWARE_MACHINES,
	  .data = { { "~/.local/share/libvirt/images", .settings = {
		{ SETTING_XML, IN_HOME_CONF "libvirt/storage/*.xml", NULL, "path", true },
	  } } } },
	{ "GNOME Boxes", SOFTWARE_MACHINES,
	  .data = { { "~/.local/share/gnome-boxes" } } },
	{ "Proxmox VE", SOFTWARE_MACHINES,
	  .units = { "pve-cluster.service" },
	  .data = { { "/var/lib/vz" }, { "/var/lib/pve-cluster" } } },

	/* Applications */
	{ "snapd", SOFTWARE_APPLICATIONS,
	  .units = { "snapd.service", "snapd.socket" },
	  .programs = { "snap" },
	  .data = { { "/var/lib/snapd" }, { "/var/snap" } } },
	{ "Flatpak", SOFTWARE_APPLICATIONS,
	  .programs = { "flatpak" },
	  .data = { { "/var/lib/flatpak", .settings = {
		{ SETTING_LINES, "/etc/flatpak/installations.d/*.conf", "Installation *", "Path", true },
	  } } } },
	{ "Flatpak", SOFTWARE_APPLICATIONS,
	  .data = { { "~/.local/share/flatpak" } } },

	/* Databases */
	{ "MariaDB or MySQL", SOFTWARE_DATABASE,
	  .units = { "mariadb.service", "mysql.service", "mysqld.service" },
	  .programs = { "mariadbd", "mysqld" },
	  .data = { { "/var/lib/mysql", .settings = {
		{ SETTING_LINES, "/etc/my.cnf*", MYSQL_SECTIONS, "datadir" },
		{ SETTING_LINES, "/etc/my.cnf.d/*.cnf", MYSQL_SECTIONS, "datadir" },
		{ SETTING_LINES, "/etc/mysql/my.cnf", MYSQL_SECTIONS, "datadir" },
		{ SETTING_LINES, "/etc/mysql/*.d/*.cnf", MYSQL_SECTIONS, "datadir" },
	  } } } },
	{ "PostgreSQL", SOFTWARE_DATABASE,
	  .units = { "postgresql.service", "postgresql@.service" },
	  .programs = { "postgres" },
	  .data = { { "/var/lib/postgresql", "/var/lib/postgres", .settings = {
		{ SETTING_LINES, "/etc/postgresql/*/*/postgresql.conf", NULL, "data_directory",
		  true },
	  } } } },
	{ "Redis", SOFTWARE_DATABASE,
	  .units = { "redis-server.service", "redis.service" },
	  .programs = { "redis-server" },
	  .data = { { "/var/lib/redis", .settings = {
		{ SETTING_LINES, "/etc/redis.conf", NULL, "dir" },
		{ SETTING_LINES, "/etc/redis/*.conf", NULL, "dir", true },
	  } } } },
	{ "Valkey", SOFTWARE_DATABASE,
	  .units = { "valkey-server.service", "valkey.service" },
	  .programs = { "valkey-server" },
	  .data = { { "/var/lib/valkey", .settings = {
		{ SETTING_LINES, "/etc/valkey/*.conf", NULL, "dir", true },
	  } } } },
	{ "KeyDB", SOFTWARE_DATABASE,
	  .units = { "keydb-server.service", "keydb.service" },
	  .programs = { "keydb-server" },
	  .data = { { "/var/lib/keydb", .settings = {
		{ SETTING_LINES, "/etc/keydb/*.conf", NULL, "dir", true },
	  } } } },
	{ "MongoDB", SOFTWARE_DATABASE,
	  .units = { "mongod.service", "mongodb.service" },
	  .programs = { "mongod" },
	  .data = { { "/var/lib/mongodb", "/var/lib/mongo", .settings = {
		{ SETTING_LINES, "/etc/mongodb.conf", NULL, "dbpath" },
		{ SETTING_LINES, "/etc/mongo*.conf", NULL, "storage.dbPath" },
		{ SETTING_LINES, "/etc/mongo*.conf", "storage", "dbPath" },
	  } } } },
	{ "InfluxDB", SOFTWARE_DATABASE,
	  .units = { "influxdb.service", "influxd.service" },
	  .programs = { "influxd" },
	  .data = { { "/var/lib/influxdb", .settings = {
		{ SETTING_LINES, "/etc/influxdb/influxdb.conf", "data meta", "dir", true },
		{ SETTING_LINES, "/etc/influxdb/influxdb.conf", "data", "wal-dir", true },
		{ SETTING_LINES, "/etc/influxdb/config.toml", NULL, "engine-path", true },
		{ SETTING_LINES, "/etc/influxdb/config.yml", NULL, "engine-path", true },
	  } } } },
	{ "Prometheus", SOFTWARE_DATABASE,
	  .units = { "prometheus.service" },
	  .programs = { "prometheus" },
	  .data = { { "/var/lib/prometheus", .settings = {
		{ SETTING_ARGUMENT, "/etc/default/prometheus", NULL, "--storage.tsdb.path" },
		{ SETTING_ARGUMENT, "/etc/conf.d/prometheus", NULL, "--storage.tsdb.path" },
		{ SETTING_ARGUMENT, "prometheus.service", NULL, "--storage.tsdb.path" },
	  } } } },
	{ "VictoriaMetrics", SOFTWARE_DATABASE,
	  .units = { "victoria-metrics.service", "victoriametrics.service" },
	  .programs = { "victoria-metrics" },
	  .data = { { "/var/lib/victoria-metrics", "/var/lib/victoriametrics", .settings = {
		{ SETTING_ARGUMENT, "/etc/default/victoria-metrics", NULL, "-storageDataPath" },
		{ SETTING_ARGUMENT, "victoria-metrics.service", NULL, "-storageDataPath" },
		{ SETTING_ARGUMENT, "victoria-metrics.service", NULL, "--storageDataPath" },
		{ SETTING_ARGUMENT, "victoriametrics.service", NULL, "--storageDataPath" },
	  } } } },
	{ "Grafana", SOFTWARE_DATABASE,
	  .units = { "grafana-server.service", "grafana.service" },
	  .programs = { "grafana-server", "grafana" },
	  .data = { { "/var/lib/grafana", .settings = {
		{ SETTING_LINES, "/etc/grafana/grafana.ini", "paths", "data" },
		{ SETTING_LINES, "/etc/default/grafana-server", NULL, "DATA_DIR" },
	  } } } },
	{ "CouchDB", SOFTWARE_DATABASE,
	  .units = { "couchdb.service" },
	  .programs = { "couchdb" },
	  .data = { { "/var/lib/couchdb", .settings = {
		{ SETTING_LINES, "/etc/couchdb/local.ini", "couchdb", "database_dir" },
		{ SETTING_LINES, "/opt/couchdb/etc/*.ini", "couchdb", "database_dir" },
		{ SETTING_LINES, "/opt/couchdb/etc/local.d/*.ini", "couchdb", "database_dir" },
	  } } } },
	{ "Elasticsearch", SOFTWARE_DATABASE,
	  .units = { "elasticsearch.service" },
	  .programs = { "elasticsearch" },
	  .data = { { "/var/lib/elasticsearch", .settings = {
		{ SETTING_LINES, "/etc/elasticsearch/elasticsearch.yml", NULL, "path.data" },
		{ SETTING_LINES, "/etc/elasticsearch/elasticsearch.yml", "path", "data" },
	  } } } },
	{ "OpenSearch", SOFTWARE_DATABASE,
	  .units = { "opensearch.service" },
	  .programs = { "opensearch" },
	  .data = { { "/var/lib/opensearch", .settings = {
		{ SETTING_LINES, "/etc/opensearch/opensearch.yml", NULL, "path.data" },
		{ SETTING_LINES, "/etc/opensearch/opensearch.yml", "path", "data" },
	  } } } },
	{ "Cassandra", SOFTWARE_DATABASE,
	  .units = { "cassandra.service" },
	  .programs = { "cassandra" },
	  .data = { { "/var/lib/cassandra" } } },
	{ "ClickHouse", SOFTWARE_DATABASE,
	  .units = { "clickhouse-server.service" },
	  .programs = { "clickhouse-server" },
	  .data = { { "/var/lib/clickhouse" } } },
	{ "etcd", SOFTWARE_DATABASE,
	  .units = { "etcd.service" },
	  .programs = { "etcd" },
	  .data = { { "/var/lib/etcd", .settings = {
		{ SETTING_LINES, "/etc/default/etcd", NULL, "ETCD_DATA_DIR" },
		{ SETTING_ARGUMENT, "etcd.service", NULL, "--data-dir" },
	  } } } },
	{ "slapd", SOFTWARE_DATABASE,
	  .units = { "slapd.service" },
	  .programs = { "slapd" },
	  .data = { { "/var/lib/ldap", "/var/lib/openldap", .settings = {
		{ SETTING_LINES, "/etc/ldap/slapd.conf", NULL, "directory", true },
		{ SETTING_LINES, "/etc/ldap/slapd.d/cn=config/olcDatabase=*.ldif", NULL,
		  "olcDbDirectory", true },
		{ SETTING_LINES, "/etc/openldap/slapd.conf", NULL, "directory", true },
	  } } } },
	{ "rrdcached", SOFTWARE_DATABASE,
	  .units = { "rrdcached.service" },
	  .programs = { "rrdcached" },
	  .data = { { "/var/lib/rrdcached" } } },
	{ "RabbitMQ", SOFTWARE_DATABASE,
	  .units = { "rabbitmq-server.service", "rabbitmq.service" },
	  .programs = { "rabbitmq-server" },
	  .data = { { "/var/lib/rabbitmq", .settings = {
		{ SETTING_LINES, "/etc/rabbitmq/rabbitmq-env.conf", NULL, "MNESIA_BASE" },
	  } } } },
	{ "Mosquitto", SOFTWARE_DATABASE,
	  .units = { "mosquitto.service" },
	  .programs = { "mosquitto" },
	  .data = { { "/var/lib/mosquitto", .settings = {
		{ SETTING_LINES, "/etc/mosquitto/mosquitto.conf", NULL, "persistence_location" },
		{ SETTING_LINES, "/etc/mosquitto/conf.d/*.conf", NULL, "persistence_location" },
	  } } } },
	{ "Jellyfin", SOFTWARE_DATABASE,
	  .units = { "jellyfin.service" },
	  .programs = { "jellyfin" },
	  .data = { { "/var/lib/jellyfin", .settings = {
		{ SETTING_LINES, "/etc/default/jellyfin", NULL, "JELLYFIN_DATA_DIR" },
	  } } } },

	/* Mail */
	{ "Postfix", SOFTWARE_MAIL,
	  .units = { "postfix.service", "postfix@.service" },
	  .programs = { "postfix" },
	  .data = { { "/var/spool/postfix", .settings = {
		{ SETTING_LINES, "/etc/postfix/main.cf", NULL, "queue_directory" },
	  } }, { "/var/mail", .settings = {
		{ SETTING_LINES, "/etc/postfix/main.cf", NULL, "mail_spool_directory" },
	  } } } },
	{ "Exim", SOFTWARE_MAIL,
	  .units = { "exim4.service", "exim.service" },
	  .programs = { "exim4", "exim" },
	  .data = { { "/var/spool/exim4", "/var/spool/exim" }, { "/var/mail" } } },
	{ "Dovecot", SOFTWARE_MAIL,
	  .units = { "dovecot.service" },
	  .programs = { "dovecot" },
	  .data = { { "/var/mail", "/var/vmail" } } },
	{ "Cyrus IMAP", SOFTWARE_MAIL,
	  .units = { "cyrus-imapd.service" },
	  .data = { { "/var/lib/cyrus" }, { "/var/spool/cyrus" } } },

	/* State */
	{ "NetworkManager", SOFTWARE_STATE,
	  .units = { "NetworkManager.service" },
	  .programs = { "NetworkManager" },
	  .data = { { "/var/lib/NetworkManager" }, { "/etc/NetworkManager/system-connections" } } },
	{ "cloud-init", SOFTWARE_STATE,
	  .units = { "cloud-init.service", "cloud-init-main.service" },
	  .data = { { "/var/lib/cloud" } } },
	{ "BlueZ", SOFTWARE_STATE,
	  .units = { "bluetooth.service" },
	  .data = { { "/var/lib/bluetooth" } } },
	{ "Tailscale", SOFTWARE_STATE,
	  .units = { "tailscaled.service" },
	  .programs = { "tailscaled" },
	  .data = { { "/var/lib/tailscale" } } },
	{ "Certbot", SOFTWARE_STATE,
	  .units = { "certbot.timer", "certbot.service" },
	  .programs = { "certbot" },
	  .data = { { "/etc/letsencrypt" } } },
	{ "Samba", SOFTWARE_STATE,
	  .units = { "smbd.service", "smb.service", "samba-ad-dc.service" },
	  .programs = { "smbd" },
	  .data = { { "/var/lib/samba" } } },
	{ "NFS server", SOFTWARE_STATE,
	  .units = { "nfs-server.service", "nfs-kernel-server.service" },
	  .data = { { "/var/lib/nfs" } } },
	{ "cron", SOFTWARE_STATE,
	  .units = { "cron.service", "cronie.service" },
	  .data = { { "/var/spool/cron" } } },
	{ "fail2ban", SOFTWARE_CACHE,
	  .units = { "fail2ban.service" },
	  .programs = { "fail2ban-server" },
	  .data = { { "/var/lib/fail2ban" } } },

	/* Identity */
	{ "OpenSSH", SOFTWARE_IDENTITY,
	  .units = { "ssh.service", "sshd.service", "ssh.socket" },
	  .programs = { "sshd" },
	  .data = { { "/etc/ssh" } } },
	{ "dhclient", SOFTWARE_IDENTITY,
	  .programs = { "dhclient" },
	  .data = { { "/var/lib/dhcp", "/var/lib/dhclient" } } },
	{ "dhcpcd", SOFTWARE_IDENTITY,
	  .units = { "dhcpcd.service" },
	  .programs = { "dhcpcd" },
	  .data = { { "/var/lib/dhcpcd", "/var/lib/dhcpcd5" } } },
	{ "systemd", SOFTWARE_IDENTITY, /* random seed, clock, rfkill, timer stamps */
	  .units = { "systemd-random-seed.service" },
	  .data = { { "/var/lib/systemd" } } },
	{ "chrony", SOFTWARE_IDENTITY,
	  .units = { "chrony.service", "chronyd.service" },
	  .programs = { "chronyd" },
	  .data = { { "/var/lib/chrony" } } },

	/* Journals, logs and caches */
	{ "systemd-journald", SOFTWARE_JOURNAL,
	  .units = { "systemd-journald.service" },
	  .data = { { "/var/log/journal", .suffix = ".journal" } } },
	{ "programs", SOFTWARE_LOG,
	  .data = { { "/var/log", .suffix = ".log" } } },
	{ "updatedb", SOFTWARE_CACHE,
	  .programs = { "updatedb" },
	  .data = { { "/var/lib/mlocate" }, { "/var/lib/plocate" } } },
	{ "apt", SOFTWARE_CACHE,
	  .programs = { "apt-get" },
	  .data = { { "/var/cache/apt", .suffix = ".bin" }, { "/var/lib/apt/lists" } } },
	{ "mandb", SOFTWARE_CACHE,
	  .programs = { "mandb" },
	  .data = { { "/var/cache/man" } } },
	{ "squid", SOFTWARE_CACHE,
	  .units = { "squid.service" },
	  .programs = { "squid" },
	  .data = { { "/var/spool/squid", "/var/cache/squid" } } },
	{ "nginx", SOFTWARE_CACHE,
	  .units = { "nginx.service" },
	  .programs = { "nginx" },
	  .data = { { "/var/cache/nginx" } } },
};
// clang-format on

const struct software *software_table(size_t *ret_n)
{
	*ret_n = ELEMENTSOF(table);
	return table;
}

bool software_file_counts(const char *suffix, const char *name)
{
	size_t n = strlen(name), m = suffix ? strlen(suffix) : 0;

	return !suffix || (n >= m && strcmp(name + n - m, suffix) == 0 && !strchr(name, '@'));
}

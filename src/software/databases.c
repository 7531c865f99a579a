/* SPDX-License-Identifier: MIT */
/* Databases, and what keeps its data in a file as databases do. */
#include "software/table.h"

/* Of mysqld and mariadbd: [mysqld-10.11] is for one version. */
#define MYSQL_SECTIONS "mysqld mysqld-* mariadb mariadb-* mariadbd mariadbd-* server"

#define MY_CNF(file) LINES(file, MYSQL_SECTIONS, "datadir", INCLUDES("!include !includedir"))

/* Each file is of one server. */
#define REDIS_CONF(file) LINES(file, NULL, "dir", OF_FILE, INCLUDES("include"))

// clang-format off
static const struct software table[] = {
	{ "MariaDB or MySQL", SOFTWARE_DATABASE,
	  .units = { "mariadb.service", "mysql.service", "mysqld.service" },
	  .programs = { "mariadbd", "mysqld" },
	  .data = { { .path = "/var/lib/mysql", .settings = {
		MY_CNF("/etc/my.cnf.d/*.cnf"),
		MY_CNF("/etc/mysql/*.d/*.cnf"),
		MY_CNF("/etc/my.cnf"),
		MY_CNF("/etc/mysql/my.cnf"),
		ARGUMENT("mariadb.service", "--datadir"),
		ARGUMENT("mysql.service", "--datadir"),
		ARGUMENT("mysqld.service", "--datadir"),
	  } } } },
	{ "PostgreSQL", SOFTWARE_DATABASE,
	  .units = { "postgresql.service", "postgresql@.service" },
	  .programs = { "postgres" },
	  .data = { { .path = "/var/lib/postgresql", .alternative = "/var/lib/postgres", .settings = {
		LINES("/etc/postgresql/*/*/postgresql.conf", NULL, "data_directory", OF_FILE,
		      INCLUDES("include include_if_exists include_dir")),
		ARGUMENT("postgresql.service", "PGDATA"),
		ARGUMENT("postgresql.service", "-D"),
	  } } } },
	{ "Redis", SOFTWARE_DATABASE,
	  .units = { "redis-server.service", "redis.service" },
	  .programs = { "redis-server" },
	  .data = { { .path = "/var/lib/redis", .settings = {
		REDIS_CONF("/etc/redis.conf"),
		REDIS_CONF("/etc/redis/*.conf"),
	  } } } },
	{ "Valkey", SOFTWARE_DATABASE,
	  .units = { "valkey-server.service", "valkey.service" },
	  .programs = { "valkey-server" },
	  .data = { { .path = "/var/lib/valkey", .settings = {
		REDIS_CONF("/etc/valkey/*.conf"),
	  } } } },
	{ "KeyDB", SOFTWARE_DATABASE,
	  .units = { "keydb-server.service", "keydb.service" },
	  .programs = { "keydb-server" },
	  .data = { { .path = "/var/lib/keydb", .settings = {
		REDIS_CONF("/etc/keydb/*.conf"),
	  } } } },
	{ "MongoDB", SOFTWARE_DATABASE,
	  .units = { "mongod.service", "mongodb.service" },
	  .programs = { "mongod" },
	  .data = { { .path = "/var/lib/mongodb", .alternative = "/var/lib/mongo", .settings = {
		LINES("/etc/mongodb.conf", NULL, "dbpath"),
		LINES("/etc/mongo*.conf", NULL, "storage.dbPath"),
		LINES("/etc/mongo*.conf", "storage", "dbPath"),
	  } } } },
	{ "InfluxDB", SOFTWARE_DATABASE,
	  .units = { "influxdb.service", "influxd.service" },
	  .programs = { "influxd" },
	  .data = { { .path = "/var/lib/influxdb", .settings = {
		LINES("/etc/influxdb/influxdb.conf", "data meta", "dir", ALL),
		LINES("/etc/influxdb/influxdb.conf", "data", "wal-dir", ALL),
		LINES("/etc/influxdb/config.toml", NULL, "engine-path", ALL),
		LINES("/etc/influxdb/config.yml", NULL, "engine-path", ALL),
		ARGUMENT("influxdb.service", "INFLUXD_ENGINE_PATH"),
	  } } } },
	{ "Prometheus", SOFTWARE_DATABASE,
	  .units = { "prometheus.service" },
	  .programs = { "prometheus" },
	  .data = { { .path = "/var/lib/prometheus", .settings = {
		ARGUMENT("/etc/default/prometheus", "--storage.tsdb.path"),
		ARGUMENT("/etc/conf.d/prometheus", "--storage.tsdb.path"),
		ARGUMENT("prometheus.service", "--storage.tsdb.path"),
	  } } } },
	{ "VictoriaMetrics", SOFTWARE_DATABASE,
	  .units = { "victoria-metrics.service", "victoriametrics.service" },
	  .programs = { "victoria-metrics" },
	  .data = { { .path = "/var/lib/victoria-metrics",
		      .alternative = "/var/lib/victoriametrics", .settings = {
		ARGUMENT("/etc/default/victoria-metrics", "-storageDataPath"),
		ARGUMENT("victoria-metrics.service", "-storageDataPath"),
		ARGUMENT("victoria-metrics.service", "--storageDataPath"),
		ARGUMENT("victoriametrics.service", "--storageDataPath"),
	  } } } },
	{ "Grafana", SOFTWARE_DATABASE,
	  .units = { "grafana-server.service", "grafana.service" },
	  .programs = { "grafana-server", "grafana" },
	  .data = { { .path = "/var/lib/grafana", .settings = {
		LINES("/etc/grafana/grafana.ini", "paths", "data"),
		LINES("/etc/default/grafana-server", NULL, "DATA_DIR"),
	  } } } },
	{ "CouchDB", SOFTWARE_DATABASE,
	  .units = { "couchdb.service" },
	  .programs = { "couchdb" },
	  .data = { { .path = "/var/lib/couchdb", .settings = {
		LINES("/etc/couchdb/local.ini", "couchdb", "database_dir"),
		LINES("/opt/couchdb/etc/*.ini", "couchdb", "database_dir"),
		LINES("/opt/couchdb/etc/local.d/*.ini", "couchdb", "database_dir"),
	  } } } },
	{ "Elasticsearch", SOFTWARE_DATABASE,
	  .units = { "elasticsearch.service" },
	  .programs = { "elasticsearch" },
	  .data = { { .path = "/var/lib/elasticsearch", .settings = {
		LINES("/etc/elasticsearch/elasticsearch.yml", NULL, "path.data"),
		LINES("/etc/elasticsearch/elasticsearch.yml", "path", "data"),
	  } } } },
	{ "OpenSearch", SOFTWARE_DATABASE,
	  .units = { "opensearch.service" },
	  .programs = { "opensearch" },
	  .data = { { .path = "/var/lib/opensearch", .settings = {
		LINES("/etc/opensearch/opensearch.yml", NULL, "path.data"),
		LINES("/etc/opensearch/opensearch.yml", "path", "data"),
	  } } } },
	{ "Cassandra", SOFTWARE_DATABASE,
	  .units = { "cassandra.service" },
	  .programs = { "cassandra" },
	  .data = { { .path = "/var/lib/cassandra", .settings = {
		LINES("/etc/cassandra/cassandra.yaml", "data_file_directories", "-", ALL),
	  } } } },
	{ "ClickHouse", SOFTWARE_DATABASE,
	  .units = { "clickhouse-server.service" },
	  .programs = { "clickhouse-server" },
	  .data = { { .path = "/var/lib/clickhouse", .settings = {
		XML("/etc/clickhouse-server/config.d/*.xml", "path"),
	  } } } },
	{ "etcd", SOFTWARE_DATABASE,
	  .units = { "etcd.service" },
	  .programs = { "etcd" },
	  .data = { { .path = "/var/lib/etcd", .settings = {
		LINES("/etc/default/etcd", NULL, "ETCD_DATA_DIR"),
		LINES("/etc/etcd/etcd.conf.yml", NULL, "data-dir"),
		ARGUMENT("etcd.service", "ETCD_DATA_DIR"),
		ARGUMENT("etcd.service", "--data-dir"),
	  } } } },
	{ "slapd", SOFTWARE_DATABASE,
	  .units = { "slapd.service" },
	  .programs = { "slapd" },
	  .data = { { .path = "/var/lib/ldap", .alternative = "/var/lib/openldap", .settings = {
		LINES("/etc/ldap/slapd.conf", NULL, "directory", ALL, INCLUDES("include")),
		LINES("/etc/ldap/slapd.d/cn=config/olcDatabase=*.ldif", NULL, "olcDbDirectory", ALL),
		LINES("/etc/openldap/slapd.conf", NULL, "directory", ALL, INCLUDES("include")),
	  } } } },
	{ "rrdcached", SOFTWARE_DATABASE,
	  .units = { "rrdcached.service" },
	  .programs = { "rrdcached" },
	  .data = { { .path = "/var/lib/rrdcached" } } },
	{ "RabbitMQ", SOFTWARE_DATABASE,
	  .units = { "rabbitmq-server.service", "rabbitmq.service" },
	  .programs = { "rabbitmq-server" },
	  .data = { { .path = "/var/lib/rabbitmq", .settings = {
		LINES("/etc/rabbitmq/rabbitmq-env.conf", NULL, "MNESIA_BASE"),
	  } } } },
	{ "Mosquitto", SOFTWARE_DATABASE,
	  .units = { "mosquitto.service" },
	  .programs = { "mosquitto" },
	  .data = { { .path = "/var/lib/mosquitto", .settings = {
		LINES("/etc/mosquitto/mosquitto.conf", NULL, "persistence_location",
		      INCLUDES("include_dir")),
		LINES("/etc/mosquitto/conf.d/*.conf", NULL, "persistence_location"),
	  } } } },
	{ "Jellyfin", SOFTWARE_DATABASE,
	  .units = { "jellyfin.service" },
	  .programs = { "jellyfin" },
	  .data = { { .path = "/var/lib/jellyfin", .settings = {
		LINES("/etc/default/jellyfin", NULL, "JELLYFIN_DATA_DIR"),
	  } } } },
};
// clang-format on

const struct software_list software_databases = { table, ELEMENTSOF(table) };

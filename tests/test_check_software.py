"""`rofs check` on trees with known software: is it installed, where is its data, is it told?"""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from support import make_tree, parse_json, run_program

FSTAB = "LABEL=root / ext4 ro 0 1\n"
CONF = "[Overlay /etc]\n[Overlay /home]\n[Overlay /srv]\n[Overlay /var]\n"
DATA = "[Partition data]\nDevice=/dev/vdb\n"
UNITS = "usr/lib/systemd/system"
SERVICE = "[Service]\nExecStart=/usr/bin/{}\n"
WITHOUT_RIGHTS = ["setpriv", "--bounding-set=-dac_override,-dac_read_search"]


class Found(NamedTuple):
    """What a problem is about, and the path that is to be persisted."""

    kind: str
    overlay: str
    message: str


def check(rofs: Path, root: Path) -> list[dict[str, Any]]:
    done = run_program(rofs, "check", "--json", root=root)
    assert done.stderr == ""
    answer = parse_json(done.stdout, "check.schema.json")
    problems: list[dict[str, Any]] = answer["problems"]
    return problems


def found(rofs: Path, root: Path, files: dict[str, str], conf: str = CONF,
          dirs: tuple[str, ...] = ()) -> list[Found]:
    make_tree(root, {"etc/rofs.conf": conf, "etc/fstab": FSTAB, **files}, ["srv", *dirs])
    return [Found(p["kind"], p["path"], p["message"]) for p in check(rofs, root)]


def persist(path: str, directory: str = "/x") -> str:
    return f"[Persist {path}]\nPartition=data\nDirectory={directory}\n"


def unit(name: str, command: str = "x") -> dict[str, str]:
    return {f"{UNITS}/{name}": SERVICE.format(command)}


def program(name: str) -> dict[str, str]:
    return {f"usr/bin/{name}": ""}


PASSWD = {"etc/passwd": "root:x:0:0::/root:/bin/sh\nann:x:1000:1000::/home/ann:/bin/sh\n"}

# (files, kind, overlay, path to persist)
CONTAINERS = {
    "docker, data": ({"var/lib/docker/x": ""}, "/var", "/var/lib/docker"),
    "docker, unit": (unit("docker.service"), "/var", "/var/lib/docker"),
    "docker, socket": (unit("docker.socket"), "/var", "/var/lib/docker"),
    "docker, own unit": ({"etc/systemd/system/docker.service": "[Unit]\n"}, "/var",
                         "/var/lib/docker"),
    "docker, program": (program("dockerd"), "/var", "/var/lib/docker"),
    "docker, sbin": ({"usr/sbin/dockerd": ""}, "/var", "/var/lib/docker"),
    "docker, local": ({"usr/local/bin/dockerd": ""}, "/var", "/var/lib/docker"),
    "docker, daemon.json": ({**program("dockerd"),
                             "etc/docker/daemon.json": '{"debug": true,\n"data-root":"/srv/d/"}'},
                            "/srv", "/srv/d"),
    "docker, graph": ({**program("dockerd"), "etc/docker/daemon.json": '{"graph": "/srv/d"}'},
                      "/srv", "/srv/d"),
    "docker, argument": (unit("docker.service", "dockerd --data-root=/srv/d"), "/srv", "/srv/d"),
    "docker, Debian's options": ({**program("dockerd"), "etc/default/docker":
                                  'DOCKER_OPTS="--dns 8.8.8.8 --data-root=/srv/d"\n'},
                                 "/srv", "/srv/d"),
    "docker, drop-in": ({**unit("docker.service"),
                         "etc/systemd/system/docker.service.d/x.conf":
                         "[Service]\nExecStart=\nExecStart=/usr/bin/dockerd -g /srv/d\n"},
                        "/srv", "/srv/d"),
    "containerd": (unit("containerd.service"), "/var", "/var/lib/containerd"),
    "containerd, root": ({**unit("containerd.service"), "etc/containerd/config.toml":
                          'version = 2\nroot = "/srv/c"\n[plugins."x"]\n  root = "/var/y"\n'},
                         "/srv", "/srv/c"),
    "podman": (program("podman"), "/var", "/var/lib/containers/storage"),
    "podman, graphroot": ({**program("podman"), "etc/containers/storage.conf":
                           '[storage]\ndriver = "overlay"\ngraphroot = "/srv/c"\n'},
                          "/srv", "/srv/c"),
    "podman, vendor": ({**program("podman"), "usr/share/containers/storage.conf":
                        '[storage]\ngraphroot = "/srv/c"\n'}, "/srv", "/srv/c"),
    "podman, both": ({**program("podman"),
                      "usr/share/containers/storage.conf": '[storage]\ngraphroot = "/var/a"\n',
                      "etc/containers/storage.conf": '[storage]\ngraphroot = "/srv/c"\n'},
                     "/srv", "/srv/c"),
    "buildah": (program("buildah"), "/var", "/var/lib/containers/storage"),
    "CRI-O": (unit("crio.service"), "/var", "/var/lib/containers/storage"),
    "CRI-O, root": ({**unit("crio.service"), "etc/crio/crio.conf.d/1":
                     '[crio]\nroot = "/srv/c"\n'}, "/srv", "/srv/c"),
    "k3s, data": ({"var/lib/rancher/k3s/x": ""}, "/var", "/var/lib/rancher"),
    "k3s": ({"usr/local/bin/k3s": ""}, "/var", "/var/lib/rancher"),
    "k3s, config": ({"usr/local/bin/k3s": "", "etc/rancher/k3s/config.yaml":
                     "node-label:\n  - a=b\ndata-dir: /srv/k\n"}, "/srv", "/srv/k"),
    "k3s, quoted key": ({"usr/local/bin/k3s": "", "etc/rancher/k3s/config.yaml":
                         '"data-dir": "/srv/k"\n'}, "/srv", "/srv/k"),
    "k3s, argument": (unit("k3s.service", "k3s server '--data-dir' /srv/k"), "/srv", "/srv/k"),
    "k3s, short argument": (unit("k3s.service", "k3s server -d /srv/k"), "/srv", "/srv/k"),
    "k3s, environment": ({**unit("k3s-agent.service"), "etc/systemd/system/k3s-agent.service.env":
                          "K3S_DATA_DIR='/srv/k'\n"}, "/srv", "/srv/k"),
    "rke2": (unit("rke2-server.service"), "/var", "/var/lib/rancher"),
    "k0s": (unit("k0scontroller.service"), "/var", "/var/lib/k0s"),
    "k0s, argument": (unit("k0sworker.service", "k0s worker --data-dir=/srv/k"), "/srv", "/srv/k"),
    "microk8s": ({"var/snap/microk8s/common/x": ""}, "/var", "/var/snap/microk8s"),
    "docker of snap": ({"var/snap/docker/common/x": ""}, "/var", "/var/snap/docker"),
    "BuildKit": (unit("buildkit.service"), "/var", "/var/lib/buildkit"),
    "BuildKit, root": ({**program("buildkitd"), "etc/buildkit/buildkitd.toml": 'root = "/srv/b"\n'},
                       "/srv", "/srv/b"),
    "nerdctl": ({"var/lib/nerdctl/x": ""}, "/var", "/var/lib/nerdctl"),
    "kubelet": (program("kubelet"), "/var", "/var/lib/kubelet"),
    "rootless podman": ({**PASSWD, "home/ann/.local/share/containers/storage/x": ""}, "/home",
                        "/home/ann/.local/share/containers"),
    "rootless podman, unknown user": ({"home/bob/.local/share/containers/storage/x": ""}, "/home",
                                      "/home/bob/.local/share/containers"),
    "rootless podman, home elsewhere": (
        {"etc/passwd": "eve:x:1001:1001::/srv/eve/:/bin/sh\n",
         "srv/eve/.local/share/containers/x": ""}, "/srv", "/srv/eve/.local/share/containers"),
    "rootless podman, quadlet": ({"home/ann/.config/containers/systemd/web.container": ""},
                                 "/home", "/home/ann/.local/share/containers"),
    "rootless podman, storage.conf": (
        {**PASSWD, "home/ann/.config/containers/systemd/web.container": "",
         "etc/containers/storage.conf":
         '[storage]\nrootless_storage_path = "/srv/$USER/$UID"\n'}, "/srv", "/srv/ann/1000"),
    "rootless docker": ({"home/ann/.config/systemd/user/docker.service": ""}, "/home",
                        "/home/ann/.local/share/docker"),
    "rootless docker, daemon.json": (
        {"home/ann/.config/systemd/user/docker.service": "",
         "home/ann/.config/docker/daemon.json": '{"data-root": "/srv/ann"}'}, "/srv", "/srv/ann"),
    "rootless podman, storage.conf of a user": (
        {**PASSWD, "home/ann/.config/containers/storage.conf":
         '[storage]\ngraphroot = "/srv/ann"\n'}, "/srv", "/srv/ann"),
    "rootless docker, only daemon.json": (
        {"home/ann/.config/docker/daemon.json": '{"data-root": "/srv/ann"}'}, "/srv", "/srv/ann"),
    "rootless containerd": ({"home/ann/.config/systemd/user/containerd.service": ""}, "/home",
                            "/home/ann/.local/share/containerd"),
    "rootless nerdctl": ({"home/ann/.local/share/nerdctl/x": ""}, "/home",
                         "/home/ann/.local/share/nerdctl"),
    "rootless BuildKit": ({"home/ann/.local/share/buildkit/x": ""}, "/home",
                          "/home/ann/.local/share/buildkit"),
    "LXC": (unit("lxc.service"), "/var", "/var/lib/lxc"),
    "LXC, path": ({**unit("lxc.service"), "etc/lxc/lxc.conf": "lxc.lxcpath = /srv/lxc\n"}, "/srv",
                  "/srv/lxc"),
    "unprivileged LXC": ({"home/ann/.local/share/lxc/web/rootfs/x": ""}, "/home",
                         "/home/ann/.local/share/lxc"),
    "Incus": (unit("incus.service"), "/var", "/var/lib/incus"),
    "LXD": (unit("lxd.service"), "/var", "/var/lib/lxd"),
    "LXD, snap": ({"var/snap/lxd/common/x": ""}, "/var", "/var/snap/lxd"),
    "nspawn": ({"var/lib/machines/web/x": ""}, "/var", "/var/lib/machines"),
    "libvirt": (unit("libvirtd.service"), "/var", "/var/lib/libvirt/images"),
    "libvirt, pool": ({**unit("libvirtd.service"), "etc/libvirt/storage/a.xml":
                       "<pool type='dir'><target>\n<path>/srv/vm</path></target></pool>\n"},
                      "/srv", "/srv/vm"),
}
OTHERS = {
    "snapd": (unit("snapd.service"), "applications-in-ram", "/var", "/var/lib/snapd"),
    "flatpak": (program("flatpak"), "applications-in-ram", "/var", "/var/lib/flatpak"),
    "flatpak of a user": ({"home/ann/.local/share/flatpak/repo/x": ""}, "applications-in-ram",
                          "/home", "/home/ann/.local/share/flatpak"),
    "PostgreSQL": (unit("postgresql@.service"), "database-in-ram", "/var", "/var/lib/postgresql"),
    "PostgreSQL, Arch": ({"var/lib/postgres/data/x": ""}, "database-in-ram", "/var",
                         "/var/lib/postgres"),
    "PostgreSQL, default": (
        {**unit("postgresql.service"), "etc/postgresql/15/main/postgresql.conf":
         "data_directory = '/var/lib/postgresql/15/main'\t# use data in another directory\n"},
        "database-in-ram", "/var", "/var/lib/postgresql"),
    "PostgreSQL, moved": (
        {**unit("postgresql.service"), "etc/postgresql/15/main/postgresql.conf":
         "#data_directory = '/var/x'\ndata_directory = '/srv/pg'\n"},
        "database-in-ram", "/srv", "/srv/pg"),
    "MariaDB": (unit("mariadb.service"), "database-in-ram", "/var", "/var/lib/mysql"),
    "MariaDB, datadir": (
        {**unit("mariadb.service"), "etc/mysql/mariadb.conf.d/50-server.cnf":
         "[client]\ndatadir = /var/x\n[mariadbd]\ndatadir=/srv/my\n"},
        "database-in-ram", "/srv", "/srv/my"),
    "MySQL, my.cnf": ({**program("mysqld"), "etc/my.cnf": "[mysqld]\ndatadir=/srv/my\n"},
                      "database-in-ram", "/srv", "/srv/my"),
    "Redis, dir": ({**unit("redis-server.service"), "etc/redis/redis.conf":
                    "port 6379\ndir /srv/r\n"}, "database-in-ram", "/srv", "/srv/r"),
    "Valkey": (unit("valkey-server.service"), "database-in-ram", "/var", "/var/lib/valkey"),
    "MongoDB": ({**unit("mongod.service"), "etc/mongod.conf":
                 "systemLog:\n  path: /var/log/m\nstorage:\n  dbPath: /srv/m\n"},
                "database-in-ram", "/srv", "/srv/m"),
    "MongoDB, old": ({**unit("mongodb.service"), "etc/mongodb.conf": "dbpath=/srv/m\n"},
                     "database-in-ram", "/srv", "/srv/m"),
    "InfluxDB": ({**unit("influxdb.service"), "etc/influxdb/influxdb.conf":
                  '[data]\n  dir = "/srv/i"\n'}, "database-in-ram", "/srv", "/srv/i"),
    "Prometheus": ({**unit("prometheus.service"), "etc/default/prometheus":
                    'ARGS="--web.x=1 --storage.tsdb.path=/srv/p"\n'},
                   "database-in-ram", "/srv", "/srv/p"),
    "slapd": ({**unit("slapd.service"),
               "etc/ldap/slapd.d/cn=config/olcDatabase={1}mdb.ldif":
               "dn: olcDatabase={1}mdb\nolcDbDirectory: /srv/ldap\n"},
              "database-in-ram", "/srv", "/srv/ldap"),
    "etcd": (program("etcd"), "database-in-ram", "/var", "/var/lib/etcd"),
}
POSTGRES = "etc/postgresql/15/main/"
INCLUDED = {
    "MariaDB, !includedir": (
        {**unit("mariadb.service"), "etc/mysql/my.cnf":
         "[mysqld]\ndatadir=/var/x\n[client-server]\n!includedir /etc/my.d/\n",
         "etc/my.d/a.cnf": "[mysqld]\ndatadir=/srv/my\n",
         "etc/my.d/z.cfg": "[mysqld]\ndatadir=/var/y\n"}, "/srv/my"),
    "MariaDB, !include": (
        {**unit("mysql.service"), "etc/my.cnf": "!include /etc/other.cnf\n",
         "etc/other.cnf": "[server]\ndatadir=/srv/my\n"}, "/srv/my"),
    "MariaDB, argument": (unit("mariadb.service", "mariadbd --datadir=/srv/my"), "/srv/my"),
    "PostgreSQL, include_dir": (
        {**unit("postgresql.service"), POSTGRES + "postgresql.conf":
         "data_directory = '/var/lib/postgresql/15/main'\ninclude_dir = 'conf.d'\n",
         POSTGRES + "conf.d/a.conf": "data_directory = '/srv/pg'\n"}, "/srv/pg"),
    "PostgreSQL, include_if_exists": (
        {**unit("postgresql.service"), POSTGRES + "postgresql.conf":
         "include_if_exists '/etc/none.conf'\ninclude 'sub/a.conf'\n",
         POSTGRES + "sub/a.conf": "include 'b.conf'\n",
         POSTGRES + "sub/b.conf": "data_directory = '/srv/pg'\n"}, "/srv/pg"),
    "PostgreSQL, Arch": (
        {**unit("postgresql.service", "postgres -D ${PGROOT}/data"),
         "etc/systemd/system/postgresql.service.d/x.conf":
         '[Service]\nEnvironment="A=b c" PGDATA=/srv/pg\n'}, "/srv/pg"),
    "Redis, include": (
        {**unit("redis-server.service"), "etc/redis/redis.conf":
         "dir /var/lib/redis\ninclude /etc/redis/local/*.conf\n",
         "etc/redis/local/a.conf": "dir /srv/r\n"}, "/srv/r"),
    "Mosquitto, include_dir": (
        {**unit("mosquitto.service"), "etc/mosquitto/mosquitto.conf":
         "persistence_location /var/lib/mosquitto/\ninclude_dir /etc/mosquitto/own\n",
         "etc/mosquitto/own/a.conf": "persistence_location /srv/m/\n"}, "/srv/m"),
    "slapd, include": (
        {**unit("slapd.service"), "etc/ldap/slapd.conf": "include /etc/ldap/db.conf\n",
         "etc/ldap/db.conf": "directory\t/srv/ldap\n"}, "/srv/ldap"),
    "Cassandra": (
        {**unit("cassandra.service"), "etc/cassandra/cassandra.yaml":
         "data_file_directories:\n    - /srv/c\nhints_directory: /srv/h\n"}, "/srv/c"),
    "MinIO": ({**unit("minio.service"), "etc/default/minio": 'MINIO_VOLUMES="/srv/m"\n'},
              "/srv/m"),
    "Gitea": ({"etc/systemd/system/gitea.service": "[Service]\nExecStart=gitea web\n"
               "Environment=USER=git HOME=/home/git GITEA_WORK_DIR=/srv/git\n"}, "/srv/git"),
    "Redis, only instances": (
        {**unit("redis-server@.service"), "etc/redis/redis-a.conf": "dir /srv/r\n"}, "/srv/r"),
    "Elasticsearch, list in brackets": (
        {**unit("elasticsearch.service"), "etc/elasticsearch/elasticsearch.yml":
         'path.data: ["/srv/e"]\n'}, "/srv/e"),
    "Elasticsearch, list": (
        {**unit("elasticsearch.service"), "etc/elasticsearch/elasticsearch.yml":
         "path:\n  logs: /var/log/e\n  data:\n    - /srv/e\n"}, "/srv/e"),
    "MongoDB, quoted keys": ({**unit("mongod.service"), "etc/mongod.conf":
                              "\"storage\":\n  'dbPath': \"/srv/m\"\n"}, "/srv/m"),
    "etcd, environment file": (
        {"etc/systemd/system/etcd.service": "[Service]\nEnvironmentFile=-/etc/%N.env\n"
         "ExecStart=etcd\n", "etc/etcd.env": "# x\nETCD_DATA_DIR='/srv/e'\n"}, "/srv/e"),
}
MOVED_CONTAINERS = {
    "containerd, imports": (
        {**unit("containerd.service"), "etc/containerd/config.toml":
         "imports = ['/etc/containerd/conf.d/*.toml']\nversion = 3\n",
         "etc/containerd/conf.d/a.toml": 'root = "/srv/c"\n'}, "/srv/c"),
    "podman, drop-in": (
        {**program("podman"), "etc/containers/storage.conf": '[storage]\ngraphroot="/var/x"\n',
         "etc/containers/storage.conf.d/a.conf": '[storage]\ngraphroot = "/srv/c"\n'}, "/srv/c"),
    "docker, variable": (
        {**unit("docker.service", "dockerd $OPTS"),
         "etc/systemd/system/docker.service.d/x.conf":
         '[Service]\nEnvironment="OPTS=--debug --data-root /srv/d"\n'}, "/srv/d"),
    "libvirt, disk": (
        {**unit("libvirtd.service"), "etc/libvirt/qemu/a.xml":
         "<disk type='file' device='disk'>\n <source file='/srv/vm/a.qcow2'/>\n</disk>\n"
         "<disk><source file='/home/x/debian.iso'/></disk>"}, "/srv/vm"),
}
CASES = {**{name: (files, "container-storage", overlay, path)
            for name, (files, overlay, path) in CONTAINERS.items()},
         **{name: (files, "container-storage", "/srv", path)
            for name, (files, path) in MOVED_CONTAINERS.items()},
         **{name: (files, "database-in-ram", "/srv", path)
            for name, (files, path) in INCLUDED.items()}, **OTHERS}


@pytest.mark.parametrize("name", CASES)
def test_it_is_told(name: str, rofs: Path, tmp_path: Path) -> None:
    files, kind, overlay, path = CASES[name]
    first, *more = found(rofs, tmp_path, files)
    assert (first.kind, first.overlay) == (kind, overlay)
    assert first.message.startswith(f"[Overlay {overlay}]: ")
    assert first.message.endswith(f"add [Persist {path}]")
    # Of some there is a second directory; each is told once.
    assert len({problem.message for problem in [first, *more]}) == 1 + len(more)


def test_a_bind_is_what_it_shows(rofs: Path, tmp_path: Path) -> None:
    files = {**program("dockerd"), "home/docker/x": "",
             "etc/fstab": FSTAB + "/home/docker /var/lib/docker none bind 0 0\n"}
    problem, = found(rofs, tmp_path, files, dirs=("var/lib/docker",))
    assert (problem.kind, problem.overlay) == ("container-storage", "/home")
    assert problem.message.endswith("; add [Persist /home/docker]")


def test_a_bind_is_read_only_by_its_own_option(rofs: Path, tmp_path: Path) -> None:
    files = {**program("dockerd"), "data/docker/x": "",
             "etc/fstab": FSTAB + "/dev/sda5 /data ext4 rw 0 2\n"
             "/data/docker /var/lib/docker none bind,ro 0 0\n"}
    problem, = found(rofs, tmp_path, files, dirs=("var/lib/docker",))
    assert problem.kind == "data-read-only"


@pytest.mark.parametrize("name", [*INCLUDED, *MOVED_CONTAINERS])
def test_only_its_new_place_is_told(name: str, rofs: Path, tmp_path: Path) -> None:
    files, path = {**INCLUDED, **MOVED_CONTAINERS}[name]
    problem, = found(rofs, tmp_path, files)
    assert problem.message.endswith(f"add [Persist {path}]")


DEFAULTS = {
    "neo4j.service": "/var/lib/neo4j", "minio.service": "/srv/minio",
    "gitea.service": "/var/lib/gitea", "forgejo.service": "/var/lib/forgejo",
    "jenkins.service": "/var/lib/jenkins", "matrix-synapse.service": "/var/lib/matrix-synapse",
    "prosody.service": "/var/lib/prosody", "zookeeper.service": "/var/lib/zookeeper",
    "pdns.service": "/var/lib/powerdns", "collectd.service": "/var/lib/collectd",
    "unifi.service": "/var/lib/unifi", "pihole-FTL.service": "/etc/pihole",
    "plexmediaserver.service": "/var/lib/plexmediaserver", "openhab.service": "/var/lib/openhab",
    "grafana-server.service": "/var/lib/grafana", "jellyfin.service": "/var/lib/jellyfin",
    "rabbitmq-server.service": "/var/lib/rabbitmq", "couchdb.service": "/var/lib/couchdb",
    "clickhouse-server.service": "/var/lib/clickhouse", "cassandra.service": "/var/lib/cassandra",
    "elasticsearch.service": "/var/lib/elasticsearch", "opensearch.service": "/var/lib/opensearch",
    "victoria-metrics.service": "/var/lib/victoria-metrics",
}


@pytest.mark.parametrize("name", DEFAULTS)
def test_installed_and_not_yet_started(name: str, rofs: Path, tmp_path: Path) -> None:
    problem, = found(rofs, tmp_path, unit(name))
    assert problem.kind == "database-in-ram"
    assert problem.message.endswith(f"add [Persist {DEFAULTS[name]}]")


@pytest.mark.parametrize("path", [".node-red", ".homeassistant", ".local/state/syncthing",
                                  "VirtualBox VMs"])
def test_data_in_home_directories(path: str, rofs: Path, tmp_path: Path) -> None:
    assert found(rofs, tmp_path / "without", {"home/ann/x": ""}) == []
    problem, = found(rofs, tmp_path / "with", {f"home/ann/{path}/x": ""})
    assert problem.overlay == "/home"
    assert problem.message.endswith(f"add [Persist /home/ann/{path}]")


def test_the_cache_of_apt_is_elsewhere(rofs: Path, tmp_path: Path) -> None:
    files = {**program("apt-get"), "srv/apt/pkgcache.bin": "", "etc/apt/apt.conf.d/99cache":
             'Dir {\n  Cache "/srv/apt/";\n  State { lists "/srv/lists"; };\n};\n'}
    make_tree(tmp_path, files)
    os.truncate(tmp_path / "srv/apt/pkgcache.bin", 32 << 20)
    problem, = found(rofs, tmp_path, {})
    assert (problem.kind, problem.overlay) == ("cache-in-ram", "/srv")
    assert problem.message.endswith("add /srv/apt to StartEmpty=")


def test_files_that_include_each_other(rofs: Path, tmp_path: Path) -> None:
    files = {**unit("redis-server.service"), "etc/redis/redis.conf":
             "include redis.conf\ninclude /etc/redis/*\ninclude .\ndir /srv/r\n",
             **{f"etc/redis/{i}.conf": "include *.conf\n" for i in range(40)}}
    problem, = found(rofs, tmp_path, files)
    assert problem.message.endswith("add [Persist /srv/r]")


def test_the_environment_moves_rke2(rofs: Path, tmp_path: Path) -> None:
    files = {**unit("rke2-agent.service"), "etc/default/rke2-agent": "RKE2_DATA_DIR=/srv/k\n"}
    kubelet, moved = found(rofs, tmp_path, files)
    assert kubelet.message.endswith("add [Persist /var/lib/kubelet]")
    assert moved.message.endswith("add [Persist /srv/k]")


def test_no_amount_is_told_of_what_cannot_be_read(rofs: Path, tmp_path: Path) -> None:
    make_tree(tmp_path, {"etc/rofs.conf": CONF, "etc/fstab": FSTAB, "var/lib/docker/x": "x" * 9,
                         "var/lib/mysql/a/x": "", "var/lib/mysql/y": "y" * 3000}, ["srv"])
    for path in ("var/lib/docker", "var/lib/mysql/a"):
        (tmp_path / path).chmod(0)
    command = WITHOUT_RIGHTS if os.geteuid() == 0 else []
    done = subprocess.run([*command, rofs, "check", f"--root={tmp_path}"], text=True,
                          capture_output=True, check=True)
    for path in ("var/lib/docker", "var/lib/mysql/a"):
        (tmp_path / path).chmod(0o755)
    assert "Docker has its storage in /var/lib/docker, on an overlay" in done.stdout
    assert "keeps its data in /var/lib/mysql (at least 2.9 KiB): the files" in done.stdout


@pytest.mark.parametrize("name", CASES)
def test_a_persist_silences_it(name: str, rofs: Path, tmp_path: Path) -> None:
    files, _, _, path = CASES[name]
    conf = CONF + DATA + persist(path)
    assert [p for p in found(rofs, tmp_path, files, conf) if p.message.endswith(f"{path}]")] == []


SILENT = {
    "data in /run": ({**unit("redis.service"), "etc/redis.conf": "dir /run/redis\n"}, CONF),
    "data in /dev/shm": ({**unit("redis.service"), "etc/redis.conf": "dir /dev/shm\n"}, CONF),
    "nothing is there": ({}, CONF),
    "empty directory": ({}, CONF),
    "masked": ({**program("dockerd"), **unit("docker.service")}, CONF),
    "the part that matters is kept": ({"usr/local/bin/k3s": ""}, CONF + DATA
                                      + persist("/var/lib/rancher/k3s", "/k3s")
                                      + persist("/var/lib/kubelet", "/kubelet")),
    "mount of its own": ({**program("dockerd"), "etc/fstab": FSTAB
                          + "/dev/sda5 /var/lib/docker ext4 rw 0 2\n"}, CONF),
    "mount unit of its own": ({**program("dockerd"), "etc/systemd/system/var-lib-docker.mount":
                               "[Mount]\nWhat=/dev/sda5\nWhere=/var/lib/docker\n"}, CONF),
    "a pool of images that are only read": (
        {**unit("libvirtd.service"), "etc/libvirt/storage/iso.xml":
         "<pool type='dir'><target><path>/srv/iso</path></target></pool>\n",
         "srv/iso/debian.iso": ""},
        "[Overlay /srv]\n[Overlay /var]\nStartEmpty=/var/lib/libvirt\n"),
    "writable root": (program("dockerd"), "[Root]\nReadOnly=no\n[Overlay /srv]\n"),
    "no storage, not installed": ({}, "[Overlay /srv]\n"),
    "database starts empty": (unit("redis.service"), "[Overlay /var]\nStartEmpty=/var/lib/redis\n"),
}


@pytest.mark.parametrize("name", SILENT)
def test_it_is_not_told(name: str, rofs: Path, tmp_path: Path) -> None:
    files, conf = SILENT[name]
    (tmp_path / "etc/systemd/system").mkdir(parents=True)
    if name == "masked":
        for masked in ("docker.service", "docker.socket"):
            (tmp_path / "etc/systemd/system" / masked).symlink_to("/dev/null")
    if name == "mount unit of its own":
        wants = tmp_path / "etc/systemd/system/local-fs.target.wants"
        wants.mkdir()
        (wants / "var-lib-docker.mount").symlink_to("../var-lib-docker.mount")
    dirs = ("var/lib/docker", "var/lib/machines") if name == "empty directory" else ()
    assert [p for p in found(rofs, tmp_path, files, conf, dirs)
            if p.kind != "root-unprotected"] == []


@pytest.mark.parametrize("conf", ["[Overlay /srv]\n", "[Overlay /etc]\n[Overlay /srv]\n"])
@pytest.mark.parametrize("fstab", ["", "/dev/sda5 /var/lib/docker ext4 ro 0 2\n"])
def test_read_only_data_is_told(conf: str, fstab: str, rofs: Path, tmp_path: Path) -> None:
    problem, = found(rofs, tmp_path, {**program("dockerd"), "etc/fstab": FSTAB + fstab}, conf)
    assert (problem.kind, problem.overlay) == ("data-read-only", None)
    assert "Docker is installed and keeps its data in /var/lib/docker, which is read-only" in (
        problem.message)


def test_containers_cannot_use_an_overlay_that_starts_empty_or_is_kept(
    rofs: Path, tmp_path: Path
) -> None:
    for keys in ("StartEmpty=/var/lib/docker\n", "Partition=data\nOptions=suid,dev\n" + DATA):
        problem, = found(rofs, tmp_path, program("dockerd"), "[Overlay /var]\n" + keys)
        assert problem.kind == "container-storage"


def test_the_file_that_moves_it_is_named(rofs: Path, tmp_path: Path) -> None:
    files = {"srv/d/image": "x" * 2048, "etc/docker/daemon.json": '{"data-root": "/srv/d"}'}
    problem, = found(rofs, tmp_path, files)
    assert "Docker has its storage in /srv/d (2 KiB, as /etc/docker/daemon.json says)" in (
        problem.message)


def test_what_has_moved_is_not_looked_for_at_its_old_place(rofs: Path, tmp_path: Path) -> None:
    files = {**program("dockerd"), "etc/docker/daemon.json": '{"data-root": "/srv/d"}'}
    assert found(rofs, tmp_path, files, CONF + DATA + persist("/srv/d")) == []


def test_links_are_followed(rofs: Path, tmp_path: Path) -> None:
    (tmp_path / "var/lib").mkdir(parents=True)
    (tmp_path / "var/lib/docker").symlink_to("/srv/docker")
    problem, = found(rofs, tmp_path, program("dockerd"))
    assert (problem.overlay, problem.message[-22:]) == ("/srv", " [Persist /srv/docker]")


def test_several_clusters_are_told_apart(rofs: Path, tmp_path: Path) -> None:
    files = {**unit("postgresql.service"),
             "etc/postgresql/15/a/postgresql.conf": "data_directory = '/srv/a'\n",
             "etc/postgresql/15/b/postgresql.conf": "data_directory = '/srv/b'\n"}
    problem, = found(rofs, tmp_path, files, CONF + DATA + persist("/srv/a"))
    assert problem.message.endswith("[Persist /srv/b]")


@pytest.mark.parametrize("value", ["relative", "/proc/x", "/srv/../var", "", "/", "/rofs/x",
                                   "/" + "x" * 5000])
def test_senseless_values_are_passed_over(value: str, rofs: Path, tmp_path: Path) -> None:
    files = {**program("dockerd"), "etc/docker/daemon.json": f'{{"data-root": "{value}"}}'}
    problem, = found(rofs, tmp_path, files)
    assert problem.message.endswith("[Persist /var/lib/docker]")


def test_foreign_bytes_are_shown_escaped(rofs: Path, tmp_path: Path) -> None:
    files = {**program("dockerd"), "etc/docker/daemon.json": '{"data-root": "/srv/\\u001b[31m"}'}
    problem, = found(rofs, tmp_path, files)
    assert "/srv/\\x1b[31m" in problem.message


def test_hostile_homes(rofs: Path, tmp_path: Path) -> None:
    """A user decides what is in there: it must neither block nor hide what others have."""
    passwd = "".join(f"u{i}:x:{1000 + i}:{1000 + i}::/home/u{i}:/bin/sh\n" for i in range(4))
    files = {"etc/passwd": "\n:::\nx:x:x\n" + passwd + "a:b:c:d:e:../..:g\na:b:c:d:e:/proc:g\n",
             "home/u3/.config/systemd/user/docker.service": "",
             "home/*/.config/systemd/user/docker.service": ""}
    for i in range(3):
        (tmp_path / f"home/u{i}/.config/docker").mkdir(parents=True)
        (tmp_path / f"home/u{i}/.config/systemd/user").mkdir(parents=True)
        (tmp_path / f"home/u{i}/.config/systemd/user/docker.service").write_text("")
    os.mkfifo(tmp_path / "home/u0/.config/docker/daemon.json")
    (tmp_path / "home/u1/.config/docker/daemon.json").symlink_to("daemon.json")
    (tmp_path / "home/u2/.local/share").mkdir(parents=True)
    (tmp_path / "home/u2/.local/share/docker").symlink_to("docker")
    names = ["*", "u0", "u1", "u2", "u3"]
    assert [p.message.split("[Persist ")[1] for p in found(rofs, tmp_path, files)] == [
        f"/home/{name}/.local/share/docker]" for name in names]


# (overlay, files, of which the large ones are sparse, how the message ends)
OWN_OVERLAY = {
    "at the path": ("/var/lib/docker", program("dockerd"), (),
                    "; remove the overlay and add [Persist /var/lib/docker]"),
    "above it": ("/var/lib", program("dockerd"), (), "; add [Persist /var/lib/docker]"),
    "below what is to be kept": (
        "/var/lib/postgresql/15", {**unit("postgresql.service"),
                                   "etc/postgresql/15/main/postgresql.conf":
                                   "data_directory = '/var/lib/postgresql/15/main'\n"}, (),
        "remove the overlay and add [Persist /var/lib/postgresql]"),
    "journal": ("/var/log/journal", {}, ("var/log/journal/x/system.journal",),
                "empty /var/log/journal on the root file system, set Storage=volatile in "
                "journald.conf, or remove the overlay and add [Persist /var/log/journal]"),
    "log": ("/var/log", {}, ("var/log/daemon.log",),
            "or remove the overlay and add [Persist /var/log]"),
    "cache": ("/var/cache/man", {}, ("var/cache/man/index.db",),
              "; to avoid this, empty /var/cache/man on the root file system"),
}


@pytest.mark.parametrize("name", OWN_OVERLAY)
def test_the_cure_is_possible(name: str, rofs: Path, tmp_path: Path) -> None:
    """No persist at or above an overlay, and StartEmpty= is for directories below it."""
    overlay, files, large, end = OWN_OVERLAY[name]
    for file in large:
        (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / file).touch()
        os.truncate(tmp_path / file, 32 << 20)
    problem, = found(rofs, tmp_path, files, f"[Root]\nReadOnly=no\n[Overlay {overlay}]\n",
                     (overlay[1:],))[-1:]
    assert problem.overlay == overlay
    assert problem.message.endswith(end)

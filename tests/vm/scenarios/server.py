"""A server with the packages that people report about, from an ordinary machine to a protected one.

The first boot is that of a machine without rofs.conf: it is filled, and then configured. In the
second all services write, in the third it is asked what they find. The test module reads the
answers. Among the questions are the commands of GUIDES, in their order.
"""

from __future__ import annotations

from typing import Dict

from ..disk import MIB, Absent, Entry, File
from ..scenario import ONE, RARELY, SECTORS, SYSTEM, Scenario
from ..volume import Volume

# The pages, and what is changed in their commands: there is no registry.
GUIDES = ("docs/guides/databases.md", "docs/guides/docker.md")
CHANGES = {
    "docker pull debian:stable-slim": "docker import /run/image.tar small",
    "docker run --name kept debian:stable-slim": "docker run --name kept --network none small",
}
# Every process that stays is that of one of these.
SERVICES = ("chrony", "containerd", "cron", "dbus", "docker", "mariadb", "nfs-server",
            "NetworkManager", "nginx", "postgresql@15-main", "redis-server", "rsyslog", "ssh")
# What has to be kept, among other directories.
KEPT = ("/home", "/srv/export", "/var/lib/containerd", "/var/lib/containers/storage",
        "/var/lib/docker", "/var/lib/mysql", "/var/lib/postgresql", "/var/lib/redis")
EXPORTED = "/srv/export"
# Without its parser, AppArmor keeps Docker from starting containers. Emulated, daemons take longer
# to start than systemd waits, and podman takes a minute to find nothing to update.
ARGUMENTS = ("apparmor=0", "systemd.default_timeout_start_sec=10min",
             "systemd.mask=podman-auto-update.service", "systemd.mask=podman-auto-update.timer")
CONNECTION = """\
[connection]
id=wired
type=ethernet
interface-name=eth0
[ipv4]
method=auto
[ipv6]
method=disabled
"""
KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f test"
USER_DATA = f"""\
#cloud-config
locale: C.UTF-8
users:
  - default
  - name: admin
    ssh_authorized_keys: [{KEY}]
swap:
  filename: /swap.img
  size: 16777216
  maxsize: 16777216
"""
FILES: Dict[str, Entry] = {
    "/etc/rofs.conf": Absent(),
    "/etc/fstab": File("LABEL=root / ext4 errors=remount-ro 0 1\n"),
    "/etc/exports": File(f"{EXPORTED} 127.0.0.1(rw,no_subtree_check,no_root_squash)\n"),
    "/etc/network/interfaces": File("auto lo\niface lo inet loopback\n"),
    "/etc/NetworkManager/system-connections/wired.nmconnection": File(CONNECTION, 0o600),
    "/etc/cloud/cloud.cfg.d/90-test.cfg": File("network: {config: disabled}\n"),
    "/var/lib/cloud/seed/nocloud/user-data": File(USER_DATA),
    "/var/lib/cloud/seed/nocloud/meta-data": File("instance-id: test\n"),
    f"{EXPORTED}/old": File("on flash\n"),
}

ACTIVE = f"systemctl is-active {' '.join(SERVICES)}"

BASELINE: Dict[str, str] = {
    **SYSTEM,
    "active": ACTIVE,
    "blame": "systemd-analyze; systemd-analyze blame | head -n 20; free -m",
    "drivers": "docker info -f '{{.Driver}}'; podman info -f '{{.Store.GraphDriverName}}'",
    "cloud": "cloud-init status --wait --long; cat /home/admin/.ssh/authorized_keys; swapon --show;"
             " grep -i resize /var/log/cloud-init.log | tail -n 5",
    "network": "nmcli -t -f NAME,DEVICE connection show --active; ls /var/lib/NetworkManager",
    "databases": "mariadb -e 'CREATE DATABASE kept; CREATE TABLE kept.t (a TEXT)' &&"
                 " runuser -u postgres -- psql -q -c 'CREATE TABLE t (a TEXT)'",
    "suggest": "rofs suggest >/etc/rofs.conf\ncat /etc/rofs.conf",
    "check": "rofs check",
    # What it says is to be done: / is not checked at boot, and the data go to the disk that is
    # large enough.
    "done": "sed -i 's/ 0 1$/ 0 0/' /etc/fstab; sed -i 's/LABEL=data/LABEL=server/' /etc/rofs.conf",
    # Emulated, a disk can take longer than the partition is waited for. That quota is wanted cannot
    # be seen.
    "tune": "mkdir -p /etc/rofs.conf.d && sed -n 's/^\\[Partition .*/&\\nTimeout=5min\\n"
            "Options=noatime,usrquota/p' /etc/rofs.conf >/etc/rofs.conf.d/50-test.conf",
    "fstab": "cat /etc/fstab",
}

# A container image without a registry.
IMAGE = """
mkdir -p /run/image/bin && cp /bin/busybox /run/image/bin/sh
tar -C /run/image -cf /run/image.tar .
docker import /run/image.tar small && podman import /run/image.tar small
"""
# The tools find a file system by its first mount only, or by its device.
QUOTA_DEVICE = "/dev/disk/by-label/server"
QUOTA = f"repquota -u {QUOTA_DEVICE} | grep admin"
WRITE_QUOTA = f"""
setquota -u admin 100 200 0 0 {QUOTA_DEVICE}
mkdir {EXPORTED}/admin && chown admin {EXPORTED}/admin
runuser -u admin -- dd if=/dev/zero of={EXPORTED}/admin/big bs=1k count=400
{QUOTA}
"""
USED: Dict[str, str] = {
    **SYSTEM,
    "status": "rofs status",
    "active": ACTIVE,
    "blame": "systemd-analyze; systemd-analyze blame | head -n 20; free -m",
    "warnings": "journalctl -b -p warning -o cat --no-pager",
    "drivers": "docker info -f '{{.Driver}}'; podman info -f '{{.Store.GraphDriverName}}'",
    "cloud": "cloud-init status --wait --long; cat /home/admin/.ssh/authorized_keys; swapon --show;"
             " grep -i resize /var/log/cloud-init.log | tail -n 5",
    "network": "nmcli -t -f NAME,DEVICE connection show --active; ls /var/lib/NetworkManager",
    "mariadb": "mariadb -e \"INSERT INTO kept.t VALUES ('row')\"",
    "postgresql": "runuser -u postgres -- psql -q -c \"INSERT INTO t VALUES ('row')\"",
    "redis": "redis-cli set key value && redis-cli save",
    "image": IMAGE,
    "docker": "docker run --name kept --network none small /bin/sh -c 'echo kept >/file'",
    "podman": "podman run --name kept --network none small /bin/sh -c 'echo kept >/file'",
    "nfs": f"mount -t nfs localhost:{EXPORTED} /mnt && cat /mnt/old && echo kept >/mnt/new;"
           f" cat {EXPORTED}/new; umount /mnt",
    "nfs_overlay": "mkdir /var/tmp/export && exportfs -v -o rw,no_subtree_check"
                   " 127.0.0.1:/var/tmp/export && mount -t nfs localhost:/var/tmp/export /mnt",
    "quota": WRITE_QUOTA,
    "nginx": "exec 3<>/dev/tcp/127.0.0.1/80 && printf 'GET / HTTP/1.0\\r\\n\\r\\n' >&3 &&"
             " head -n 1 <&3 && tail -n 1 /var/log/nginx/access.log",
    "ram": "rofs diff --sort=size | head -n 20; df -h /rofs",
    "running_after": "systemctl is-system-running --wait",
    **SECTORS,
}
FOUND: Dict[str, str] = {
    **SYSTEM,
    "status": "rofs status",
    "active": ACTIVE,
    "mariadb": "mariadb -N -e 'SELECT * FROM kept.t'",
    "postgresql": "runuser -u postgres -- psql -qtA -c 'SELECT * FROM t'",
    "redis": "redis-cli get key",
    "docker": "docker cp kept:/file - | tar -xO",
    "podman": "podman cp kept:/file /run/kept && cat /run/kept",
    "nfs": f"cat {EXPORTED}/new",
    "quota": QUOTA,
    **SECTORS,
}

SCENARIOS = (
    Scenario("server", "", (BASELINE, USED, FOUND), files=FILES, packages="server",
             disks=(Volume("ext4", "server", size=2048 * MIB, arguments=("-O", "quota")),),
             words=((), (), ("cloud-init=disabled",)), memory=1536, seconds=1200, suites=ONE,
             routine=RARELY, arguments=ARGUMENTS, network=True, setup_boots=1),
)

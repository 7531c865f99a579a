"""The Debian package on a machine that is installed, protected, upgraded, and without it again.

The machine is used as README.md and the guides of GUIDES say, command by command.
"""

from __future__ import annotations

from typing import Dict

from ..deb import LABEL, make_disk
from ..disk import Absent, File
from ..guide import adapted
from ..image import CURE_PATH, INSTALLED_INITRD
from ..scenario import RARELY, SECTORS, SYSTEM, Scenario
from .upgrade import WAIT

DIRECTORY = "/usr/local/lib/test-package"
MOUNT = f"mount -o ro LABEL={LABEL} /mnt"
INSTALL = "apt-get -qy -o APT::Sandbox::User=root install"
# The pages, and what has to be changed in their commands: nobody is there to answer apt, the disk
# has another name, and so have the package and a repository without a network.
GUIDES = ("docs/guides/debian.md", "docs/guides/monitoring.md")
CHANGES = {
    "/dev/sdb1": "/dev/vdb",
    "apt install ./rofs_*_amd64.deb": f"cd /run/package && {INSTALL} ./rofs_*_amd64.deb",
    "apt install prometheus-node-exporter": "mkdir -p /var/lib/prometheus/node-exporter",
    "apt update": "apt-get -q update",
    "apt upgrade": "apt-get -qy upgrade",
    "apt purge": "apt-get -qy purge",
}
REPOSITORY = "/usr/local/share/test-packages"


def typed(*commands: str) -> str:
    """What a reader types, on this machine."""
    return "\n".join(adapted(command, CHANGES) for command in commands)


READ_ONLY = "sed -i 's/errors=remount-ro/ro/' /etc/fstab"
REMOVE = f"#!/bin/sh -e\n{READ_ONLY}\napt-get -qy purge rofs\n"
# For emulated machines.
PATIENCE = "sed -i '/^.Partition data/a Timeout=90s' /etc/rofs.conf"
ADD = """\
cat >>/etc/rofs.conf <<'END'

[Persist /var/local/data]
Partition=data
Directory=/local
END
rofs check
"""
# It takes longer than a question may.
CURE = f"""\
cat >{DIRECTORY}/cure <<'SCRIPT'
set -e
touch /run/begun
echo fastboot=y >/etc/initramfs-tools/conf.d/rofs && update-initramfs -u -k all
find /boot -name 'initrd.img-*' -newer /run/begun
SCRIPT
"""
CURED = (f"systemd-run -q --unit=test-cure -p Type=exec sh -c"
         f" 'sh {DIRECTORY}/cure >/run/said 2>&1; echo $? >/run/status'")
STATE = "dpkg-query -W -f '${Version} ${db:Status-Status}' rofs"
RO = "findmnt -rno FS-OPTIONS / | grep -o '^r[ow]'"
SETTING = "cat /etc/hostname; hostname"
# Of systemd, of udev and of mounts.
TRACES = ("ls -d /etc/rofs.conf /run/rofs* /run/motd.d/rofs /usr/bin/rofs /usr/lib/rofs"
          " 2>/dev/null;"
          " systemctl list-units --all --no-legend --plain 'rofs*'; findmnt -rno TARGET -S rofs")

INSTALLED: Dict[str, str] = {
    **SYSTEM,
    "stock": "rmdir /rofs; rm -f /etc/rofs.conf; " + TRACES,
    "partition": typed("lsblk -o NAME,SIZE,FSTYPE,LABEL,MOUNTPOINT",
                       "mkfs.ext4 -L data /dev/sdb1"),
    "packages": f"{MOUNT} && mkdir /run/package {REPOSITORY} &&"
                " cp /mnt/old.deb /run/package/rofs_1_amd64.deb &&"
                f" cp /mnt/new.deb /mnt/Packages {REPOSITORY} &&"
                f" echo 'deb [trusted=yes] file:{REPOSITORY} ./' >/etc/apt/sources.list",
    "install": typed("apt install ./rofs_*_amd64.deb"),
    "state": f"{STATE}; stat -c ' %a' /rofs",
    "untouched": "systemctl daemon-reload; udevadm trigger; udevadm settle;"
                 " grep -rl rofs /run/systemd/generator.early;"
                 " systemctl is-system-running; " + TRACES,
    # What autopkgtest does, but for the reboot, which comes when all questions are answered.
    "test_plan": "AUTOPKGTEST_TMP=$(mktemp -d) sh /mnt/tests/plan",
    "test_boot": "printf '#!/bin/sh\\necho reboot $1\\n' >/tmp/autopkgtest-reboot;"
                 " chmod +x /tmp/autopkgtest-reboot; sh /mnt/tests/boot",
    "declare": "rofs suggest >/etc/rofs.conf\ncat /etc/rofs.conf",
    "patience": PATIENCE,
    "check": ADD,
    "cure_begun": CURE + CURED,
    **{f"cure_{i}": WAIT for i in range(4)},
    "cure": "cat /run/status /run/said",
    "check_after": "rofs check",
}
PROTECTED: Dict[str, str] = {
    **SYSTEM,
    "status": "rofs status",
    "findmnt": "findmnt /var",
    "diff": "rofs diff",
    **SECTORS,
    "test_boot": f"{MOUNT}; AUTOPKGTEST_REBOOT_MARK=protected sh /mnt/tests/boot",
    "upgrade": f"{INSTALL} /mnt/new.deb; {STATE}; dpkg --audit",
    "remove": f"apt-get -qy purge rofs; {STATE}; dpkg --audit; rofs status",
    "setting": "echo kiosk >/etc/hostname\nrofs commit /etc/hostname",
    "chroot_update": typed("rofs chroot apt update"),
    "chroot": typed("rofs chroot apt upgrade"),
    "on_flash": STATE.replace("-W", "--admindir=/rofs/ro/var/lib/dpkg -W"),
    "node_exporter": typed("rofs chroot apt install prometheus-node-exporter"),
    "metrics_enabled": "rofs chroot systemctl enable rofs-metrics.timer",
}
UPGRADED: Dict[str, str] = {
    **SYSTEM,
    **SECTORS,
    "setting": SETTING,
    "state": STATE,
    "status": "rofs status",
    # It would boot into a system with nothing writable: refused, and nothing of it is kept.
    "read_only": f"rofs chroot sh {DIRECTORY}/remove",
    "kept": "cat /rofs/ro/etc/fstab; ls /rofs/ro/usr/bin/rofs",
    "metrics_timer": "systemctl status --no-pager rofs-metrics.timer",
    "metrics": "systemctl start rofs-metrics.service\n"
               "grep ^rofs_protected /var/lib/prometheus/node-exporter/rofs.prom",
    "purge": typed("rofs chroot apt purge rofs"),
    "root": RO,
    "running_after": "systemctl is-system-running",
}
ORDINARY: Dict[str, str] = {
    **SYSTEM,
    "setting": SETTING,
    "root": RO,
    "writable": "touch /usr/written /etc/written /var/written /home/written",
    "traces": TRACES,
    "fsck": "systemctl is-active systemd-fsck-root.service",
    "left": "dpkg-query -W rofs; ls /rofs; rm -r /rofs",
    # For the next boot.
    "read_only": READ_ONLY,
}
# The way back from what the package refuses to do.
READ_ONLY_BOOT: Dict[str, str] = {
    **SYSTEM,
    "setting": SETTING,
    "root": RO,
    "back": "mount -o remount,rw / && sed -i 's/ ro / rw /' /etc/fstab && cat /etc/fstab",
    "root_after": RO,
}

SCENARIOS = (
    Scenario(
        "package", "", (INSTALLED, PROTECTED, UPGRADED, ORDINARY, READ_ONLY_BOOT),
        routine=RARELY, rofs=False, disks=(make_disk,), seconds=1200, initrd=INSTALLED_INITRD,
        own_initrd=(2, 3, 4, 5),
        files={
            CURE_PATH: Absent(),
            f"{DIRECTORY}/remove": File(REMOVE),
        }),
)

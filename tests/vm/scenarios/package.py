"""The Debian package on a machine that is installed, protected, upgraded, and without it again."""

from __future__ import annotations

from typing import Dict

from ..deb import LABEL, make_disk
from ..disk import Absent, File
from ..image import CURE_PATH, INSTALLED_INITRD
from ..scenario import RARELY, SECTORS, SYSTEM, Scenario
from .upgrade import WAIT

DIRECTORY = "/usr/local/lib/test-package"
MOUNT = f"mount -o ro LABEL={LABEL} /mnt"
INSTALL = "apt-get -qy -o APT::Sandbox::User=root install"
# In `rofs chroot`.
UPGRADE = f"#!/bin/sh -e\n{MOUNT}\n{INSTALL} /mnt/new.deb\numount /mnt\n"
READ_ONLY = "sed -i 's/errors=remount-ro/ro/' /etc/fstab"
REMOVE = f"#!/bin/sh -e\n{READ_ONLY}\napt-get -qy purge rofs\n"
# What the administrator makes of it. The time limit is for emulated machines.
DECLARE = """
rofs suggest >/etc/rofs.conf
sed -i '/^.Partition data/a Timeout=90s' /etc/rofs.conf
printf '[Persist /var/local/data]\\nPartition=data\\nDirectory=/local\\n' >>/etc/rofs.conf
cat /etc/rofs.conf
"""
# The command in the comment at its start.
CURE = """\
#!/bin/sh
set -e
command=$(sed -n 's/^# *//p' /etc/rofs.conf | tr '\\n' ' ' |
    sed -n 's/.*to prevent that, run: \\([^;(]*[^;( ]\\).*/\\1/p')
echo "$command"
touch /run/begun
sh -ec "$command"
find /boot -name 'initrd.img-*' -newer /run/begun
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
    "install": f"{MOUNT} && {INSTALL} /mnt/old.deb",
    "state": f"{STATE}; stat -c ' %a' /rofs",
    "untouched": "systemctl daemon-reload; udevadm trigger; udevadm settle;"
                 " grep -rl rofs /run/systemd/generator.early;"
                 " systemctl is-system-running; " + TRACES,
    # What autopkgtest does, but for the reboot, which comes when all questions are answered.
    "test_plan": "AUTOPKGTEST_TMP=$(mktemp -d) sh /mnt/tests/plan",
    "test_boot": "printf '#!/bin/sh\\necho reboot $1\\n' >/tmp/autopkgtest-reboot;"
                 " chmod +x /tmp/autopkgtest-reboot; sh /mnt/tests/boot",
    "declare": DECLARE,
    "check": "rofs check",
    "cure_begun": CURED,
    **{f"cure_{i}": WAIT for i in range(4)},
    "cure": "cat /run/status /run/said",
    "check_after": "rofs check",
}
PROTECTED: Dict[str, str] = {
    **SYSTEM,
    **SECTORS,
    "test_boot": f"{MOUNT}; AUTOPKGTEST_REBOOT_MARK=protected sh /mnt/tests/boot",
    "upgrade": f"{INSTALL} /mnt/new.deb; {STATE}; dpkg --audit",
    "remove": f"apt-get -qy purge rofs; {STATE}; dpkg --audit; rofs status",
    "setting": "echo kept >/etc/hostname && rofs commit --yes /etc/hostname",
    "chroot": f"rofs chroot sh {DIRECTORY}/upgrade",
    "on_flash": STATE.replace("-W", "--admindir=/rofs/ro/var/lib/dpkg -W"),
    "status": "rofs status",
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
    "purge": "rofs chroot apt-get -qy purge rofs",
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
            f"{DIRECTORY}/cure": File(CURE),
            f"{DIRECTORY}/upgrade": File(UPGRADE),
            f"{DIRECTORY}/remove": File(REMOVE),
        }),
)

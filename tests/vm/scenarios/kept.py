"""Overlays whose changes are kept on a partition; partitions that are formatted and grown.

The test module reads the answers.
"""

from __future__ import annotations

from pathlib import Path
from typing import Dict

from ..disk import MIB, Entry, File, mke2fs
from ..probe import UNITS
from ..scenario import ENDS, ONE, SECTORS, SYSTEM, Scenario
from .runtime import SKIPPED
from ..volume import Volume

KEPT_CONF = """\
[Partition data]
Device=LABEL=data
[Overlay /etc]
Partition=data
[Overlay /home]
Partition=data
Directory=/homes
[Overlay /var]
[Partition blank]
Device=/dev/vdc
Type=ext4
Format=yes
Timeout=90s
[Persist /var/local/blank]
Partition=blank
[Partition small]
Device=LABEL=small
Grow=yes
Timeout=90s
[Persist /var/local/small]
Partition=small
[Partition foreign]
Device=/dev/vde
Type=ext4
Format=yes
Timeout=90s
[Persist /var/local/foreign]
Partition=foreign
"""
KEPT_FILES: Dict[str, Entry] = {"/etc/to-delete": File("on flash\n")}

FOREIGN = b"neither a file system nor nothing\n"


def small(image: Path, suite: str) -> None:
    """A file system of half the drive."""
    mke2fs(image, 16 * MIB, "small")
    with image.open("r+b") as f:
        f.truncate(32 * MIB)


def foreign(image: Path, suite: str) -> None:
    """A drive with data of a program of its own."""
    with image.open("wb") as f:
        f.truncate(16 * MIB)
        f.seek(4096)
        f.write(FOREIGN)


IDENTITY = {
    "id": "cat /etc/machine-id /run/machine-id; busctl call org.freedesktop.systemd1"
          " /org/freedesktop/systemd1 org.freedesktop.DBus.Peer GetMachineId |"
          " tr -d '\"' | cut -d' ' -f2",
    "id_mount": "findmnt -n /etc/machine-id",
    "id_lower": "stat -c %s /rofs/ro/etc/machine-id",
    "journal": "journalctl -b --no-pager -o cat | wc -l; ls /var/log/journal",
}
STATES = ("systemctl list-units --all --plain --no-legend --no-pager 'rofs-*' etc.mount home.mount"
          " var.mount")

KEPT_FIRST: Dict[str, str] = {
    **SYSTEM,
    **IDENTITY,
    "states": STATES,
    "skipped": SKIPPED,
    "change": (
        "echo changed >/etc/hostname; rm /etc/to-delete; mkdir /etc/new; echo x >/etc/new/file;"
        " echo changed >/home/user/notes; chmod 0711 /home/user; echo lost >/var/lib/rofs-lower;"
        " useradd -m tester; sync"
    ),
    "options": "findmnt -n -o FS-OPTIONS /etc",
    "flags": "findmnt -n -o OPTIONS /etc",
    "formatted": "echo kept >/var/local/blank/file; findmnt -n -o FSTYPE,SOURCE"
                 " --mountpoint /var/local/blank; journalctl -b -o cat --no-pager"
                 " -u rofs-format-blank.service",
    "grown": "findmnt -n -b -o SIZE --mountpoint /var/local/small",
    "foreign": "dd if=/dev/vde bs=4096 skip=1 count=1 status=none | tr -d '\\0';"
               " journalctl -b -o cat --no-pager -u rofs-format-foreign.service;"
               " touch /var/local/foreign/new",
    "tree": "cd /rofs/persist/data; ls -d overlay/etc/* homes/*",
    **SECTORS,
}
KEPT_SECOND: Dict[str, str] = {
    **SYSTEM,
    **IDENTITY,
    "states": STATES,
    "skipped": SKIPPED,
    "kept": "cat /etc/hostname /etc/new/file /home/user/notes; stat -c %a /home/user;"
            " id -un tester; ls -d /home/tester; ls /etc/to-delete",
    "formatted": "cat /var/local/blank/file; journalctl -b -o cat --no-pager"
                 " -u rofs-format-blank.service",
    "forgotten": "cat /var/lib/rofs-lower",
    **SECTORS,
}

INSTEAD_CONF = """\
[Partition gone]
Device=LABEL=gone
Timeout=5s
[Overlay /etc]
Partition=gone
IfMissing=volatile
[Overlay /var]
Partition=gone
IfMissing=volatile
[Overlay /home]
Partition=gone
[Overlay /srv]
Partition=gone
[Partition there]
Device=LABEL=there
Timeout=25s
[Persist /var/local/there]
Partition=there
"""
# A machine on which udev gets to the devices that were there from the start after their timeout.
SLOW = "[Service]\nExecStartPre=/bin/sleep 30\n"
INSTEAD_FILES: Dict[str, Entry] = {
    f"{UNITS}/systemd-udev-trigger.service.d/slow.conf": File(SLOW),
    "/etc/fstab": File("LABEL=root / ext4 defaults 0 1\nsrv /srv tmpfs size=1M 0 0\n"),
}
# The partition appears: a label is all that it lacked.
LATE = """
e2label /dev/vdc gone; udevadm settle
for i in $(seq 300); do
    systemctl is-active --quiet home.mount && ! systemctl list-jobs | grep -q rofs-verify && break
    sleep 0.2
done
touch /home/new && ls /rofs/persist/gone/overlay/home/upper
cat /home/user/notes
findmnt -n -o SOURCE,FSTYPE --mountpoint /srv
touch /var/later && ls /rofs/rw/var/upper/new /rofs/rw/var/upper/later
systemctl is-active home.mount srv.mount var.mount etc.mount
echo "== verdict"; journalctl -b -o cat --no-pager \\
    _SYSTEMD_INVOCATION_ID="$(systemctl show -p InvocationID --value rofs-verify.service)"
"""
INSTEAD: Dict[str, str] = {
    **SYSTEM,
    **IDENTITY,
    "states": STATES,
    "skipped": SKIPPED,
    "volatile": "touch /etc/new /var/new && ls /rofs/rw/etc/upper/new /rofs/rw/var/upper/new",
    "plain": "LC_ALL=C touch /home/new; cat /home/user/notes",
    "lower": "LC_ALL=C touch /srv/new; findmnt -n -o SOURCE,FSTYPE,OPTIONS --mountpoint /srv",
    "state": "cat /var/lib/test/file",
    "reload": "systemctl daemon-reload; systemctl is-active var.mount etc.mount",
    "there": "findmnt -n -o FSTYPE --mountpoint /var/local/there; journalctl -b -o cat --no-pager |"
             " grep 'Timed out waiting for device'",
    "late": LATE,
    **SECTORS,
}

SCENARIOS = (
    Scenario("kept", KEPT_CONF, (KEPT_FIRST, KEPT_SECOND), files=KEPT_FILES,
             disks=(Volume("", size=32 * MIB), small, foreign), suites=ENDS),
    Scenario("instead", INSTEAD_CONF, (INSTEAD,), files=INSTEAD_FILES,
             disks=(Volume("ext4", "early", size=32 * MIB), Volume("ext4", "there", size=16 * MIB)),
             suites=ENDS, routine=ONE),
)

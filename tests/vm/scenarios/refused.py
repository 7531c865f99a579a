"""Lowers that the kernel refuses, a pool that cannot be mounted and preparations that hang.

All beside overlays that are taken.
"""

from __future__ import annotations

from typing import Dict

from ..disk import Entry, File
from ..probe import UNITS
from ..scenario import MINIMAL_CONF, ONE, SECTORS, SYSTEM, Scenario
from ..volume import Volume

FSTAB = """\
LABEL=root / ext4 defaults 0 1
LABEL=SRV /srv auto defaults 0 0
LABEL=fold /mnt ext4 defaults 0 2
"""

CONF = MINIMAL_CONF + """\
[Overlay /srv]
[Overlay /mnt]
[Overlay /opt]
Size=4M
[Partition slow]
Device=LABEL=slow
Timeout=90s
[Persist /var/local/slow]
Partition=slow
Directory=/kept
"""

# Programs of ours that never end, and give up sooner than they would.
HANGS = """\
[Service]
TimeoutStartSec=3s
ExecStart=
ExecStart=/bin/sleep infinity
"""
FAILS = "[Mount]\nOptions=size=nonsense\n"
# What comes after it could mount the pool, too.
CANNOT_MOUNT = "[Service]\nSystemCallFilter=~mount\n"
FILES: Dict[str, Entry] = {
    "/etc/fstab": File(FSTAB),
    "/opt/file": File("on flash\n"),
    f"{UNITS}/rofs-prepare.service.d/hang.conf": File(HANGS),
    f"{UNITS}/rofs-prepare-persist-slow.service.d/hang.conf": File(HANGS),
    f"{UNITS}/rofs-prepare-retry.service.d/mount.conf": File(CANNOT_MOUNT),
    f"{UNITS}/rofs-rw-opt.mount.d/fail.conf": File(FAILS),
}

REFUSED: Dict[str, str] = {
    **SYSTEM,
    "said": "journalctl -b -u 'rofs-prepare-*' -p err -o cat --no-pager",
    "kernel": "journalctl -b -k -g overlay -o cat --no-pager",
    "srv": "systemctl show -p ActiveState -p Result rofs-overlay-srv.mount;"
           " systemctl status --no-pager rofs-overlay-srv.mount",
    "mnt": "systemctl show -p ActiveState -p Result rofs-overlay-mnt.mount; findmnt -n -o FSTYPE"
           " /mnt",
    "lower": "cat /rofs/ro/srv/file /srv/file",
    "writable": "touch /etc/new /var/new /home/new /tmp/new /var/local/data/new",
    "readonly": "touch /srv/new /new",
    "opt": "systemctl show -p ActiveState --value rofs-overlay-opt.mount opt.mount; cat /opt/file;"
           " touch /opt/new; findmnt -n -o FSTYPE --mountpoint /rofs/rw/opt; ls /rofs/rw/opt",
    "results": "systemctl show -p Result --value rofs-prepare rofs-prepare-persist-slow"
               " rofs-prepare-retry",
    "status": "rofs status --json",
    "motd": "cat /run/motd.d/*",
    **SECTORS,
}

SCENARIOS = (
    Scenario("refused", CONF, (REFUSED,), routine=ONE, files=FILES, disks=(
        Volume("vfat", "SRV", files={"/file": File("on flash\n")}),
        # Capable of it: no directory is case-insensitive.
        Volume("ext4", "fold", arguments=("-O", "casefold", "-E", "encoding=utf8")),
        Volume("ext4", "slow"),
    )),
)

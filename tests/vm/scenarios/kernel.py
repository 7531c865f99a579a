"""A kernel that lacks overlayfs."""

from __future__ import annotations

from typing import Dict

from ..disk import Entry, File
from ..scenario import MINIMAL_CONF, ONE, SECTORS, SYSTEM, Scenario
from .command import verdict

NO_OVERLAYFS: Dict[str, str] = {
    **SYSTEM,
    "known": "modprobe overlay; grep overlay /proc/filesystems",
    "said": "journalctl -b -o cat --no-pager -p err -t rofs-prepare",
    "status": "systemctl status --no-pager 'rofs-*.mount'",
    **verdict("rofs"),
    "check": "rofs check",
    "diff": "rofs diff",
    "again": "/usr/lib/rofs/rofs-prepare ram; echo $?;"
             " findmnt -n --list -o TARGET | grep -E '^/(var|home)$' | sort",
    "reached": "systemctl show -p ActiveEnterTimestampMonotonic --value multi-user.target",
    "root": "findmnt -n -o OPTIONS /",
    "writable": "for f in /new /usr/new /etc/new /var/new /home/new /tmp/new /var/local/data/new;"
                " do touch $f 2>/dev/null && echo $f; done",
    "persist": "findmnt -n -o SOURCE /var/local/data | tail -n 1",
    "alive": "cat /etc/machine-id; systemctl is-active dbus cron systemd-journald;"
             " journalctl -b -o cat --no-pager | wc -l",
    **SECTORS,
}
FILES: Dict[str, Entry] = {
    "/etc/modprobe.d/no-overlayfs.conf": File("install overlay /bin/false\n"),
}

SCENARIOS = (
    Scenario("no-overlayfs", MINIMAL_CONF, (NO_OVERLAYFS,), files=FILES,
             routine=ONE),
)

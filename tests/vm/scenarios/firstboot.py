"""An image as it is cloned to many machines: no machine id yet, and a /usr newer than the rest."""

from __future__ import annotations

from typing import Dict

from ..disk import Absent, File
from ..scenario import MINIMAL_CONF, SECTORS, SYSTEM, Scenario

# What ConditionNeedsUpdate= makes run after a change of /usr.
NEEDS_UPDATE = ("ldconfig", "systemd-hwdb-update", "systemd-journal-catalog-update",
                "systemd-sysusers", "systemd-update-done")

FIRST_BOOT: Dict[str, str] = {
    **SYSTEM,
    "needs_update": "\n".join(
        "systemctl show --no-pager -p Id -p LoadState -p ConditionResult -p ActiveState"
        f" {unit}.service; echo" for unit in NEEDS_UPDATE),
    "first_boot_units": (
        "cd /usr/lib/systemd/system; grep -ls ConditionFirstBoot=yes *.service *.target |"
        " xargs -r systemctl show --no-pager -p Id -p ConditionResult -p ActiveState"),
    "machine_id": (
        "cat /etc/machine-id; cat /run/machine-id;"
        " busctl call org.freedesktop.systemd1 /org/freedesktop/systemd1"
        " org.freedesktop.DBus.Peer GetMachineId | tr -d '\"' | cut -d' ' -f2"),
    "lower": "cat /rofs/ro/etc/machine-id",
    "journal_files": "ls /var/log/journal",
    "journal": "journalctl -b --no-pager -o cat | wc -l",
    "errors": "journalctl -b -o cat --no-pager -p err",
    "first_boot_words": "journalctl -b -o cat --no-pager |"
                        " grep -iE 'first boot|preset|machine.id|uninitialized'",
    "upper": "cd /rofs/rw/etc/upper; find . | sort",
    **SECTORS,
}

SCENARIOS = (
    Scenario("firstboot", MINIMAL_CONF, (FIRST_BOOT,),
             files={"/etc/machine-id": File("uninitialized\n"), "/etc/.updated": Absent(),
                    "/var/.updated": Absent()}),
)

"""What the initramfs writes before rofs can act, and the cure; and initramfses with systemd."""

from __future__ import annotations

from typing import Dict

from ..disk import Absent, Entry, File
from ..image import (
    CURE_PATH,
    DRACUT_CURE_PATH,
    DRACUT_INITRD,
    DRACUT_INSTALLED_INITRD,
    DRACUT_SUITES,
    INSTALLED_INITRD,
)
from ..scenario import (
    ENDS,
    MINIMAL_CONF,
    NEWEST,
    ONE,
    RARELY,
    SECTORS,
    SYSTEM,
    Scenario,
)
from ..volume import Volume
from .recovery import RECOVERY

COMMON: Dict[str, str] = {
    **SYSTEM,
    "status": "rofs status",
    "status_json": "rofs status --json",
    "check_json": "rofs check --json",
    "trace": "ls /run/initramfs",
}
INSTALLED: Dict[str, str] = {**COMMON, **SECTORS}

# The package of dracut has this file. That of initramfs-tools, which it excludes, is there too.
DRACUT_FILES: Dict[str, Entry] = {
    "/etc/kernel/postinst.d/dracut": File("#!/bin/sh\n", 0o755),
}
DRACUT: Dict[str, str] = {
    **COMMON,
    "initrd": "systemctl show -P InitRDTimestampMonotonic; journalctl -b -o cat --no-pager"
              " -u initrd-switch-root.service | head -n 3",
    "machine_id": (
        "cat /etc/machine-id; cat /run/machine-id;"
        " busctl call org.freedesktop.systemd1 /org/freedesktop/systemd1"
        " org.freedesktop.DBus.Peer GetMachineId | tr -d '\"' | cut -d' ' -f2"
    ),
    "journal": "for kind in '' -k; do journalctl -b $kind --no-pager -o cat | wc -l; done",
    "said": "journalctl -b -t rofs-generator -o cat --no-pager",
    "root": "findmnt -n -o OPTIONS,FS-OPTIONS /",
    "usr": "findmnt -n -o SOURCE,OPTIONS,FS-OPTIONS /usr; touch /usr/new",
    "writable": "touch /etc/new /var/new /home/new /var/local/data/new; touch /new",
    "early_before": "cd /run/systemd/generator.early; find . | sort",
    "reload": "systemctl daemon-reload",
    "early_after": "cd /run/systemd/generator.early; find . | sort",
    "running_after": "systemctl is-system-running --wait",
    "sectors": "sync; for d in vda vdc; do awk '{print $7}' /sys/block/$d/stat; done",
}
USR_FSTAB = """\
LABEL=root / ext4 rw,errors=remount-ro 0 1
LABEL=usr /usr ext4 {} 0 2
"""
USR = (Volume("ext4", label="usr", part="usr"),)
DRACUT_RESCUE = "systemd.unit=rescue.target"
# In the initramfs they count with "rd." before them only.
DRACUT_WORDS = ((), (DRACUT_RESCUE,))

SCENARIOS = (
    Scenario("installed", MINIMAL_CONF, (INSTALLED, INSTALLED), initrd=INSTALLED_INITRD,
             files={CURE_PATH: Absent()}, words=[(), ("fsck.mode=skip",)],
             suites=ENDS, routine=ONE),
    Scenario("torn-root", MINIMAL_CONF, ({}, {}), initrd=INSTALLED_INITRD, torn_root=True,
             words=[(), ("fsck.mode=skip",)], suites=ONE, routine=RARELY),
    Scenario("dracut", MINIMAL_CONF, (DRACUT, RECOVERY), initrd=DRACUT_INITRD,
             files=DRACUT_FILES, words=DRACUT_WORDS,
             suites=DRACUT_SUITES),
    Scenario("dracut-usr", MINIMAL_CONF, (DRACUT,), initrd=DRACUT_INITRD, root_flag="rw",
             files={**DRACUT_FILES, "/etc/fstab": File(USR_FSTAB.format("defaults"))},
             disks=USR, suites=DRACUT_SUITES, routine=NEWEST),
    Scenario("dracut-installed", MINIMAL_CONF, (DRACUT,), initrd=DRACUT_INSTALLED_INITRD,
             files={**DRACUT_FILES, DRACUT_CURE_PATH: Absent()},
             suites=DRACUT_SUITES, routine=RARELY),
)

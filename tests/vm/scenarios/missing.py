"""Partitions that are not there, are not what they should be, come late or are pulled.

The test module reads the answers.
"""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Dict

from ..disk import DEBUGFS, MIB, Entry, File, Link, mke2fs
from ..probe import DIRECTORY as PROBE_DIRECTORY
from ..probe import UNITS
from ..scenario import ENDS, MINIMAL_CONF, NEWEST, SECTORS, SYSTEM, Scenario
from .runtime import SKIPPED
from ..volume import Volume

# The path of each persist by the name that the sections have.
GUARDED = {
    "gone": "/var/local/gone",  # the device is not there
    "plain": "/mnt",  # the same, on a mount point of the root itself
    "below": "/var/spool/below it",  # the same, below a mount of fstab
    "wrong": "/var/local/wrong",  # something else than a file system
    "broken": "/var/local/broken",  # a file system that fsck cannot repair
    "late": "/var/local/late",  # a device that comes after the timeout
}
VOLATILE = "/var/local/ram"

MISSING_CONF = MINIMAL_CONF + """\
[Partition gone]
Device=LABEL=gone
Timeout=8s
[Persist /var/local/gone]
Partition=gone
Directory=/gone
[Persist /mnt]
Partition=gone
Directory=/plain
[Persist /var/spool/below it]
Partition=gone
Directory=/below
[Persist /var/local/ram]
Partition=gone
Directory=/ram
IfMissing=volatile
[Persist /var/local/serial]
Partition=gone
Directory=/serial
Kind=file
[Partition wrong]
Device=/dev/vdc
Type=ext4
Timeout=90s
[Persist /var/local/wrong]
Partition=wrong
[Partition broken]
Device=/dev/vdd
Timeout=90s
[Persist /var/local/broken]
Partition=broken
[Partition late]
Device=LABEL=late
Timeout=8s
[Persist /var/local/late]
Partition=late
Directory=/some/where
[Persist /var/local/late.file]
Partition=late
Directory=/late.file
Kind=file
"""

# Writes to a path from before the overlay until it is stopped: nothing of it may end in RAM.
EARLY_UNIT = """\
[Unit]
DefaultDependencies=no
[Service]
ExecStart=/bin/sh -c 'while :; do touch /var/local/gone/early && exit 0; sleep 0.1; done'
StandardError=null
"""
AFTER_UNIT = """\
[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/bin/touch /var/local/gone/after
"""
NEEDS_UNIT = """\
[Unit]
RequiresMountsFor=/var/local/gone/deeper
[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/bin/touch /var/local/gone/needs
"""
FILES: Dict[str, Entry] = {
    "/etc/fstab": File("LABEL=root / ext4 defaults 0 1\ntmpfs /var/spool tmpfs defaults 0 0\n"),
    "/var/local/gone/old": File("on flash\n"),
    "/var/local/ram/old": File("on flash\n"),
    "/var/local/serial": File("on flash\n"),
    "/mnt/old": File("on flash\n"),
    f"{UNITS}/test-early.service": File(EARLY_UNIT),
    f"{UNITS}/local-fs.target.wants/test-early.service": Link("../test-early.service"),
    f"{UNITS}/test-after.service": File(AFTER_UNIT),
    f"{UNITS}/multi-user.target.wants/test-after.service": Link("../test-after.service"),
    f"{UNITS}/test-needs.service": File(NEEDS_UNIT),
    f"{UNITS}/multi-user.target.wants/test-needs.service": Link("../test-needs.service"),
}


def broken(image: Path, suite: str) -> None:
    """A file system that fsck does not repair unasked."""
    mke2fs(image, 16 * MIB, "broken")
    for command in ("clri <2>", "set_super_value state 2"):
        subprocess.run([DEBUGFS, "-w", "-R", command, str(image)], check=True,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def look(path: str) -> str:
    """Asks what an application sees at a path, and what it is told when it writes."""
    return f"""
cd '{path}' || exit 9
export LC_ALL=C
touch new 2>&1; mkdir dir 2>&1; echo text 2>&1 >file; cat nothing 2>&1
echo "== content"; ls -A
echo "== mounts"; findmnt -n -o FSTYPE,OPTIONS --mountpoint '{path}'
"""


# The same for a single file.
LOOK_AT_FILE = """
export LC_ALL=C
cd /var/local; touch /var/new
echo text 2>&1 >>serial; mv -f /var/new serial 2>&1; rm -f serial 2>&1; cat serial
findmnt -n --mountpoint /var/local/serial
"""
# A label is all that the device lacked. Nobody starts anything.
LATE = """
export LC_ALL=C
verdict() { systemctl show -p InvocationID --value rofs-verify.service; }
is_active() { systemctl is-active --quiet "$1"; }
before=$(verdict)
echo text 2>&1 >>/var/local/late.file
e2label /dev/vde late; udevadm settle
for i in $(seq 300); do
    is_active var-local-late.mount && is_active var-local-late.file.mount &&
        [ "$(verdict)" != "$before" ] && ! systemctl list-jobs | grep -q rofs-verify && break
    sleep 0.2
done
cd /var/local; systemctl is-active var-local-late.mount var-local-late.file.mount
echo kept >late/file && cat /rofs/persist/late/some/where/file
echo kept >late.file && cat /rofs/persist/late/late.file
mv -f /var/new late.file 2>&1; findmnt -n -o FSTYPE --mountpoint /var/local/late
echo "== verdict"; journalctl -b -o cat --no-pager _SYSTEMD_INVOCATION_ID="$before"
echo "== later"; journalctl -b -o cat --no-pager _SYSTEMD_INVOCATION_ID="$(verdict)"
"""
# What somebody has stopped is not started again by an event of the device.
STOP = """
systemctl stop var-local-late.mount
udevadm trigger --settle --action=change --name-match=/dev/vde; sleep 2
systemctl is-active var-local-late.mount
"""
PULL = """
device=$(readlink -f /dev/disk/by-label/data)
echo before >/var/local/data/file; sync
echo 1 >"$(readlink -f /sys/block/${device##*/}/device/..)/remove"
for i in $(seq 100); do
    findmnt -n --mountpoint /var/local/data -o FSTYPE | grep -qv autofs || break
    sleep 0.2
done
"""
# The same with a program that has a file open and goes on writing to it.
PULL_BUSY = """
device=$(readlink -f /dev/disk/by-label/data)
(exec 5>>/var/local/data/busy; for i in $(seq 50); do
    echo line >&5 && sync /proc/self/fd/5 || echo "not written"; sleep 0.2
done >/run/busy.log 2>&1) &
sleep 1
echo 1 >"$(readlink -f /sys/block/${device##*/}/device/..)/remove"
sleep 5
"""
REPLUG = """
echo 1 >/sys/bus/pci/rescan
udevadm settle
for i in $(seq 300); do systemctl is-active --quiet var-local-data.mount && break; sleep 0.2; done
cat /var/local/data/file
echo after >/var/local/data/file && cat /var/local/data/file
findmnt -n -o FSTYPE,SOURCE --mountpoint /var/local/data
"""

MISSING: Dict[str, str] = {
    **SYSTEM,
    **{name: look(path) for name, path in GUARDED.items()},
    "file": LOOK_AT_FILE,
    "ram": look(VOLATILE),
    "pool": "find /rofs/rw/var/upper/local | sort",
    "services": "systemctl is-active test-early test-after test-needs",
    "states": (
        "systemctl list-units --all --plain --no-legend --no-pager 'rofs-persist*' 'var-*'"
        " mnt.mount 'systemd-fsck@dev-vd*'"
    ),
    "said": "journalctl -b -o cat --no-pager | grep 'Dependency failed for.*persistent, bound'",
    "skipped": SKIPPED,
    "appear": LATE,
    "diff": "rofs diff /var",
    "stop": STOP,
    "stopped": look("/var/local/late"),
    "again": "systemctl start var-local-late.mount && cat /var/local/late/file",
    "reload": "systemctl daemon-reload; systemctl is-active var-local-gone.mount mnt.mount",
    "reloaded": look("/var/local/gone"),
    **SECTORS,
    "pull": PULL,
    "pulled": look("/var/local/data"),
    "pulled_state": "systemctl is-active var-local-data.mount rofs-persist-data.mount",
    "replug": REPLUG,
    "pull_busy": PULL_BUSY,
    "busy": look("/var/local/data"),
    "busy_said": "sort -u /run/busy.log",
}

EMERGENCY_CONF = """\
[Overlay /var]
[Overlay /etc]
[Partition gone]
Device=LABEL=gone
Timeout=5s
[Persist /var/local/gone]
Partition=gone
IfMissing=emergency
"""
# The probe in place of the shell on the console, whose password nobody knows.
EMERGENCY_UNIT = f"""\
[Unit]
DefaultDependencies=no
Conflicts=shutdown.target
Before=shutdown.target
[Service]
ExecStart={PROBE_DIRECTORY}/run
"""
EMERGENCY: Dict[str, str] = {
    "targets": "systemctl is-active emergency.target local-fs.target multi-user.target",
    "gone": look("/var/local/gone"),
}

SCENARIOS = (
    Scenario("emergency", EMERGENCY_CONF, (EMERGENCY,),
             files={f"{UNITS}/emergency.service": File(EMERGENCY_UNIT)}, suites=ENDS,
             routine=NEWEST),
    # The last gets the label "late" when the machine runs.
    Scenario("missing", MISSING_CONF, (MISSING,), files=FILES,
             disks=(Volume("swap", size=16 * MIB), broken,
                    Volume("ext4", "early", size=16 * MIB)), suites=ENDS),
)

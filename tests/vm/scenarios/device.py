"""Device=read-only: the block device of / is read-only but for the time of a transaction.

At first nothing else is on its disk, then a partition of rofs.conf is. The test module reads the
answers.
"""

from __future__ import annotations

from typing import Dict

from ..scenario import MINIMAL_CONF, ONE, SYSTEM, Scenario
from ..volume import Partition, Volume

CONF = "[Root]\nDevice=read-only\n" + MINIMAL_CONF
MORE = """\
[Partition more]
Device=PARTLABEL=more
Timeout=90s
[Persist /srv]
Partition=more
"""

FLAGS = ("for d in vda1 vda vda2 vdb; do echo $d $(cat /sys/class/block/$d/ro); done;"
         " findmnt -n -o FS-OPTIONS --mountpoint /rofs/ro | cut -d, -f1")
# With what is there already, for the case that it is written.
OVERWRITE = """
for d in $DEVICES; do
    dd if=/dev/$d of=/run/block bs=4096 count=1 skip=300 iflag=direct 2>/dev/null || echo no copy
    dd if=/run/block of=/dev/$d bs=4096 count=1 seek=300 oflag=direct conv=notrunc 2>/dev/null
    echo "$d $?"
done
"""
REMOUNT = ("mount -o remount,rw / 2>&1 | tail -n 2; touch /new 2>/dev/null; echo $?;"
           " findmnt -n -o OPTIONS /")
COMMIT = "echo {0} >/etc/kept; rofs commit --yes /etc/kept; echo $?; cat /rofs/ro/etc/kept"
# A window that stays open until the command is killed; what is said then, and afterwards.
KILL = f"""
rofs chroot sleep 600 >/dev/null 2>&1 &
for i in $(seq 300); do
    findmnt -n -o FS-OPTIONS --mountpoint /rofs/ro | grep -q '^rw' && break
    sleep 0.1
done
{FLAGS}
rofs status | head -n 3
KILLER
for i in $(seq 300); do
    test "$(cat /sys/class/block/vda1/ro)" = 1 && break
    sleep 0.1
done
echo again
{FLAGS}
rofs status | head -n 1
"""
KILL_COMMAND = "kill -9 $!; wait $! 2>/dev/null"
KILL_ALL = """
guard=$(pgrep -x rofs-guard)
kill -9 $guard $!; wait $! 2>/dev/null
cat /sys/class/block/vda1/ro
systemctl start rofs-watch.service
"""
# The partition is read-only as long as its disk is.
BY_HAND = """
blockdev --setrw /dev/vda /dev/vda1
rofs status | head -n 1
systemctl restart rofs-device.service
rofs status | head -n 1
"""

FIRST: Dict[str, str] = {
    **SYSTEM,
    "unit": "systemctl show -p ActiveState -p Before rofs-device.service;"
            " journalctl -b -o cat -u rofs-device.service",
    "flags": FLAGS,
    "status": "rofs status",
    "json": "rofs status --json",
    "nobody": "runuser -u nobody -- rofs status --output=PATH,KIND,STATE --raw --noheadings",
    "check": "rofs check",
    "overwrite": OVERWRITE.replace("$DEVICES", "vda1 vda vda2"),
    "remount": REMOUNT,
    "commit": COMMIT.format("committed"),
    "flags_after": FLAGS,
    "killed": KILL.replace("KILLER", KILL_COMMAND),
    "killed_all": KILL.replace("KILLER", KILL_ALL),
    "by_hand": BY_HAND,
    "edit": f"cat >>/etc/rofs.conf <<'END'\n{MORE}END\nrofs commit --yes /etc/rofs.conf; echo $?",
    "flags_last": FLAGS,
    "status_last": "rofs status",
}
SECOND: Dict[str, str] = {
    **SYSTEM,
    "content": "cat /etc/kept /rofs/ro/etc/kept",
    "unit": "journalctl -b -o cat -u rofs-device.service",
    "flags": FLAGS,
    "status": "rofs status",
    "json": "rofs status --json",
    "check": "rofs check",
    "persist": "echo kept >/srv/file && sync && findmnt -n -o SOURCE --mountpoint /srv",
    "overwrite": OVERWRITE.replace("$DEVICES", "vda1"),
    "remount": REMOUNT,
    "commit": COMMIT.format("again"),
    "flags_after": FLAGS,
    "killed": KILL.replace("KILLER", KILL_COMMAND),
    "undo": "rofs undo --yes; echo $?; cat /rofs/ro/etc/kept",
    "flags_last": FLAGS,
}

SCENARIOS = (
    Scenario("device", CONF, (FIRST, SECOND), suites=ONE,
             partitions=(Partition("linux", "more", Volume("ext4")),)),
)

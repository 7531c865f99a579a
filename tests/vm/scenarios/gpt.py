"""A disk with Discoverable Partitions, nothing in fstab, and partitions named by the GPT.

systemd-gpt-auto-generator then makes / writable, mounts /home and activates swap by itself.
"""

from __future__ import annotations

from typing import Dict

from ..disk import Absent, Entry, File, NoDirectory
from ..probe import UNITS
from ..scenario import EXTREMES, MINIMAL_CONF, SECTORS, SYSTEM, Scenario
from ..volume import Partition, Volume

PART_UUID = "aaaaaaaa-0000-4000-8000-000000000002"
CONF = MINIMAL_CONF + f"""\
[Partition by-uuid]
Device=PARTUUID={PART_UUID}
Timeout=90s
[Partition by-label]
Device=PARTLABEL=keep
Timeout=90s
[Persist /srv/by-uuid]
Partition=by-uuid
[Persist /srv/by-label]
Partition=by-label
"""

ZRAM_UNIT = """\
[Swap]
What=/dev/zram0
"""
FILES: Dict[str, Entry] = {
    "/etc/fstab": File("# systemd finds everything\n"),
    # systemd-gpt-auto-generator leaves directories alone that are not empty.
    "/home/user/notes": Absent(),
    "/home/user": NoDirectory(),
    "/srv/by-uuid/lower": File(""),
    "/srv/by-label/lower": File(""),
    f"{UNITS}/dev-zram0.swap": File(ZRAM_UNIT),
}

GPT: Dict[str, str] = {
    **SYSTEM,
    "late": "cd /run/systemd/generator.late; find . -type f -o -type l | sort; cat home.mount;"
            " cat systemd-remount-fs.service.d/*",
    "root": "findmnt -n -o OPTIONS,FS-OPTIONS /",
    "readonly": "touch /new",
    "writable": "touch /etc/new /var/new /home/new",
    "home": "systemctl show -p FragmentPath -p ActiveState home.mount; findmnt -n -o FSTYPE /home",
    "said": "journalctl -b -u rofs-prepare.service -p err -o cat --no-pager",
    "swaps": "cat /proc/swaps; systemctl list-units --all --type=swap --plain --no-legend"
             " --no-pager",
    "persists": "for p in /srv/by-uuid /srv/by-label; do touch $p/file;"
                " findmnt -n -o SOURCE $p | tail -n 1; done",
    "zram": "modprobe zram && echo 32M >/sys/block/zram0/disksize && mkswap /dev/zram0 >/dev/null"
            " && systemctl start dev-zram0.swap; cat /proc/swaps",
    "reload": "systemctl daemon-reload; systemctl is-active swap.target; cat /proc/swaps",
    **SECTORS,
}

SCENARIOS = (
    Scenario("gpt-auto", CONF, (GPT,), files=FILES, root_flag="", routine=EXTREMES, partitions=(
        Partition("home", "home", Volume("ext4", "home", files={"/theirs": File("on flash\n")})),
        Partition("swap", "swap", Volume("swap")),
    ), disks=((
        Partition("linux", "first", Volume("ext4"), PART_UUID),
        Partition("linux", "keep", Volume("ext4")),
    ),)),
)

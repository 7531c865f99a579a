"""A partition whose superblock a power cut has torn, which fsck would not repair by itself."""

from __future__ import annotations

from pathlib import Path
from typing import Dict

from ..disk import MIB, mke2fs, tear_superblock, write_with_journal
from ..scenario import MINIMAL_CONF, SECTORS, SYSTEM, Scenario

CONF = MINIMAL_CONF + """\
[Partition torn]
Device=LABEL=torn
Timeout=90s
[Persist /var/local/torn]
Partition=torn
"""


def torn(image: Path, suite: str) -> None:
    """With more than one group of blocks, and a journal that is still to be replayed."""
    mke2fs(image, 192 * MIB, "torn")
    write_with_journal(image, "file", "old contents\n", "new contents\n")
    tear_superblock(image)


QUESTIONS: Dict[str, str] = {
    **SYSTEM,
    "content": "findmnt -n -o FSTYPE --mountpoint /var/local/torn; cat /var/local/torn/file",
    "fsck": "journalctl -b -o cat --no-pager -u 'systemd-fsck@dev-disk-by?x2dlabel-torn.service'",
    "names": "readlink -f /dev/disk/by-label/torn; blkid -o value -s LABEL /dev/vdc",
    "status": "rofs status",
    **SECTORS,
}

SCENARIOS = (
    Scenario("torn", CONF, (QUESTIONS,), disks=(torn,),
             # blkid knows a torn superblock before 2.39 only.
             routine=("bullseye", "sid")),
)

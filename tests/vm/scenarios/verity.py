"""A root on dm-verity, which the initramfs of dracut sets up: nothing can be kept on it.

One byte of a file is not the one that it was made with, as if somebody had changed it on flash.
"""

from __future__ import annotations

import random
from typing import Dict

from ..disk import File
from ..image import DRACUT_INITRD, PACKAGE_SETS
from ..root import TAMPERED
from ..scenario import MINIMAL_CONF, RARELY, SECTORS, SYSTEM, Scenario
from .initramfs import DRACUT_FILES
from .roots import ROOT

# A block of squashfs, which it neither compresses nor shares: only this file lies in the block of
# dm-verity that differs.
BLOCK_BYTES = 128 * 1024


def block(seed: int, middle: bytes) -> bytes:
    """Random bytes, with something readable in the middle."""
    half = (BLOCK_BYTES - len(middle)) // 2
    noise = random.Random(seed).getrandbits(8 * BLOCK_BYTES).to_bytes(BLOCK_BYTES, "little")
    return noise[:half] + middle + noise[half + len(middle):]


STATE = "veritysetup status root | sed -n 's/^ *status: *//p'"
VERITY: Dict[str, str] = {
    **SYSTEM,
    "root": "findmnt -n -o SOURCE,FSTYPE,OPTIONS /",
    "device": "cd /sys/class/block/dm-0 && cat dm/name dm/uuid ro && ls slaves",
    "state": STATE,
    "verify": "systemctl show -P Result -P ActiveState rofs-verify.service",
    "status": "rofs status",
    "json": "rofs status --json",
    "check": "rofs check",
    **{name: ROOT[name] for name in (
        "change", "merged", "lower", "readonly", "early_before", "reload", "early_after",
        "running_after")},
    "diff": "rofs diff --raw --noheadings --output=CHANGE,PATH /etc/hostname /etc/hosts /home/user",
    "tampered": "LC_ALL=C cat /opt/tampered | wc -c",
    "whole": "wc -c </opt/whole",
    "state_after": STATE,
    "kernel": "journalctl -b -k -o cat --no-pager | grep 'device-mapper: verity'",
    "commit": "rofs commit --yes /etc/hostname; echo $?",
    "chroot": "rofs chroot touch /etc/by-chroot; echo $?",
    "maintenance": "rofs maintenance; echo $?",
    "merged_after": ROOT["merged"],
    "suggest": "rofs suggest",
    **SECTORS,
}


def on(fstype: str, conf: str) -> Scenario:
    """A root with a file system of one type below dm-verity."""
    return Scenario(f"verity-{fstype}", conf, (VERITY,), root=f"{fstype}_verity",
                    packages="verity", suites=tuple(PACKAGE_SETS["verity"]), routine=RARELY,
                    initrd=DRACUT_INITRD, files={
                        **DRACUT_FILES,
                        "/etc/fstab": File(f"/dev/mapper/root / {fstype} defaults 0 0\n"),
                        "/opt/tampered": File(block(1, TAMPERED.encode())),
                        "/opt/whole": File(block(2, b"")),
                    })


SCENARIOS = (
    on("squashfs", MINIMAL_CONF),
    # A file system that could be written if its device could.
    on("ext4", f"[Root]\nDevice=read-only\n{MINIMAL_CONF}"),
)

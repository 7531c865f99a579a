"""Runs `rofs commit` and others in a small system on a file system of its own.

See mounted_system.py.
"""

from __future__ import annotations

import shlex
from collections.abc import Callable
from pathlib import Path

from mounted_system import System, sections

CONF = "[Overlay /var]\n[Overlay /etc]\n"

# With all that is not in RAM, or not for long.
KEEPING = """
[Overlay /var]
StartEmpty=/var/empty
[Overlay /home]
Partition=data
Directory=/home
[Partition data]
Device=LABEL=data
[Persist /var/kept]
Partition=data
Directory=/kept
"""

# The root file system, in a file. Attached so that it can be written later, which
# `mount -o loop,ro` does not do.
IMAGES = {
    "ext4": "truncate -s 128M image; mkfs.ext4 -q image; mount -o loop,noatime image sys",
    "xfs": "truncate -s 320M image; mkfs.xfs -q image; mount -o loop,noatime image sys",
    "btrfs": "truncate -s 128M image; mkfs.btrfs -q image; mount -o loop,noatime image sys",
}

STEPS = r"""
rofs() { /rofs-command "$@"; }
# What systemd does before the overlays: / is read-only.
start_up() { boot > /run/booted 2>&1; grep -qx 0 /run/status; mount -o remount,ro /; }
# All that can be seen of a tree: two can be compared.
tree() {
    (cd "$1" && {
        find . -xdev -type d -printf '%y %m %U %G %T@ %p\n'
        find . -xdev ! -type d -printf '%y %m %U %G %T@ %s %n %p %l\n'
        find . -xdev -type f -exec sha256sum {} +
        find . -xdev -exec getfattr -h -d -m - -e hex --absolute-names {} + |
            sed '/trusted\.overlay\./d; /^# file/{N;/\n$/d}'
        find . -xdev \( -type f -o -type d \) -exec lsattr -d {} + 2>/dev/null |
            sed 's/^\([^ ]*\)/\1 /; s/[^iaAS ]* / /' || true
    } | LC_ALL=C sort)
}
status_of() { s=0; "$@" > /run/out 2> /run/err || s=$?; echo $s; cat /run/out /run/err; }
mount_state() {
    findmnt -no OPTIONS /rofs/ro | cut -d, -f1
    findmnt -no FS-OPTIONS / | cut -d, -f1
}
"""

# A lower below /var, and changes of all kinds.
LOWER = """
mkdir -p d/e gone old/in keep; echo lower > d/a; echo x > gone/x; echo y > old/in/y; echo k > keep/k
echo f > was-file; mkdir was-dir; echo z > was-dir/z; echo g > going; chmod 640 d/a
"""
CHANGES = """
echo new > d/new; echo changed > d/a; rm -r gone; rm -r old; mkdir old; echo n > old/n
rm was-file; mkdir was-file; echo i > was-file/i; rm -r was-dir; echo w > was-dir; rm going
mkdir -p added/deep; echo q > added/deep/q; ln added/deep/q added/q; ln -s target added/link
mkfifo added/fifo; mknod added/null c 1 3; chmod 4755 added/q; chown 5:6 d/new
truncate -s 1M added/sparse; chmod 700 d/e
"""

Commit = Callable[..., dict[str, list[str]]]


def commit_in(system: System, rofs: Path, tmp_path: Path) -> Commit:
    """What the fixture `commit` gives: makes a lower, boots, and runs steps."""

    def run_commit(lower: str, steps: str, conf: str = CONF, kind: str = "ext4",
                   **more: str) -> dict[str, list[str]]:
        if (tmp_path / "sys").exists():
            (tmp_path / "sys").rmdir()  # the mount point of a run before
        done = system(
            conf, f"{STEPS}\nstart_up\ncd /var\n{steps}",
            f"chmod 0700 rofs; cp {shlex.quote(str(rofs))} rofs-command\n(cd var; {lower}\n)\n"
            + more.pop("also", ""),
            root=IMAGES[kind], **more)
        return sections(done)

    return run_commit

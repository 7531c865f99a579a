"""What rofs status and rofs-verify say in the system of mounted_system.py, once it is protected.

The fixture `said` runs steps there; DISK and OTHER stand for two disks.
"""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

CONF = """\
[Memory]
Size=4M
Inodes=1000
[Overlay /etc]
[Overlay /home]
[Overlay /var]
[Overlay /srv]
Size=1M
[Partition data]
Device=DISK
[Persist /var/keep]
Partition=data
Directory=/keep
"""

KEPT = CONF.replace("Size=1M", "Partition=data")

# say NAME: what each of them says now. There is no systemd that could be asked for unit states.
CHECKS = """
. /run/boot
generate 2>/dev/null
mkdir -p /run/systemd && cp -r /run/units /run/systemd/generator.early
early_mounts; pools; prepare; merge
mount -t tmpfs -o nosuid,nodev tmp /tmp
mount -o remount,ro /
say() {
    echo "== $1 status"; /rofs-bin status || echo "exit $?"
    echo "== $1 json"; /rofs-bin status --json || true
    echo "== $1 user"; USER /rofs-bin status || true
    echo "== $1 verify"; /rofs-verify 2>&1 || echo "exit $?"
    echo "== $1 motd"; cat /run/motd.d/rofs
}
""".replace("USER", "setpriv --reuid=1234 --regid=1234 --clear-groups")
USER = "setpriv --reuid=1234 --regid=1234 --clear-groups"


def attach(image: Path, make: str) -> str:
    """A file system on a loop device."""
    with image.open("wb") as file:
        file.truncate(16 << 20)
    subprocess.run(["sh", "-euc", f"{make} {image}"], check=True, stdout=subprocess.DEVNULL)
    done = subprocess.run(["losetup", "-f", "--show", str(image)], text=True, check=False,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    if done.returncode:
        pytest.skip(f"no loop device: {done.stderr.strip()}")
    return done.stdout.strip()

"""A root on btrfs beside other subvolumes of its file system, which fstab mounts writable.

The first boot is what such a machine is found as, in the second its fstab is as `rofs check` says.
"""

from __future__ import annotations

from typing import Dict

from ..disk import File
from ..scenario import MINIMAL_CONF, ONE, RARELY, SECTORS, SYSTEM, Scenario

# In the order of fstab; the first is the root, the second the lower of an overlay.
SUBVOLUMES = (("/", "@"), ("/home", "@home"), ("/var/log", "@var_log"),
              ("/.snapshots", "@snapshots"))
# Those that stay writable.
WRITABLE = ("/var/log", "/.snapshots")
FSTAB = "".join(f"LABEL=root {path} btrfs defaults,subvol={name} 0 0\n"
                for path, name in SUBVOLUMES)

ASKED: Dict[str, str] = {
    **SYSTEM,
    "status": "rofs status",
    "check": "rofs check",
    "write": "echo kept >/.snapshots/file; echo kept >/var/log/file",
    "root": "touch /new; touch /usr/new; touch /rofs/ro/etc/new",
}
CURE = ("mount -t btrfs -o subvol=@ LABEL=root /mnt && sed -i -e '/log\\|snapshots/"
        "s/defaults/defaults,ro/' /mnt/etc/fstab && umount /mnt && cat /rofs/ro/etc/fstab")

SCENARIOS = (
    Scenario("subvolumes", MINIMAL_CONF, ({**ASKED, "cure": CURE}, {**ASKED, **SECTORS}),
             root="btrfs_siblings", files={"/etc/fstab": File(FSTAB)},
             arguments=("rootflags=subvol=@",), suites=ONE, routine=RARELY, setup_boots=1),
)

"""The parts of which scenarios are made: an image, a configuration, the questions asked inside.

A scenario's questions (snippets) are shell text, run in order as root after multi-user.target.
"""

from __future__ import annotations

import dataclasses
from typing import Dict, Mapping, Sequence, Union

from .disk import Entry, File
from .probe import Snippets
from .volume import Volume

MINIMAL_CONF = """\
[Overlay /var]
[Overlay /etc]
[Overlay /home]
[Partition data]
Device=LABEL=data
[Persist /var/local/data]
Partition=data
"""

# Without KVM, and beside another machine, the partition can take longer than the 15 s that rofs
# waits for it. A drop-in, so that the file itself stays the one of the documentation.
PATIENCE_PATH = "/etc/rofs.conf.d/50-emulated.conf"
PATIENCE = File("[Partition data]\nTimeout=90s\n")


@dataclasses.dataclass(frozen=True)
class Scenario:
    """One image and its boots.

    `conf`: /etc/rofs.conf. `boots`: what is asked in the first boot, in the second of the same
    disks, ... `arguments`: added to the kernel command line. `rofs`: whether it is installed.
    `disks`: beside the root and the partition "data" (vda, vdb): vdc, vdd, ...
    """

    name: str
    conf: Union[str, bytes]
    boots: Sequence[Snippets]
    files: Mapping[str, Entry] = dataclasses.field(default_factory=dict)
    arguments: Sequence[str] = ()
    rofs: bool = True
    disks: Sequence[Volume] = ()


SYSTEM: Dict[str, str] = {
    "running": "systemctl is-system-running --wait",
    "failed": "systemctl --failed --no-legend --plain --no-pager",
    "journal_trouble": (
        "journalctl -b -o cat --no-pager | grep -iE 'ordering cycle|Job .* deleted to break'"
    ),
    "journal_warnings": (
        "journalctl -b -p warning -o short-monotonic --no-pager |"
        " grep -E 'rofs|overlayfs|(var|etc|home|tmp|var-local-data)\\.mount'"
    ),
    "mounts": "findmnt --json --list -o TARGET,SOURCE,FSTYPE,OPTIONS,PROPAGATION",
}

# Last of a boot's questions: what follows would not be counted.
SECTORS = {"sectors": "sync; awk '{print $7}' /sys/block/vda/stat"}

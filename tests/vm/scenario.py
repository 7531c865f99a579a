"""The parts of which scenarios are made: an image, a configuration, the questions asked inside.

A scenario's questions (snippets) are shell text, run in order as root after multi-user.target, or
after rescue.target or emergency.target where that is what was booted.
"""

from __future__ import annotations

import dataclasses
from typing import Dict, Mapping, Sequence, Union

from .disk import Entry, File, Files, as_bytes
from .image import CURED_INITRD, SUITES
from .machine import BOOT_SECONDS_MAX, MEMORY_MIB
from .probe import Snippets, probe_files
from .volume import AnyDisk, Partition

# Of a boot, the start and the end take as long as so many questions.
QUESTIONS_PER_BOOT = 30

# A boot takes a minute. What depends on the version of systemd, util-linux or the kernel in ways
# that have been seen to differ is booted on every suite; else on the oldest and the newest, where
# the suites between them have a boot that asks almost the same.
EXTREMES = ("bullseye", "sid")
# Where no old version is likely to matter.
ENDS = ("bookworm", "sid")
# Where what is tested is ours alone.
ONE = ("bookworm",)
# For `routine`: only when everything is booted.
RARELY = ("none",)
# The same where bookworm has boots that ask almost the same.
NEWEST = ("sid",)

MINIMAL_CONF = """\
[Overlay /var]
[Overlay /etc]
[Overlay /home]
[Partition data]
Device=LABEL=data
[Persist /var/local/data]
Partition=data
"""

# Without KVM, and beside another machine, the partition can take longer than the 30 s that rofs
# waits for it. A drop-in, so that the file itself stays the one of the documentation.
PATIENCE_PATH = "/etc/rofs.conf.d/50-emulated.conf"
PATIENCE = File("[Partition data]\nTimeout=90s\n")


@dataclasses.dataclass(frozen=True)
class Scenario:
    """One image and its boots.

    `conf`: /etc/rofs.conf. `boots`: what is asked in the first boot, in the second of the same
    disks, ... `arguments`: added to the kernel command line; `words`: those of the first boot, of
    the second, ... `rofs`: whether it is installed.
    `disks`: beside the root and the partition "data" (vda, vdb): vdc, vdd, ... `root`: the type
    of the root file system. `partitions`: if any, vda is a GPT disk with the root as its first.
    `root_flag`: "ro" or "rw" for the kernel command line, or "" for neither. `cannot`: by suite,
    what its system itself cannot do, so that the scenario is not booted there. `suites`: booted
    on these only. `routine`: and of these only here, unless the tests are told to boot everything,
    as before a release.
    `network`: whether networking.service brings eth0 up. An emulated DHCP client takes seconds, or,
    beside another machine, a minute: only where a test asks for what it wrote.
    `packages`: the set of a base image of its own, one of image.PACKAGE_SETS. `buses`: of the
    further disks, in their order, as machine.Disk has them; those beyond are virtio.
    `memory`: of the machine, in MiB. `seconds`: the time limit of each boot.
    `initrd`: another one of the base image than that which does not write to the root.
    `own_initrd`: the numbers of boots with what is then in /boot of the root, which is ext4.
    `rtc`: what the machine's clock says when it is switched on, as QEMU's -rtc.
    `torn_root`: the superblock of the root is torn, as by a power cut, so that the boots end in the
    initramfs: of these, the console is all that there is.
    `resets`: the numbers of boots, from 1, that end with a reset instead of their last question:
    they have the answers that came before.
    `setup_boots`: so many boots at the start set the machine up and may write to the root, which is
    compared with what it is after them.
    `loader`: the numbers of boots by the boot loader of vda, with a kernel command line of its own.
    `cuts`: so many times the power is cut, as vm/powercut.py does it, instead of the boots above
    one after the other.
    """

    name: str
    conf: Union[str, bytes]
    boots: Sequence[Snippets]
    files: Mapping[str, Entry] = dataclasses.field(default_factory=dict)
    arguments: Sequence[str] = ()
    words: Sequence[Sequence[str]] = ()
    rofs: bool = True
    network: bool = False
    packages: str = ""
    disks: Sequence[AnyDisk] = ()
    buses: Sequence[str] = ()
    root: str = "ext4"
    partitions: Sequence[Partition] = ()
    root_flag: str = "ro"
    memory: int = MEMORY_MIB
    seconds: int = BOOT_SECONDS_MAX
    initrd: str = CURED_INITRD
    own_initrd: Sequence[int] = ()
    rtc: str = "base=utc"
    cannot: Mapping[str, str] = dataclasses.field(default_factory=dict)
    suites: Sequence[str] = SUITES
    routine: Sequence[str] = SUITES
    torn_root: bool = False
    resets: Sequence[int] = ()
    setup_boots: int = 0
    loader: Sequence[int] = ()
    cuts: int = 0

    @property
    def weight(self) -> int:
        """How long it takes beside others, in questions, about."""
        boots = max(2 * self.cuts, len(self.boots) * self.seconds // BOOT_SECONDS_MAX)
        return boots * QUESTIONS_PER_BOOT + sum(map(len, self.boots))

    def boots_on(self, suite: str, everything: bool) -> bool:
        """Whether the tests boot it on this suite."""
        return (suite not in self.cannot and suite in self.suites
                and (everything or suite in self.routine))

    def kernel_arguments(self, number: int) -> Sequence[str]:
        """What the `number`th boot, from 1, adds to the kernel command line."""
        return (*(() if self.network else (NO_NETWORK,)), *self.arguments,
                *(self.words[number - 1] if self.words else ()))


def scenario_files(scenario: Scenario, rofs: Files) -> Dict[str, Entry]:
    """Everything that is written into the base image for a scenario."""
    files: Dict[str, Entry] = {}
    if scenario.rofs:
        files.update(rofs)
        files["/etc/rofs.conf"] = File(scenario.conf)
        if b"[Partition data]" in as_bytes(scenario.conf):
            files[PATIENCE_PATH] = PATIENCE
    files.update(scenario.files)
    files.update(probe_files(scenario.boots))
    return files


SYSTEM: Dict[str, str] = {
    "versions": "systemctl --version | head -n 1; uname -r",
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

NO_NETWORK = "systemd.mask=networking.service"

# Last of a boot's questions: what follows would not be counted.
SECTORS = {"sectors": "sync; awk '{print $7}' /sys/block/vda/stat"}

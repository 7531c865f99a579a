"""Boots a Debian of another architecture in QEMU: it is protected, and keeps what is committed.

It boots twice. Prints what was seen. The image is cached as those of the other machines are.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import re
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Iterator, List

from vm import disk, image
from vm.machine import Boot, Disk, Machine, MachineError
from vm.probe import probe_argument
from vm.progress import Progress, StepFailed, exit_status
from vm.scenario import MINIMAL_CONF, SECTORS, SYSTEM, Scenario, scenario_files

from .sysroot import SUITES

# Emulated, and beside other machines.
BOOT_SECONDS_MAX = 900
# More than a file offset of 32 bits, and a time of 32 bits, can be.
LARGE_BYTES = 5 * 1024 ** 3
PATHS = "/etc/hostname /home/user/late /home/user/large"
CONTENT = ("cat etc/hostname; stat -c '%s %Y' home/user/large home/user/late;"
           " tail -c 4 home/user/large")
EXPECTED = ["committed", f"{LARGE_BYTES} 0", "0 4102444800", "end"]
BOOTS = (
    {
        **SYSTEM,
        "status": "rofs status --json",
        "change": f"""
echo committed >/etc/hostname
echo forgotten >/var/lib/rofs-lower
touch -d 2100-01-01T00:00Z /home/user/late
truncate -s {LARGE_BYTES - 4} /home/user/large
echo end >>/home/user/large
touch -d @0 /home/user/large
echo kept >/var/local/data/file
""",
        "diff": "rofs diff",
        "commit": f"rofs commit --yes {PATHS}",
        "flash": f"cd /rofs/ro; {CONTENT}",
        "status_after": "rofs status --json",
    },
    {
        **SYSTEM,
        "status": "rofs status --json",
        "there": f"cd /; {CONTENT}",
        "others": "cat /var/lib/rofs-lower /var/local/data/file",
        "log": "rofs log",
        **SECTORS,
    },
)
# On a slow host, udev needs longer for the console than systemd waits; nobody logs in there.
GETTY = re.compile("ttyS0|seri.*Getty|getty", re.IGNORECASE)
SCENARIO = Scenario("architecture", MINIMAL_CONF, BOOTS, seconds=BOOT_SECONDS_MAX)

BINFMT = Path("/proc/sys/fs/binfmt_misc")
# How the programs of an architecture begin; kernel documentation, admin-guide/binfmt-misc.rst.
MAGIC = {
    "arm64": (r"\x7fELF\x02\x01\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x02\x00\xb7\x00",
              r"\xff\xff\xff\xff\xff\xff\xff\x00\xff\xff\xff\xff\xff\xff\xff\xff\xfe\xff\xff\xff"),
}
CPU = {"arm64": "aarch64"}


@contextlib.contextmanager
def runnable(architecture: str) -> Iterator[None]:
    """Have the kernel run programs of the architecture in the emulator, in chroots as well."""
    entry = BINFMT / f"rofs-{architecture}"
    if architecture not in MAGIC or list(BINFMT.glob(f"qemu-{CPU[architecture]}*")):
        yield
        return
    mounted = (BINFMT / "register").exists()
    if not mounted:
        subprocess.run(["mount", "-t", "binfmt_misc", "binfmt_misc", str(BINFMT)], check=True)
    magic, mask = MAGIC[architecture]
    try:
        # F: it is opened now, so that a chroot need not have it.
        (BINFMT / "register").write_text(
            f":{entry.name}:M::{magic}:{mask}:/usr/bin/qemu-{CPU[architecture]}-static:F")
        yield
    finally:
        if entry.exists():
            entry.write_text("-1")
        if not mounted:
            subprocess.run(["umount", str(BINFMT)], check=True)


def prepare(architecture: str, progress: Progress) -> image.Base:
    """The image, from the cache if possible."""
    suite = SUITES[architecture]
    if image.base_path(suite, architecture=architecture).is_dir():
        return image.base(suite, progress, architecture=architecture)
    with runnable(architecture):
        return image.base(suite, progress, architecture=architecture)


def boot_all(base: image.Base, tree: Path, logs: Path, work: Path) -> List[Boot]:
    """The results of each boot of the same disks."""
    root, data, pristine = (work / f"{name}.img" for name in ("root", "data", "pristine"))
    files = scenario_files(SCENARIO, image.tree_as_files(tree, base.merged_usr))
    disk.variant(base.image, root, files)
    disk.mke2fs(data, disk.DATA_BYTES, "data")
    boots = []
    for number in range(1, len(BOOTS) + 1):
        disk.copy_sparse(root, pristine)
        arguments = [*SCENARIO.kernel_arguments(number), probe_argument(number)]
        with Machine(base, [Disk(root), Disk(data)], f"{base.architecture}-{number}", logs,
                     arguments) as machine:
            boots.append(machine.wait_for_power_off(SCENARIO.seconds))
    if not disk.same_content(root, pristine):
        raise MachineError(f"{base.architecture}: the last boot wrote to the root")
    return boots


def faults_of(boots: List[Boot]) -> List[str]:
    """What is not as it must be."""
    first, second = boots
    expected = [
        ("first boot: verdict", json.loads(first["status"].out)["verdict"], "protected"),
        ("first boot: system", first["running"].line, "running"),
        ("commit", first["commit"].status, 0),
        ("on flash", first["flash"].out.splitlines(), EXPECTED),
        ("after it: verdict", json.loads(first["status_after"].out)["verdict"], "protected"),
        ("second boot: verdict", json.loads(second["status"].out)["verdict"], "protected"),
        ("second boot: system", second["running"].line, "running"),
        ("committed", second["there"].out.splitlines(), EXPECTED),
        ("others", second["others"].out.splitlines(), ["on flash", "kept"]),
        ("second boot: sectors", second["sectors"].line, "0"),
    ]
    return [f"{what}: {seen!r}; expected {wanted!r}" for what, seen, wanted in expected
            if seen != wanted] + [line for boot in boots for line in boot.trouble
                                  if not GETTY.search(line)]


def run(architecture: str, tree: Path) -> bool:
    """Boot it, and say what was seen."""
    logs = image.logs_dir()
    base = prepare(architecture, Progress(logs))
    with tempfile.TemporaryDirectory(prefix="rofs-cross-") as work:
        boots = boot_all(base, tree, logs, Path(work))
    faults = faults_of(boots)
    versions = ", ".join(boots[0]["versions"].out.split("\n")[:2])
    print(f"{architecture}, Debian {base.suite}, {time.strftime('%Y-%m-%d')}: {versions};"
          f" boots of {', '.join(f'{boot.seconds:.0f} s' for boot in boots)}")
    for fault in faults:
        print(f"  {fault}")
    if faults:
        print(*(f"{name}: {section}" for boot in boots for name, section in boot.sections.items()),
              sep="\n")
    return not faults


def main() -> int:
    """Exit status 0, or 1 with what was not as it must be."""
    parser = argparse.ArgumentParser(prog="cross.boot", description=__doc__.splitlines()[0])
    parser.add_argument("architecture", choices=("arm64", "i386"))
    parser.add_argument("tree", type=Path, help="what was installed into a DESTDIR")
    options = parser.parse_args()
    return exit_status(lambda: run(options.architecture, options.tree), MachineError, StepFailed)


if __name__ == "__main__":
    raise SystemExit(main())

"""Boots a Debian of another architecture in QEMU: it is protected, and keeps what is committed.

For arm64, the machine has the disk of a Raspberry Pi, and the guide for that is followed: see
raspberry_pi.py. Prints what was seen. The image is cached as those of the other machines are.
"""

from __future__ import annotations

import argparse
import contextlib
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Iterator, List, Tuple

from vm import disk, image
from vm.machine import Boot, Disk, Machine, MachineError
from vm.probe import probe_argument
from vm.progress import Progress, StepFailed, exit_status
from vm.scenario import MINIMAL_CONF, Scenario, scenario_files

from . import architecture, raspberry_pi
from .sysroot import SUITES

# Emulated, and beside other machines.
BOOT_SECONDS_MAX = 900
BOOTS = (architecture.FIRST, architecture.SECOND)
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


def prepare(name: str, progress: Progress) -> image.Base:
    """The image, from the cache if possible."""
    suite = SUITES[name]
    packages = raspberry_pi.PACKAGES if name == raspberry_pi.ARCHITECTURE else ""
    if image.base_path(suite, packages, name).is_dir():
        return image.base(suite, progress, packages, name)
    with runnable(name):
        return image.base(suite, progress, packages, name)


def boot_all(base: image.Base, tree: Path, logs: Path, work: Path) -> Tuple[List[Boot], List[str]]:
    """The results of each boot of the same disks, and what is not as it must be."""
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
    return boots, architecture.faults(architecture.rows(*boots))


def run(name: str, tree: Path) -> bool:
    """Boot it, and say what was seen."""
    logs = image.logs_dir()
    base = prepare(name, Progress(logs))
    machine = raspberry_pi.boot_all if name == raspberry_pi.ARCHITECTURE else boot_all
    with tempfile.TemporaryDirectory(prefix="rofs-cross-") as work:
        boots, faults = machine(base, tree, logs, Path(work))
    faults += architecture.trouble(boots)
    versions = ", ".join(boots[0]["versions"].out.split("\n")[:2])
    print(f"{name}, Debian {base.suite}, {time.strftime('%Y-%m-%d')}: {versions};"
          f" boots of {', '.join(f'{boot.seconds:.0f} s' for boot in boots)}")
    for fault in faults:
        print(f"  {fault}")
    if faults:
        print(*(f"{section}: {said}" for boot in boots for section, said in boot.sections.items()),
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

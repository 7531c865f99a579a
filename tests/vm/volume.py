"""Small file systems of any type, with files, made without root: a scenario's further disks."""

from __future__ import annotations

import dataclasses
import json
import os
import subprocess
import tempfile
from pathlib import Path
from typing import Callable, Dict, List, Mapping, Sequence, Union

from .disk import MIB, Entry, Link, mke2fs, put, write_files
from .progress import StepFailed

DEFAULT_BYTES = 64 * MIB
SECTOR_BYTES = 512
# mkfs refuses anything smaller.
SMALLEST_BYTES = {"btrfs": 128 * MIB, "xfs": 320 * MIB}


@dataclasses.dataclass(frozen=True)
class Volume:
    """A file system that is a disk of its own, or a partition.

    `fstype`: ext4, vfat, swap, btrfs, xfs, f2fs, squashfs, erofs, or "" for zeros. `label` and
    `uuid`: empty means none and mkfs's choice; of vfat the uuid is XXXX-XXXX; squashfs and erofs
    have no label. `size`: bytes, raised to what the type needs at least. `files`: what lies in it;
    owned by root in ext4 and xfs only; f2fs is empty. `arguments`: more for mkfs.
    `part`: of ext4, a copy of this directory of the root ("usr") instead, one of image.PARTS.
    """

    fstype: str
    label: str = ""
    uuid: str = ""
    size: int = DEFAULT_BYTES
    files: Mapping[str, Entry] = dataclasses.field(default_factory=dict)
    arguments: Sequence[str] = ()
    part: str = ""


@dataclasses.dataclass(frozen=True)
class Partition:
    """A partition of a GPT disk: `kind` is sfdisk's word or a GUID, `name` the partition label."""

    kind: str
    name: str
    volume: Volume
    uuid: str = ""


# A disk is one file system, or a GPT with partitions, or what a function writes into a new file for
# a suite.
AnyDisk = Union[Volume, Sequence[Partition], Callable[[Path, str], None]]

# The root of the Discoverable Partitions Specification, for x86-64.
ROOT_PARTITION = "type=4F68BCE3-E8CD-4DB1-96E7-FBCAF984B709, name=system"


def run(argv: Sequence[str], text: str = "") -> str:
    """Run a program that makes file systems, `text` being its input; its output.

    Raises StepFailed with its message.
    """
    environment = {**os.environ, "PATH": os.environ.get("PATH", "") + ":/usr/sbin:/sbin"}
    try:
        done = subprocess.run(argv, env=environment, text=True, check=False,
                              input=text, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    except FileNotFoundError as e:
        raise StepFailed(f"{argv[0]} is not installed: tools/test installs it") from e
    if done.returncode != 0:
        raise StepFailed(f"{' '.join(argv)} exited with {done.returncode}: {done.stdout}")
    return done.stdout


def option(letter: str, value: str) -> List[str]:
    """An option of mkfs, left out if it has no value."""
    return [letter, value] if value else []


def make_ext4(image: Path, volume: Volume, tree: Path) -> None:
    mke2fs(image, volume.size, volume.label,
           arguments=[*option("-U", volume.uuid), *volume.arguments])
    write_files(image, volume.files)


def make_vfat(image: Path, volume: Volume, tree: Path) -> None:
    run(["mkfs.vfat", *option("-n", volume.label), *option("-i", volume.uuid.replace("-", "")),
         *volume.arguments, str(image)])
    top = sorted(str(path) for path in tree.iterdir())
    if top:
        run(["mcopy", "-s", "-i", str(image), *top, "::/"])


def make_swap(image: Path, volume: Volume, tree: Path) -> None:
    image.chmod(0o600)  # mkswap would warn
    run(["mkswap", *option("-L", volume.label), *option("-U", volume.uuid), *volume.arguments,
         str(image)])


def make_btrfs(image: Path, volume: Volume, tree: Path) -> None:
    run(["mkfs.btrfs", "-q", *option("-L", volume.label), *option("-U", volume.uuid),
         "--rootdir", str(tree), *volume.arguments, str(image)])


def xfs_lines(directory: Path) -> List[str]:
    """What lies in a directory, as mkfs.xfs's protofile says it; names without blanks only."""
    lines = []
    for path in sorted(directory.iterdir()):
        if path.is_symlink():
            lines.append(f"{path.name} l--777 0 0 {os.readlink(path)}")
        elif path.is_dir():
            lines += [f"{path.name} d--755 0 0", *xfs_lines(path)]
        else:
            lines.append(f"{path.name} ---{path.stat().st_mode & 0o777:03o} 0 0 {path}")
    return [*lines, "$"]


def make_xfs(image: Path, volume: Volume, tree: Path) -> None:
    prototype = tree.parent / "prototype"
    prototype.write_text("\n".join(["none", "0 0", "d--755 0 0", *xfs_lines(tree)]) + "\n")
    run(["mkfs.xfs", "-q", *option("-L", volume.label),
         *option("-m", f"uuid={volume.uuid}" if volume.uuid else ""), "-p", str(prototype),
         *volume.arguments, str(image)])


def make_f2fs(image: Path, volume: Volume, tree: Path) -> None:
    if volume.files:
        raise ValueError("f2fs cannot be filled without mounting it")
    run(["mkfs.f2fs", "-q", *option("-l", volume.label), *option("-U", volume.uuid),
         *volume.arguments, str(image)])


def make_squashfs(image: Path, volume: Volume, tree: Path) -> None:
    run(["mksquashfs", str(tree), str(image), "-noappend", "-all-root", "-no-progress", "-quiet",
         *volume.arguments])


def make_erofs(image: Path, volume: Volume, tree: Path) -> None:
    run(["mkfs.erofs", *option("-U", volume.uuid), *volume.arguments, str(image), str(tree)])


def make_nothing(image: Path, volume: Volume, tree: Path) -> None:
    pass


MAKERS: Dict[str, Callable[[Path, Volume, Path], None]] = {
    "ext4": make_ext4,
    "vfat": make_vfat,
    "swap": make_swap,
    "btrfs": make_btrfs,
    "xfs": make_xfs,
    "f2fs": make_f2fs,
    "squashfs": make_squashfs,
    "erofs": make_erofs,
    "": make_nothing,
}


def make(image: Path, volume: Volume) -> None:
    """Make the file system in a sparse file. Raises StepFailed with the message of mkfs."""
    size = max(volume.size, SMALLEST_BYTES.get(volume.fstype, 0))
    volume = dataclasses.replace(volume, size=size)
    with image.open("wb") as f:
        f.truncate(size)
    with tempfile.TemporaryDirectory(prefix="rofs-volume-") as work:
        tree = Path(work) / "tree"
        tree.mkdir(mode=0o755)
        if volume.fstype != "ext4":
            for path, entry in volume.files.items():
                if volume.fstype == "vfat" and isinstance(entry, Link):
                    raise ValueError("vfat has no symbolic links")
                put(tree, path, entry)
        MAKERS[volume.fstype](image, volume, tree)


def partition_disk(image: Path, partitions: Sequence[Partition], first: str = "") -> None:
    """Make a GPT disk. Raises StepFailed.

    With `first`, a line for sfdisk without a size, what is in `image` becomes the first partition.
    """
    with tempfile.TemporaryDirectory(prefix="rofs-disk-", dir=image.parent) as work:
        disk = Path(work) / "disk"
        parts = [(image, first)] if first else []
        for number, partition in enumerate(partitions):
            path = Path(work) / str(number)
            make(path, partition.volume)
            uuid = f", uuid={partition.uuid}" if partition.uuid else ""
            parts.append((path, f'type={partition.kind}, name="{partition.name}"{uuid}'))
        with disk.open("wb") as f:
            f.truncate(sum(path.stat().st_size + MIB for path, _ in parts) + 2 * MIB)
        table = ["label: gpt", *(f"size={path.stat().st_size // SECTOR_BYTES}, {line}"
                                 for path, line in parts)]
        run(["sfdisk", "--quiet", str(disk)], "\n".join(table) + "\n")
        found = json.loads(run(["sfdisk", "--json", str(disk)]))["partitiontable"]["partitions"]
        for (path, _), where in zip(parts, found):
            run(["dd", f"if={path}", f"of={disk}", "bs=1M", "conv=notrunc,sparse", "status=none",
                 f"seek={where['start'] * SECTOR_BYTES // MIB}"])
        disk.replace(image)

"""rofs-format on loop devices: what it makes a file system on, and what it leaves alone."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Optional

import pytest
from support import environment, make_tree, program

pytestmark = pytest.mark.sanitized

CONF = ("[Overlay /var]\n[Partition p]\nDevice={device}\nType={type}\nFormat=yes\n"
        "[Persist /var/a]\nPartition=p\n[Partition without]\nDevice=/dev/none\n"
        "[Persist /var/b]\nPartition=without\n")
# What is on the drive of 4 MiB; whether a file system is made on it.
CONTENTS = {
    "zeros": ("true", True),
    "erased flash": ("head -c 4M /dev/zero | tr '\\000' '\\377' >$d", True),
    "data at the start": ("echo data | dd of=$d conv=notrunc", False),
    "data in the first MiB": ("echo data | dd of=$d conv=notrunc bs=1k seek=1000", False),
    "data at the end": ("echo data | dd of=$d conv=notrunc bs=1k seek=4090", False),
    "ext4": ("mke2fs -q -t ext4 $d", False),
    "ext2, which ext4 mounts": ("mke2fs -q -t ext2 $d", False),
    "another file system": ("mkfs.vfat $d", False),
    "swap": ("mkswap $d", False),
    "damaged ext4": ("mke2fs -q -t ext4 $d; printf '\\377\\377' |"
                     " dd of=$d conv=notrunc bs=1 seek=1100", False),
    "swap and ext4": ("mke2fs -q -t ext4 -b 4096 $d;"
                      " printf SWAPSPACE2 | dd of=$d conv=notrunc bs=1 seek=4086", False),
    "partition table": ("echo 2048,,L | sfdisk -q --no-reread --no-tell-kernel $d", False),
    "GPT": ("printf 'label: gpt\\n,,L\\n' | sfdisk -q --no-reread --no-tell-kernel $d", False),
    "damaged GPT": ("printf 'label: gpt\\n,,L\\n' | sfdisk -q --no-reread --no-tell-kernel $d;"
                    " dd if=/dev/zero of=$d conv=notrunc bs=512 count=40", False),
    "data that ends a partition table": (
        "printf 'EFI PART' | dd of=$d conv=notrunc bs=512 seek=8191", False),
}


def run(root: Path, *arguments: str,
        path: Optional[Path] = None) -> "subprocess.CompletedProcess[str]":
    """Run it on the configuration of a tree. @path: searched for programs first."""
    search = os.environ.get("PATH", "/usr/bin:/bin") + ":/usr/sbin:/sbin"
    env = environment(root, {"PATH": f"{path}:{search}" if path else search})
    return subprocess.run([str(program("rofs-format")), *arguments], env=env, text=True,
                          check=False, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def declare(directory: Path, device: str, fstype: str = "ext4") -> Path:
    conf = CONF.format(device=device, type=fstype)
    return make_tree(directory / "root", {"etc/rofs.conf": conf})


@pytest.fixture
def drive(tmp_path: Path) -> Path:
    """A blank image of 4 MiB."""
    image = tmp_path / "drive"
    with image.open("wb") as file:
        file.truncate(4 << 20)
    return image


@pytest.fixture
def loop(drive: Path) -> Iterator[str]:
    """A block device that shows the image."""
    done = subprocess.run(["losetup", "-f", "--show", str(drive)], text=True, check=False,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    if done.returncode:
        pytest.skip(f"no loop device: {done.stderr.strip()}")
    yield done.stdout.strip()
    subprocess.run(["losetup", "-d", done.stdout.strip()], check=True)


def signature(drive: Path) -> str:
    return subprocess.run(["blkid", "-p", "-o", "value", "-s", "TYPE", str(drive)], text=True,
                          check=False, stdout=subprocess.PIPE).stdout.strip()


def wipefs(drive: Path) -> "list[str]":
    """What wipefs(8) finds, with which rofs-format agrees."""
    return subprocess.run(["wipefs", "--no-act", "--noheadings", "--output", "TYPE", str(drive)],
                          text=True, check=True, stdout=subprocess.PIPE).stdout.split()


@pytest.mark.root
@pytest.mark.parametrize("name", CONTENTS)
def test_only_a_blank_partition_is_formatted(
    name: str, drive: Path, loop: str, tmp_path: Path
) -> None:
    content, formatted = CONTENTS[name]
    subprocess.run(["sh", "-euc", content], env={**os.environ, "d": str(drive)}, check=True,
                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    before, found = drive.read_bytes(), wipefs(drive)
    subprocess.run(["blockdev", "--flushbufs", loop], check=True)
    done = run(declare(tmp_path, loop), "p")
    subprocess.run(["sync", loop], check=True)
    if formatted:
        assert (done.returncode, done.stdout) == (0, "")
        assert done.stderr == (
            f"rofs-format: {loop} was blank; created a file system of type ext4\n")
        assert signature(drive) == "ext4"
        return
    assert drive.read_bytes() == before
    assert done.stdout == ""
    if {"ext2", "ext4"} & set(found):
        assert (done.returncode, done.stderr) == (0, "")
        return
    assert done.returncode == 1
    assert done.stderr.startswith(f"rofs-format: /etc/rofs.conf:2: [Partition p]: {loop} ")
    if found:
        assert (f" contains {found[0]}, which is not overwritten; expected ext4 or a blank device\n"
                in done.stderr)
    else:
        assert name.startswith("data") and "but is not blank" in done.stderr


@pytest.mark.root
def test_other_types_are_made_with_their_programs(drive: Path, loop: str, tmp_path: Path) -> None:
    done = run(declare(tmp_path, loop, "vfat"), "p")
    assert done.returncode == 0 and "created a file system" in done.stderr
    assert signature(drive) == "vfat"


@pytest.mark.root
def test_device_in_use_is_left_alone(drive: Path, loop: str, tmp_path: Path) -> None:
    """As after a mount; what it holds can still be told."""
    root = declare(tmp_path, loop)
    before = drive.read_bytes()
    holder = os.open(loop, os.O_RDONLY | os.O_EXCL)
    try:
        done = run(root, "p")
        assert done.stderr == f"rofs-format: /etc/rofs.conf:2: [Partition p]: {loop} is in use\n"
        assert done.returncode == 1
        assert drive.read_bytes() == before
        subprocess.run(["mke2fs", "-q", "-t", "ext4", str(drive)], check=True)
        subprocess.run(["blockdev", "--flushbufs", loop], check=True)
        assert run(root, "p").returncode == 0
    finally:
        os.close(holder)


@pytest.mark.root
def test_program_that_fails_or_is_missing_is_named(loop: str, tmp_path: Path) -> None:
    name = "mkfs." + "failing"  # in two parts: it is in no package
    maker = tmp_path / "bin" / name
    maker.parent.mkdir()
    maker.write_text("#!/bin/sh\necho words; echo why >&2; exit 3\n")
    maker.chmod(0o755)
    done = run(declare(tmp_path, loop, "failing"), "p", path=maker.parent)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == f"why\nrofs-format: {name} {loop} failed\n"
    maker.unlink()
    done = run(tmp_path / "root", "p", path=maker.parent)
    assert done.stderr == f"rofs-format: {name}: No such file or directory\n"
    assert done.returncode == 1


def test_what_is_no_device_is_not_formatted(tmp_path: Path) -> None:
    done = run(declare(tmp_path, "/dev/rofs-is-not-there"), "p")
    assert done.returncode == 1
    assert done.stderr == "rofs-format: /dev/rofs-is-not-there: No such file or directory\n"
    done = run(declare(tmp_path / "2", "/dev/zero"), "p")
    assert done.returncode == 1
    assert done.stderr.startswith("rofs-format: /dev/zero: ")


@pytest.mark.parametrize("name", ["without", "x", "", "/rofs/format/p"])
def test_only_what_is_declared_is_formatted(name: str, tmp_path: Path) -> None:
    done = run(declare(tmp_path, "/dev/none"), name)
    assert done.returncode == 1
    assert done.stderr == (
        f"rofs-format: rofs.conf declares no [Partition {name}] with Format=yes, "
        "or nothing uses it\n")


@pytest.mark.parametrize("arguments", [(), ("p", "q"), ("--nonsense",)])
def test_wrong_call_is_refused(arguments: "tuple[str, ...]", tmp_path: Path) -> None:
    done = run(declare(tmp_path, "/dev/none"), *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr != ""


def test_help_and_version(tmp_path: Path) -> None:
    for argument in ("--help", "--version"):
        done = run(tmp_path, argument)
        assert (done.returncode, done.stderr) == (0, "")
        assert "rofs-format" in done.stdout


def test_only_the_programs_that_probe_link_libblkid() -> None:
    """What a program links it loads at each boot."""
    for name, linked in (("rofs-format", True), ("rofs-device", True), ("rofs-prepare", False),
                         ("rofs-generator", False)):
        done = subprocess.run(["ldd", str(program(name))], check=True, text=True,
                              stdout=subprocess.PIPE)
        assert ("libblkid" in done.stdout) == linked, done.stdout

"""rofs-superblock on images: what it repairs, and what it leaves alone."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Sequence

import pytest
from conftest import program
from vm import disk

MIB = disk.MIB


def run(*arguments: object) -> "subprocess.CompletedProcess[str]":
    return subprocess.run([str(program("rofs-superblock")), *map(str, arguments)], text=True,
                          check=False, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def make(image: Path, size: int = 192 * MIB, arguments: Sequence[str] = (),
         label: str = "data") -> Path:
    """An ext4 file system with a file that its journal still has to change."""
    disk.mke2fs(image, size, label, arguments=arguments)
    disk.write_with_journal(image, "file", "old contents\n", "new contents\n")
    return image


def content(image: Path) -> str:
    return disk.debugfs(image, "cat file").decode()


@pytest.mark.parametrize("block_size", [1024, 2048, 4096])
def test_torn_superblock_is_repaired_and_the_journal_replayed(
    tmp_path: Path, block_size: int,
) -> None:
    image = make(tmp_path / "image", arguments=["-b", str(block_size)])
    assert content(image) == "old contents\n"
    disk.tear_superblock(image)
    assert disk.superblock_state(image) == "torn"
    assert disk.replay(image)[0] == 8, "e2fsck repairs it by itself: this program is not needed"

    done = run(image)
    assert done.returncode == 0, done
    first, *rest = done.stdout.splitlines()
    block = 8193 if block_size == 1024 else block_size * 8
    assert first == (f"{image}: the ext4 superblock is torn, as by a power cut;"
                     f" using its copy in block {block}")
    assert any("recovering journal" in line for line in rest)
    assert done.stderr == ""
    assert content(image) == "new contents\n"
    assert disk.superblock_state(image) == "clean"
    assert disk.fsck(image)[0] == 0
    assert run(image).stdout == ""


@pytest.mark.parametrize("name", ["whole", "no checksums", "zeros", "short"])
def test_anything_else_is_left_alone(tmp_path: Path, name: str) -> None:
    image = tmp_path / "image"
    if name == "zeros":
        image.write_bytes(bytes(MIB))
    elif name == "short":
        image.write_bytes(bytes(1500))
    elif name == "whole":
        make(image)
    else:
        disk.mke2fs(image, 192 * MIB, "data", arguments=["-O", "^metadata_csum"])
        disk.tear_superblock(image)
    before = image.read_bytes()
    for arguments in ((), ("--export",)):
        done = run(*arguments, image)
        assert (done.returncode, done.stdout, done.stderr) == (0, "", ""), done
    assert image.read_bytes() == before


def test_one_group_has_no_copy(tmp_path: Path) -> None:
    image = make(tmp_path / "image", 64 * MIB)
    disk.tear_superblock(image)
    before = image.read_bytes()
    done = run(image)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == (f"rofs-superblock: {image}: the ext4 superblock is torn, and there is no"
                           " copy of it\n")
    assert image.read_bytes() == before


@pytest.mark.parametrize("field,value", [
    (0x14, 0x7fffffff), (0x18, 7), (0x18, 0xffffffff), (0x20, 0), (0x20, 0xffffffff), (0x04, 5)])
def test_numbers_that_no_file_system_has_lead_nowhere(
    tmp_path: Path, field: int, value: int,
) -> None:
    image = make(tmp_path / "image")
    with image.open("r+b") as f:
        f.seek(disk.SUPERBLOCK_OFFSET + field)
        f.write(value.to_bytes(4, "little"))
    before = image.read_bytes()
    done = run(image)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.endswith("and there is no copy of it\n")
    assert image.read_bytes() == before


def test_copy_that_is_no_better_is_said(tmp_path: Path) -> None:
    image = make(tmp_path / "image")
    disk.tear_superblock(image)
    with image.open("r+b") as f:
        f.seek(32768 * 4096)
        f.write(bytes(1024))
    done = run(image)
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1] == (
        f"rofs-superblock: {image}: it could not be repaired without questions; run e2fsck by hand")


def test_missing_e2fsck_and_missing_device_are_said(tmp_path: Path) -> None:
    image = make(tmp_path / "image")
    disk.tear_superblock(image)
    done = subprocess.run([str(program("rofs-superblock")), str(image)], text=True, check=False,
                          env={"PATH": "/nowhere"}, stderr=subprocess.PIPE)
    assert done.returncode == 1
    assert "rofs-superblock: e2fsck: No such file or directory" in done.stderr
    done = run(tmp_path / "absent")
    assert (done.returncode, done.stderr) == (
        1, f"rofs-superblock: {tmp_path}/absent: No such file or directory\n")


def test_export_has_what_udev_names_it_by(tmp_path: Path) -> None:
    uuid = "a3a84c6e-2f0b-4a3c-9a54-0d6a4cf5b0de"
    image = make(tmp_path / "image", arguments=["-U", uuid], label="da ta/x")
    disk.tear_superblock(image)
    before = image.read_bytes()
    done = run("--export", image)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines() == [
        "ID_FS_TYPE=ext4", "ID_FS_USAGE=filesystem", f"ID_FS_UUID={uuid}", f"ID_FS_UUID_ENC={uuid}",
        "ID_FS_LABEL=da_ta/x", r"ID_FS_LABEL_ENC=da\x20ta\x2fx"]
    assert image.read_bytes() == before


@pytest.mark.root
def test_mounted_file_system_is_left_alone(tmp_path: Path) -> None:
    """Its superblock changes while it is read; also e2fsck would refuse."""
    make(tmp_path / "image")
    script = """
    loop=$(losetup -f --show image); trap 'umount m; losetup -d $loop' EXIT
    mkdir m; mount $loop m
    printf '\\377\\377' | dd of=$loop bs=1 seek=1040 conv=notrunc status=none
    "$1" $loop; echo $?
    """
    done = subprocess.run(["unshare", "--mount", "sh", "-euc", script, "sh",
                           str(program("rofs-superblock"))], cwd=tmp_path, text=True, check=False,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert (done.stdout, done.stderr) == ("0\n", "")

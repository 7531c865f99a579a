"""rofs-superblock on images: what it repairs, and what it leaves alone."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Sequence

import pytest
from support import Namespace, need_programs, program, run_program
from vm import disk

MIB = disk.MIB


@pytest.fixture(autouse=True)
def tools_of_ext4() -> None:
    need_programs("debugfs", "dumpe2fs", "e2fsck", "mke2fs")


def run(*arguments: object) -> "subprocess.CompletedProcess[str]":
    return run_program(program("rofs-superblock"), *arguments)


def make(image: Path, size: int = 192 * MIB, arguments: Sequence[str] = (),
         label: str = "data") -> Path:
    """An ext4 file system with a file that its journal still has to change."""
    disk.mke2fs(image, size, label, arguments=arguments)
    disk.write_with_journal(image, "file", "old contents\n", "new contents\n")
    return image


def content(image: Path) -> str:
    return disk.debugfs(image, "cat file").decode()


def said(image: Path, why: str) -> str:
    return (f"rofs-superblock: {image}: the checksum of the ext4 superblock is wrong, and {why};"
            " run e2fsck manually\n")


@pytest.mark.parametrize("block_size", [1024, 2048, 4096])
def test_torn_superblock_is_repaired_for_fsck(tmp_path: Path, block_size: int) -> None:
    image = make(tmp_path / "image", arguments=["-b", str(block_size)])
    assert content(image) == "old contents\n"
    disk.tear_superblock(image)
    assert disk.superblock_state(image) == "torn"
    assert disk.replay(image)[0] == 8, "e2fsck repairs it by itself: this program is not needed"

    done = run(image)
    block = 8193 if block_size == 1024 else block_size * 8
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == (
        f"{image}: the ext4 superblock was torn, probably by a power cut; it agrees with its backup"
        f" copy in block {block}, and its checksum has been corrected\n")
    assert run(image).stdout == ""
    status, output = disk.replay(image)
    assert status == 1, output
    assert "recovering journal" in output
    assert "with errors, check forced" in output
    assert content(image) == "new contents\n"
    assert disk.superblock_state(image) == "clean"
    assert disk.fsck(image)[0] == 0


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


def assert_refused(image: Path, why: str) -> None:
    before = image.read_bytes()
    done = run(image)
    assert (done.returncode, done.stdout, done.stderr) == (1, "", said(image, why))
    assert image.read_bytes() == before


def test_one_group_has_no_copy(tmp_path: Path) -> None:
    image = make(tmp_path / "image", 64 * MIB)
    disk.tear_superblock(image)
    assert_refused(image, "there is no backup copy to compare it with")


@pytest.mark.parametrize(("field", "value", "why"), [
    (0x00, 7, "it does not agree with its backup copy"),
    (0x04, 5, "there is no backup copy to compare it with"),
    (0x04, 0x7fffffff, "it does not agree with its backup copy"),
    (0x14, 1, "it does not agree with its backup copy"),
    (0x14, 0x7fffffff, "there is no backup copy to compare it with"),
    (0x18, 7, "there is no backup copy to compare it with"),
    (0x18, 0xffffffff, "there is no backup copy to compare it with"),
    (0x20, 0, "there is no backup copy to compare it with"),
    (0x20, 0xffffffff, "there is no backup copy to compare it with"),
    (0x28, 0, "it does not agree with its backup copy"),
    (0x60, 0, "it does not agree with its backup copy"),
    (0x270, 1, "it does not agree with its backup copy"),
])
def test_rotten_superblock_is_left_to_people(
    tmp_path: Path, field: int, value: int, why: str,
) -> None:
    """Not every wrong checksum is that of a write which was torn."""
    image = make(tmp_path / "image")
    superblock = disk.read_superblock(image)
    superblock[field:field + 4] = value.to_bytes(4, "little")
    disk.write_superblock(image, superblock)
    assert_refused(image, why)


def test_copy_that_cannot_be_read(tmp_path: Path) -> None:
    image = make(tmp_path / "image")
    disk.tear_superblock(image)
    os.truncate(image, 32768 * 4096)
    assert_refused(image, "its backup copy cannot be read")


def test_features_that_the_kernel_has_added_are_no_difference(tmp_path: Path) -> None:
    image = make(tmp_path / "image")
    superblock = disk.read_superblock(image)
    superblock[0x5c] |= 0x8
    superblock[0x64] |= 0x2
    disk.write_superblock(image, superblock)
    disk.tear_superblock(image)
    assert run(image).returncode == 0
    assert disk.superblock_state(image) == "not clean"


def test_missing_device_is_said(tmp_path: Path) -> None:
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
def test_files_that_were_open_and_deleted_are_no_question(
    in_namespace: Namespace, tmp_path: Path
) -> None:
    """Their list is in the superblock and not in its backup copy, with which e2fsck -p gives up."""
    image = make(tmp_path / "image")
    script = """
    mkdir m; mount -o loop image m; trap 'exec 7>&- 8>&-; umount m' EXIT
    exec 7>m/a 8>m/b; echo a >&7; echo b >&8; sync -f m; rm m/a m/b; sync -f m
    cp --sparse=always image cut
    """
    done = in_namespace(script)
    assert (done.returncode, done.stderr) == (0, "")
    cut = image.with_name("cut")
    disk.tear_superblock(cut)
    assert run(cut).returncode == 0
    status, output = disk.replay(cut)
    assert status in (0, 1), output
    assert output.count("Clearing orphaned inode") == 2
    assert disk.fsck(cut)[0] == 0


@pytest.mark.root
def test_mounted_file_system_is_left_alone(in_namespace: Namespace, tmp_path: Path) -> None:
    """Its superblock changes while it is read."""
    make(tmp_path / "image")
    done = in_namespace("""
    loop=$(losetup -f --show image); trap 'umount m; losetup -d $loop' EXIT
    mkdir m; mount $loop m
    printf '\\377\\377' | dd of=$loop bs=1 seek=1040 conv=notrunc status=none
    "$1" $loop; echo $?
    """, program("rofs-superblock"))
    assert (done.stdout, done.stderr) == ("0\n", "")

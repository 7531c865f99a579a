"""rofs-superblock on images: what it repairs, and what it leaves alone."""

from __future__ import annotations

import os
import random
import re
import signal
import subprocess
import time
from pathlib import Path
from typing import Callable, Dict, Sequence

import pytest
from support import Namespace, need_programs, program, run_program, snapshot
from vm import disk

MIB = disk.MIB
# Of damaged superblocks; more with ROFS_DAMAGES=5000.
DAMAGES = int(os.environ.get("ROFS_DAMAGES", "240"))
DISAGREES = "it does not agree with its backup copy"
OUT_OF_RANGE = "it has values that the kernel does not write"


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
    assert (done.returncode, done.stdout) == (0, "")
    assert done.stderr == (
        f"rofs-superblock: {image}: the ext4 superblock was torn, probably by a power cut; it"
        " agrees with its backup"
        f" copy in block {block}, and its checksum has been corrected\n")
    assert run(image).stderr == ""
    status, output = disk.replay(image)
    assert status == 1, output
    assert "recovering journal" in output
    assert "was not cleanly unmounted, check forced" in output
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
    (0x00, 7, DISAGREES),
    (0x04, 5, "there is no backup copy to compare it with"),
    (0x04, 0x7fffffff, DISAGREES),
    (0x14, 1, DISAGREES),
    (0x14, 0x7fffffff, "there is no backup copy to compare it with"),
    (0x18, 7, "there is no backup copy to compare it with"),
    (0x18, 0xffffffff, "there is no backup copy to compare it with"),
    (0x20, 0, "there is no backup copy to compare it with"),
    (0x20, 0xffffffff, "there is no backup copy to compare it with"),
    (0x28, 0, DISAGREES),
    (0x60, 0, DISAGREES),
    (0x270, 1, DISAGREES),
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


# The fields that have cost data, or the name of the file system, and one of each kind besides.
@pytest.mark.parametrize(("field", "size", "why"), [
    ("s_log_cluster_size 0x1c", 1, DISAGREES), ("s_errors 0x3c", 1, DISAGREES),
    ("s_inode_size 0x58", 2, DISAGREES), ("s_block_group_nr 0x5a", 1, OUT_OF_RANGE),
    ("s_feature_compat 0x5c", 1, DISAGREES), ("s_feature_incompat 0x61", 1, DISAGREES),
    ("s_feature_ro_compat 0x66", 1, DISAGREES), ("s_uuid 0x68", 1, DISAGREES),
    ("s_uuid 0x77", 1, DISAGREES), ("s_volume_name 0x78", 4, DISAGREES),
    ("s_journal_uuid 0xd0", 16, DISAGREES), ("s_journal_inum 0xe0", 1, DISAGREES),
    ("s_hash_seed 0xec", 1, DISAGREES), ("s_def_hash_version 0xfc", 1, DISAGREES),
    ("s_jnl_blocks 0x120", 1, DISAGREES), ("s_min_extra_isize 0x15c", 1, DISAGREES),
    ("s_flags 0x160", 1, DISAGREES), ("s_mount_opts 0x200", 8, DISAGREES),
    ("s_checksum_seed 0x270", 1, DISAGREES), ("s_reserved 0x300", 1, DISAGREES),
    ("s_state 0x3a", 2, OUT_OF_RANGE), ("s_last_orphan 0xeb", 1, OUT_OF_RANGE),
    ("s_free_blocks_count_hi 0x158", 1, OUT_OF_RANGE),
])
def test_damaged_field_is_left_to_people(tmp_path: Path, field: str, size: int, why: str) -> None:
    """A power cut tears at the middle; it does not change one field of the file system itself."""
    image = make(tmp_path / "image", 20 * MIB, ["-b", "1024"])
    superblock = disk.read_superblock(image)
    offset = int(field.split()[1], 16)
    for i in range(offset, offset + size):
        superblock[i] ^= 0xff
    disk.write_superblock(image, superblock)
    assert_refused(image, why)


def test_journal_that_the_superblock_denies(tmp_path: Path) -> None:
    """The kernel would drop it when it mounts the file system, and all that only it has."""
    image = make(tmp_path / "image")
    superblock = disk.read_superblock(image)
    superblock[0x60] &= ~4
    disk.write_superblock(image, superblock)
    assert_refused(image, "it says that its journal is empty, which is not so")


def test_journal_that_is_not_there(tmp_path: Path) -> None:
    image = tmp_path / "image"
    disk.mke2fs(image, 192 * MIB, "data", arguments=["-b", "4096"])
    block = int(disk.debugfs(image, "bmap <8> 0"))
    with image.open("r+b") as f:
        f.seek(block * 4096)
        f.write(bytes(4096))
    disk.tear_superblock(image)
    assert_refused(image, "its journal cannot be read")


@pytest.mark.parametrize(("size", "arguments"), [
    (20 * MIB, ["-b", "1024", "-O", "^extent,^64bit"]),
    (2048 * MIB, ["-b", "1024", "-J", "size=400"]),
], ids=["without extents", "of many extents"])
def test_empty_journal_is_found(tmp_path: Path, size: int, arguments: Sequence[str]) -> None:
    image = tmp_path / "image"
    disk.mke2fs(image, size, "data", arguments=arguments)
    disk.tear_superblock(image)
    assert run(image).returncode == 0
    assert disk.replay(image)[0] in (0, 1)


@pytest.mark.unemulated
def test_without_e2fsck_nothing_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    image = make(tmp_path / "image")
    disk.tear_superblock(image)
    before = image.read_bytes()
    monkeypatch.setenv("PATH", str(tmp_path))
    done = run(image)
    assert (done.returncode, done.stdout, done.stderr) == (
        1, "", f"rofs-superblock: {image}: the ext4 superblock is torn, but e2fsck cannot be run:"
               " No such file or directory\n")
    assert image.read_bytes() == before


@pytest.fixture
def fake_e2fsck(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str, str], None]:
    """Sets what a program in place of e2fsck does the first and the second time."""
    def make_fake(first: str, second: str) -> None:
        fake = tmp_path / "e2fsck"
        fake.write_text(f"#!/bin/sh\necho \"$@\" >>$0.log\n"
                        f"[ -e $0.again ] || {{ : > $0.again; {first}; }}\n{second}\n")
        fake.chmod(0o755)
        monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    return make_fake


def count_runs(tmp_path: Path) -> int:
    text = (tmp_path / "e2fsck.log").read_text()
    assert text == "-fn /proc/self/fd/0\n" * text.count("\n")
    return text.count("\n")


def test_what_makes_it_worse_is_put_back(
    tmp_path: Path, fake_e2fsck: Callable[[str, str], None]
) -> None:
    """e2fsck finds one more error the second time."""
    image = make(tmp_path / "image")
    disk.tear_superblock(image)
    fake_e2fsck("echo 1; exit 4", "echo 1; echo 2; exit 4")
    assert_refused(image, "e2fsck finds more errors with a correct one, so it was put back")
    assert count_runs(tmp_path) == 2


FAILURES = {"exit 8": "failed with exit status 8", "exit 16": "failed with exit status 16",
            "exit 127": "failed with exit status 127", "kill -9 $$": "was killed by signal 9"}


@pytest.mark.parametrize("failure", [how for how in FAILURES if how != "exit 8"])
def test_without_a_verdict_of_e2fsck_nothing_is_written(
    tmp_path: Path, fake_e2fsck: Callable[[str, str], None], failure: str
) -> None:
    """It fails in the same way each time, as without memory."""
    image = make(tmp_path / "image")
    disk.tear_superblock(image)
    fake_e2fsck(failure, failure)
    assert_refused(image, f"e2fsck {FAILURES[failure]}, so nothing was written")
    assert count_runs(tmp_path) == 1


@pytest.mark.parametrize("first", ["echo 1; exit 4", "echo 1; exit 8"])
@pytest.mark.parametrize("failure", FAILURES)
def test_what_e2fsck_gives_no_verdict_on_is_put_back(
    tmp_path: Path, fake_e2fsck: Callable[[str, str], None], failure: str, first: str
) -> None:
    """The first time, it cannot open a file system whose backup copy has a wrong checksum too."""
    image = make(tmp_path / "image")
    disk.tear_superblock(image)
    fake_e2fsck(first, failure)
    assert_refused(image, f"e2fsck {FAILURES[failure]} with a correct one, so it was put back")
    assert count_runs(tmp_path) == 2


SIGNALS = [signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGALRM, signal.SIGQUIT]


@pytest.mark.parametrize("number", SIGNALS, ids=lambda s: s.name)
def test_signal_leaves_no_superblock_without_a_verdict(
    tmp_path: Path, fake_e2fsck: Callable[[str, str], None], number: signal.Signals
) -> None:
    """systemd sends it to both, a person to rofs-superblock alone."""
    image = make(tmp_path / "image")
    disk.tear_superblock(image)
    fake_e2fsck("exit 4", f"kill -{int(number)} $PPID; kill -{int(number)} $$; sleep 1; exit 4")
    assert_refused(image, f"e2fsck was killed by signal {int(number)} with a correct one, so it was"
                          " put back")


def test_signal_to_it_alone_comes_after_the_verdict(
    tmp_path: Path, fake_e2fsck: Callable[[str, str], None]
) -> None:
    image = make(tmp_path / "image")
    disk.tear_superblock(image)
    fake_e2fsck("exit 4", "kill $PPID; exit 4")
    assert "its checksum has been corrected" in run(image).stderr
    assert disk.superblock_state(image) == "not clean"


TREE = {f"/{name}": disk.File(f"{name} " * n) for name, n in
        [("a", 1), ("b", 700), ("c/d", 20), ("c/e/f", 5000), ("c/e/g", 3), ("h/i", 40)]}
KINDS = {"dirty": ["-b", "1024"], "4 KiB": ["-b", "4096"], "clean": ["-b", "1024"],
         "seed": ["-b", "1024", "-O", "metadata_csum_seed"],
         "32 bits": ["-b", "1024", "-O", "^64bit"]}


def tree_of(image: Path, into: Path) -> Dict[str, str]:
    into.mkdir()
    subprocess.run([disk.DEBUGFS, "-R", f"rdump / {into}", str(image)], check=True,
                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    tree = snapshot(into)
    subprocess.run(["rm", "-rf", str(into)], check=True)
    return tree


@pytest.fixture(scope="module")
def originals(tmp_path_factory: pytest.TempPathFactory) -> Dict[str, Path]:
    need_programs("debugfs", "mke2fs")
    images = {}
    for kind, arguments in KINDS.items():
        images[kind] = image = tmp_path_factory.mktemp("original") / "image"
        disk.mke2fs(image, (160 if kind == "4 KiB" else 20) * MIB, "data", arguments=arguments)
        disk.write_files(image, TREE)
        if kind != "clean":
            disk.write_with_journal(image, "file", "old contents\n", "new contents\n")
    return images


def damage(image: Path, chance: random.Random) -> str:
    superblock = disk.read_superblock(image)
    offset = chance.randrange(1024)
    size = chance.choice((1, 1, 2, 4, 16))
    for i in range(offset, min(offset + size, 1024)):
        superblock[i] ^= chance.choice((1 << chance.randrange(8), chance.randrange(1, 256)))
    disk.write_superblock(image, superblock)
    return f"{size} bytes at {offset:#x}"


@pytest.mark.parametrize("kind", KINDS)
def test_random_damage_is_repaired_only_if_fsck_then_gives_the_same_tree(
    tmp_path: Path, originals: Dict[str, Path], kind: str
) -> None:
    image = tmp_path / "image"
    disk.copy_sparse(originals[kind], image)
    disk.replay(image)
    expected = tree_of(image, tmp_path / "tree")
    assert "c/e/f" in expected
    repaired = 0
    for number in range(DAMAGES // len(KINDS)):
        disk.copy_sparse(originals[kind], image)
        what = damage(image, random.Random(f"{kind} {number}"))
        before = disk.read_superblock(image)
        if run(image).returncode != 0:
            assert disk.read_superblock(image) == before, (number, what)
            continue
        if disk.read_superblock(image) == before:
            continue
        repaired += 1
        status, output = disk.replay(image)
        assert status in (0, 1), (number, what, output)
        assert tree_of(image, tmp_path / "tree") == expected, (number, what)
    assert repaired > 0


@pytest.mark.parametrize("kind", KINDS)
def test_torn_superblock_of_every_kind_is_repaired(
    tmp_path: Path, originals: Dict[str, Path], kind: str
) -> None:
    image = tmp_path / "image"
    disk.copy_sparse(originals[kind], image)
    disk.tear_superblock(image)
    assert run(image).returncode == 0
    assert disk.replay(image)[0] in (0, 1)
    assert disk.fsck(image)[0] == 0


def test_features_that_the_kernel_has_added_are_no_difference(tmp_path: Path) -> None:
    image = make(tmp_path / "image", arguments=["-O", "^ext_attr,^large_file"])
    superblock = disk.read_superblock(image)
    superblock[0x5c] |= 0x8
    superblock[0x64] |= 0x2
    disk.write_superblock(image, superblock)
    disk.tear_superblock(image)
    assert run(image).returncode == 0
    assert disk.superblock_state(image) == "not clean"


@pytest.mark.parametrize("arguments", [
    ["-L", "other"], ["-m", "0", "-c", "9", "-i", "3d"], ["-e", "remount-ro"], ["-U", "random"],
    ["-E", "mount_opts=noatime", "-o", "journal_data"],
], ids=" ".join)
def test_what_tune2fs_has_changed_is_no_difference(
    tmp_path: Path, arguments: Sequence[str]
) -> None:
    image = tmp_path / "image"
    disk.mke2fs(image, 192 * MIB, "data")
    subprocess.run([disk.TUNE2FS, "-f", *arguments, str(image)], check=True,
                   stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    disk.tear_superblock(image)
    done = run(image)
    assert done.returncode == 0 and "has been corrected" in done.stderr
    assert disk.replay(image)[0] in (0, 1)


@pytest.mark.parametrize("recover", [0, 4])
def test_file_system_that_grew_while_mounted(tmp_path: Path, recover: int) -> None:
    """The kernel then copies the superblock as it is: in use, with a journal to be replayed."""
    image = tmp_path / "image"
    disk.mke2fs(image, 20 * MIB, "data", arguments=["-b", "1024"])
    os.truncate(image, 60 * MIB)
    subprocess.run(["/sbin/resize2fs", str(image)], check=True, stdout=subprocess.DEVNULL,
                   stderr=subprocess.DEVNULL)
    superblock = disk.read_superblock(image)
    superblock[0x60] |= recover
    with image.open("r+b") as f:
        f.seek(8193 * 1024)
        f.write(superblock)
    disk.write_with_journal(image, "file", "old contents\n", "new contents\n")
    disk.tear_superblock(image)
    done = run(image)
    assert done.returncode == 0 and "has been corrected" in done.stderr
    assert disk.replay(image)[0] in (0, 1)
    assert content(image) == "new contents\n"
    assert disk.fsck(image)[0] == 0


@pytest.mark.root
def test_file_system_that_was_in_use(in_namespace: Namespace, tmp_path: Path) -> None:
    """What the kernel changes is no difference, whichever of its versions a sector is of."""
    image = tmp_path / "image"
    disk.mke2fs(image, 100 * MIB, "data", arguments=["-b", "1024"])
    done = in_namespace("""
    save() { sync -f m; cp --sparse=always image $1; }
    loop=$(losetup -f --show image); mkdir m; cp image 1; mount $loop m
    trap 'exec 7>&-; umount -q m || :; losetup -d $loop' EXIT
    save 2; cp -r /etc/apt m; save 3; exec 7>m/open; rm m/open; save 4; tune2fs -L other $loop
    echo >m/f; save 5; setfattr -n user.a -v b m/f; save 6; truncate -s 3G m/f; save 7
    exec 7>&-; rm -r m/apt; save 8; umount m; cp --sparse=always image 9
    """)
    assert done.returncode == 0, done.stderr
    states = [tmp_path / str(number) for number in range(1, 10)]
    superblocks = [disk.read_superblock(state) for state in states]
    repaired = 0
    for older, newer, state in zip(superblocks, superblocks[1:], states[1:]):
        for torn in (older[:512] + newer[512:], newer[:512] + older[512:]):
            disk.copy_sparse(state, image)
            disk.write_superblock(image, torn)
            done = run(image)
            if older[0x78:0x88] == newer[0x78:0x88]:
                assert done.returncode == 0, state
            repaired += "has been corrected" in done.stderr
            if done.returncode == 0:
                status, output = disk.replay(image)
                assert status in (0, 1), (state, output)
                assert disk.fsck(image)[0] == 0
    assert repaired > 8


def test_fsck_of_a_clean_root_can_tear_its_superblock(tmp_path: Path) -> None:
    """What the cut of one boot costs where the initramfs runs fsck on /: nobody repairs that."""
    image = tmp_path / "root"
    disk.mke2fs(image, 192 * MIB, "root")
    before = disk.read_superblock(image)
    time.sleep(1.1)  # the superblock has the time of the last write, in seconds
    assert disk.replay(image)[0] == 0
    after = disk.read_superblock(image)
    assert before[:512] != after[:512] and before[512:] != after[512:]

    disk.write_superblock(image, after[:512] + before[512:])
    assert disk.superblock_state(image) == "torn"
    status, output = disk.replay(image)
    assert status == 8, output
    assert "Superblock checksum does not match superblock" in output
    assert disk.superblock_state(image) == "torn"


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


def test_label_of_a_foreign_medium_adds_no_property(tmp_path: Path) -> None:
    image = make(tmp_path / "image")
    superblock = disk.read_superblock(image)
    superblock[0x78:0x88] = b"a\nX=1\x1b[31\xc2\x9b\x7f\xffb"
    disk.write_superblock(image, superblock)
    done = run("--export", image)
    names = [line.split("=")[0] for line in done.stdout.split("\n")]
    assert names == ["ID_FS_TYPE", "ID_FS_USAGE", "ID_FS_UUID", "ID_FS_UUID_ENC", "ID_FS_LABEL",
                     "ID_FS_LABEL_ENC", ""]
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\udc80-\udcff]", done.stdout), done.stdout


def test_device_of_any_name_is_one_line(tmp_path: Path) -> None:
    image = make(tmp_path / "a\n\x1b[31m\x9bb")
    disk.tear_superblock(image)
    done = run(image)
    assert done.stderr.startswith(
        rf"rofs-superblock: {tmp_path}/a\x0a\x1b[31m\xc2\x9bb: the ext4 superblock")
    assert done.stderr.count("\n") == 1


@pytest.mark.root
@pytest.mark.parametrize("in_journal", [True, False])
def test_files_that_were_open_and_deleted_are_no_question(
    in_namespace: Namespace, tmp_path: Path, in_journal: bool
) -> None:
    """Their list is in the superblock and not in its backup copy, with which e2fsck -p gives up.

    The journal may have a whole superblock, or nothing more, as when the root is remounted.
    """
    image = make(tmp_path / "image")
    script = """
    mkdir m; mount -o loop image m; trap 'exec 7>&- 8>&-; umount m' EXIT
    exec 7>m/a 8>m/b; echo a >&7; echo b >&8; sync -f m; rm m/a m/b; sync -f m
    cp --sparse=always image cut
    """
    done = in_namespace(script)
    assert (done.returncode, done.stderr) == (0, "")
    cut = image.with_name("cut")
    if not in_journal:
        subprocess.run([disk.DEBUGFS, "-w", "-R", "journal_run", str(cut)], check=True,
                       stderr=subprocess.DEVNULL)
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
    loop = done.stderr.split(": ")[1]
    assert (done.stdout, done.stderr) == (
        "0\n", f"rofs-superblock: {loop}: mounted or in use by another program; its superblock was"
               " not checked\n")


@pytest.mark.root
def test_block_device_is_held_from_the_first_read_to_the_last_write(
    in_namespace: Namespace, tmp_path: Path
) -> None:
    """Another program that asks for it exclusively, as mount does, gets it after that only."""
    image = make(tmp_path / "image")
    disk.tear_superblock(image)
    (tmp_path / "e2fsck").write_text(
        "#!/bin/sh\nmount $LOOP m; echo mount $? >>$0.log\nPATH=/sbin:/usr/sbin e2fsck \"$@\"\n")
    (tmp_path / "e2fsck").chmod(0o755)
    done = in_namespace("""
    export LOOP=$(losetup -f --show image); trap 'losetup -d $LOOP' EXIT; mkdir m
    PATH=$PWD:$PATH "$1" $LOOP; blockdev --flushbufs $LOOP; cat e2fsck.log
    """, program("rofs-superblock"))
    assert "its checksum has been corrected\n" in done.stderr, done
    assert done.stdout == "mount 32\nmount 32\n"
    assert disk.replay(image)[0] == 1
    assert content(image) == "new contents\n"

"""Random changes of overlays: what `rofs commit` writes is what was there, and the judge of it.

tests/commit/run makes thousands of series. ROFS_SERIES: how many images with some series each are
made here per file system; ROFS_SEED: of the first one.
"""

from __future__ import annotations

import dataclasses
import os
from pathlib import Path
from typing import List

import build_tree
import pytest
from commit import expected, reference, series, system
from commit.tree import Entry, Tree, differences
from support import build_directory, need_programs, program

IMAGES = int(os.environ.get("ROFS_SERIES") or 5)
SEED = os.environ.get("ROFS_SEED") or "test"
TYPES = [name for name in system.MAKE if name != "f2fs" or system.can_mount(name)]
REGULAR, DIRECTORY = 0o100000, 0o040000


@pytest.fixture
def programs(tmp_path: Path) -> Path:
    """A directory with those that were built."""
    need_programs("losetup", "blockdev", "mkfs.ext4", "mkfs.xfs", "mkfs.btrfs",
                  "xfs_repair", "e2fsck")
    for name in system.PROGRAMS:
        program(name)
    return build_tree.gather(build_directory(), system.PROGRAMS, tmp_path / "programs")


def told(found: List[series.Finding]) -> str:
    """For a failure: what to repeat, and how."""
    return "\n".join(f"{finding}\nrepeat: tests/commit/run --only {finding.series.split('.')[0]}"
                     for finding in found)


@pytest.mark.root
@pytest.mark.parametrize("fstype", TYPES)
def test_copy_by_hand_is_right(fstype: str, programs: Path, tmp_path: Path) -> None:
    """Or the judge would be wrong."""
    found = series.chain(fstype, "reference", programs, tmp_path, 2, reference.commit())
    assert not found, told(found)


@pytest.mark.root
@pytest.mark.parametrize("wrong", reference.WRONG)
def test_judge_sees_what_is_wrong(wrong: str, programs: Path, tmp_path: Path) -> None:
    found = series.chain("ext4", "reference", programs, tmp_path, 1, reference.commit(wrong))
    assert len(found) == 1
    words = "\n".join(found[0].wrong)
    assert ("superblock" if wrong == reference.STAYS_WRITABLE else "the flash: ") in words \
        or "allocated" in words
    assert "ends with" not in words


def entry(kind: int = REGULAR, content: bytes = b"old", inode: int = 1, mode: int = 0o644) -> Entry:
    """A file of a tree."""
    return Entry(kind, mode, 0, 0, 0, len(content), content, 0, (), 0, (1, inode), 1, 0, 0)


def folder(mode: int = 0o755) -> Entry:
    return entry(DIRECTORY, b"", 0, mode)


OLD: Tree = {b".": folder(), b"d": folder(), b"d/a": entry(inode=2), b"d/b": entry(inode=3),
             b"gone": folder(), b"gone/f": entry(inode=4)}
NEW: Tree = {b".": folder(), b"d": folder(0o700), b"d/a": entry(content=b"new", inode=2),
             b"d/b": entry(content=b"new", inode=2), b"n": folder(), b"n/m": entry(inode=9),
             b"n/o": entry(inode=10)}


@pytest.mark.parametrize(("chosen", "paths", "new"), [
    ([b"d"], {b"d", b"d/a", b"d/b", b"gone", b"gone/f"}, {b"d/a", b"d/b"}),
    ([b"d/a"], {b"d", b"d/a", b"d/b", b"gone", b"gone/f"}, {b"d/a"}),
    ([b"gone"], {b"d", b"d/a", b"d/b"}, set()),
    ([b"n/m"], {b"d", b"d/a", b"d/b", b"gone", b"gone/f", b"n", b"n/m"}, set()),
], ids=["a directory", "a file", "a deletion", "a file in a new directory"])
def test_what_a_commit_of_some_paths_must_give(chosen: List[bytes], paths: "set[bytes]",
                                               new: "set[bytes]") -> None:
    result, _ = expected.committed(OLD, NEW, chosen)
    assert result.keys() == {b".", *paths}
    assert {path for path in result if result[path].content == b"new"} == new


def test_links_of_what_was_committed_are_those_of_the_new_tree() -> None:
    both, _ = expected.committed(OLD, NEW, [b"d/a", b"d/b"])
    assert differences(both, {**OLD, b"d/a": NEW[b"d/a"], b"d/b": NEW[b"d/b"]}) == []
    one, _ = expected.committed(OLD, NEW, [b"d/a"])
    assert differences(one, {**OLD, b"d/a": NEW[b"d/a"]}) == []


@pytest.mark.root
def test_series_of_a_seed_are_always_the_same(programs: Path, tmp_path: Path) -> None:
    """In what they do."""
    done = []
    for _ in range(2):
        found = series.chain("ext4", "same", programs, tmp_path, 1, reference.commit("mode"))
        done.append(found[0].done)
    assert done[0] == done[1]


def test_what_was_not_changed_may_stay_one_file_with_what_is_not_committed() -> None:
    old: Tree = {b".": folder(), b"d": folder(), b"d/a": entry(inode=2), b"b": entry(inode=2)}
    new: Tree = {**old, b"d": folder(0o700)}
    wanted, _ = expected.committed(old, new, [b"d"])
    assert differences(wanted, new) != []
    assert differences(wanted, new, uncertain=expected.unchanged(old, new, [b"d"])) == []


def test_time_of_a_directory_alone_is_no_change() -> None:
    old: Tree = {b".": folder(), b"d": folder(), b"f": entry()}
    new: Tree = {b".": folder(), b"d": dataclasses.replace(folder(0o700), mtime=1),
                 b"f": dataclasses.replace(entry(), mtime=1)}
    assert expected.only_times(old, new) == {b"."}
    assert expected.only_times(old, {**new, b"d": dataclasses.replace(folder(), mtime=1)}) == {
        b".", b"d"}


@pytest.mark.root
@pytest.mark.parametrize("fstype", TYPES)
def test_commit_of_random_changes(fstype: str, programs: Path, tmp_path: Path) -> None:
    found = [finding for number in range(IMAGES)
             for finding in series.chain(fstype, f"{SEED}-{number}", programs, tmp_path)]
    assert not found, told(found)

"""Transactions on real file systems: all new or all old, and nothing that is in use is lost."""

from __future__ import annotations

import errno
import mmap
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Dict, List

import pytest
from support import built
from transaction_disk import APPEND, IMMUTABLE, MAKE, Disk, flags_of, set_flags, steps, tree_of

pytestmark = pytest.mark.root

TIMES = {"etc": 1_000_000_000, "etc/sub": 1_100_000_000, "usr": 1_200_000_000, "var": 1_300_000_000}


@pytest.fixture(params=list(MAKE))
def disk(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Disk]:
    made = Disk(tmp_path, request.param)
    yield made
    made.close()


@pytest.fixture
def ext4(tmp_path: Path) -> Iterator[Disk]:
    made = Disk(tmp_path, "ext4")
    yield made
    made.close()


def make_lower(root: Path) -> None:
    for name in TIMES:
        (root / name).mkdir(parents=True)
    (root / "rofs").mkdir(mode=0o700)
    for name in ("etc/file", "etc/gone", "etc/fixed", "etc/become-dir", "etc/sub/log", "usr/tool"):
        (root / name).write_text(f"old {name}\n")
    os.setxattr(root / "etc/sub", "user.old", b"1")
    os.symlink("file", root / "etc/link")
    for name in ("var/tree", "var/gone-tree"):
        (root / name / "below").mkdir(parents=True)
        (root / name / "below/file").write_text("old\n")
    for directory, names, files in os.walk(root, topdown=False):
        for name in names + files:
            os.utime(Path(directory) / name, (900_000_000, 900_000_000), follow_symlinks=False)
    for name, time in TIMES.items():
        os.utime(root / name, (time, time))
    set_flags(root / "etc/fixed", IMMUTABLE)
    set_flags(root / "etc/sub/log", APPEND)
    set_flags(root / "usr", IMMUTABLE)


def make_sources(source: Path) -> None:
    """What the new files are copied from."""
    source.mkdir()
    (source / "file").write_text("new\n")
    (source / "tree/a/b").mkdir(parents=True)
    (source / "tree/a/b/file").write_text("new\n")
    os.symlink("nowhere", source / "link")
    (source / "attributes").mkdir(mode=0o750)
    os.chown(source / "attributes", 5, 6)
    os.setxattr(source / "attributes", "user.new", b"2")
    for name in ("file", "tree/a/b/file", "tree/a/b", "tree/a", "tree", "attributes"):
        os.utime(source / name, (1_500_000_000, 1_500_000_000))


def change(source: Path) -> List[str]:
    """Each kind of change, in no order."""
    return [
        "begin commit",
        f"new 0 usr/tool {source}/file",
        f"new 0 etc/file {source}/file",
        "gone 0 etc/gone",
        f"new 0 etc/fixed {source}/file", f"flags {1}",
        f"new 0 etc/added {source}/file",
        f"new 0 etc/link {source}/link",
        f"new 0 etc/become-dir {source}/tree",
        f"attributes 0 etc/sub {source}/attributes",
        f"new 0 etc/sub/log {source}/file",
        f"new 0 var/tree {source}/tree",
        "gone 0 var/gone-tree",
        f"new 0 var/added-tree {source}/tree",
    ]


def remove(root: Path) -> None:
    for directory, names, files in os.walk(root):
        for path in (Path(directory) / name for name in [".", *names, *files]):
            if not path.is_symlink():
                set_flags(path, 0)
    shutil.rmtree(root)


def make_case(disk: Disk, name: str) -> Path:
    root = disk.root / name
    root.mkdir()
    make_lower(root)
    return root


def run(root: Path, lines: List[str], **environment: str) -> List[str]:
    return steps([str(root)], lines, environment)


def is_ok(answers: List[str]) -> bool:
    return all(line.startswith("ok") for line in answers)


@pytest.fixture
def source(tmp_path: Path) -> Path:
    make_sources(tmp_path / "source")
    return tmp_path / "source"


def test_each_kind_of_change(disk: Disk, source: Path) -> None:
    root = make_case(disk, "case")
    old = tree_of(root)
    assert is_ok(answers := run(root, [*change(source), "switch", "done"])), answers
    new = tree_of(root)
    changed = {name for name in {*old, *new} if old.get(name) != new.get(name)}
    assert changed == {
        "usr/tool", "etc/file", "etc/gone", "etc/fixed", "etc/added", "etc/link", "etc/become-dir",
        "etc/become-dir/a", "etc/become-dir/a/b", "etc/become-dir/a/b/file", "etc/sub",
        "etc/sub/log",
        "var/tree", "var/tree/below", "var/tree/below/file", "var/tree/a", "var/tree/a/b",
        "var/tree/a/b/file",
        "var/gone-tree", "var/gone-tree/below", "var/gone-tree/below/file",
        "var/added-tree", "var/added-tree/a", "var/added-tree/a/b", "var/added-tree/a/b/file"}
    assert new["etc/sub"][:5] == ("drwxr-x---", 5, 6, 1_500_000_000_000_000_000, {"user.new": b"2"})
    assert flags_of(root / "etc/fixed") & IMMUTABLE
    assert flags_of(root / "usr") & IMMUTABLE
    assert sorted(os.listdir(root / "rofs")) == ["kept.1", "log"]
    assert disk.remount("ro") == ""


def holders(root: Path) -> List[object]:
    """Everything that would pin an inode without a name."""
    held: List[object] = [open(root / name, "rb") for name in ("etc/file", "etc/gone",
                                                               "etc/become-dir")]
    held.append(os.open(root / "var/gone-tree", os.O_RDONLY))
    with open(root / "etc/sub/log", "rb") as file:
        held.append(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))
    set_flags(root / "usr", 0)
    shutil.copy("/bin/sleep", root / "usr/tool")
    held.append(subprocess.Popen([str(root / "usr/tool"), "10000"]))
    held.append(subprocess.Popen(["/bin/sleep", "10000"], cwd=root / "var/tree/below"))
    return held


def let_go(held: List[object]) -> None:
    for one in held:
        if isinstance(one, subprocess.Popen):
            one.kill()
            one.wait()
        elif isinstance(one, int):
            os.close(one)
        else:
            one.close()  # type: ignore[attr-defined]


def test_what_is_in_use_does_not_keep_it_writable(disk: Disk, source: Path) -> None:
    root = make_case(disk, "case")
    held = holders(root)
    try:
        assert is_ok(answers := run(root, [*change(source), "switch", "done"])), answers
        assert disk.remount("ro") == ""
        assert disk.remount("rw") == ""
        # The window after it finds what this boot has kept, and leaves it there.
        assert is_ok(answers := run(root, ["begin commit", "gone 0 etc/added", "switch",
                                           "done"])), answers
        assert disk.remount("ro") == ""
    finally:
        let_go(held)
    disk.remount("rw")


def count_calls(root: Path, lines: List[str], library: Path, count: Path) -> int:
    answers = run(root, lines, LD_PRELOAD=str(library), FAULT_COUNT=str(count))
    assert is_ok(answers), answers
    return int(count.read_text())


def test_a_cut_at_any_call_leaves_all_old_or_all_new(disk: Disk, source: Path, fault_library: Path,
                                                     tmp_path: Path) -> None:
    lines = [*change(source), "switch", "done"]
    whole = make_case(disk, "whole")
    old = tree_of(whole)
    n_calls = count_calls(whole, lines, fault_library, tmp_path / "count")
    new = tree_of(whole)
    assert old != new
    seen: Dict[str, int] = {"old": 0, "new": 0}

    for at in range(1, n_calls + 1):
        root = make_case(disk, f"case{at}")
        run(root, lines, LD_PRELOAD=str(fault_library), FAULT_AT=str(at), FAULT_SIGNAL="9")
        marked = (root / "rofs/commit").exists() or (root / "rofs/kept.1").exists()
        assert is_ok(run(root, ["finish"])), at
        assert run(root, ["finish"]) == ["ok 0"]
        assert tree_of(root) == (new if marked else old), at
        seen["new" if marked else "old"] += 1
        assert is_ok(answers := run(root, ["begin commit", "done"])), (at, answers)
        assert not (root / "rofs/staging").exists()
        remove(root)
    assert seen["old"] > 20 and seen["new"] > 20, seen


def find_mark(disk: Disk, lines: List[str], n_calls: int, library: Path) -> int:
    """The call before which the mark is set and nothing is switched: then "mark" is like that."""
    root = disk.root / "mark"
    for at in range(n_calls, 0, -1):
        make_case(disk, "mark")
        run(root, lines, LD_PRELOAD=str(library), FAULT_AT=str(at), FAULT_SIGNAL="9")
        if (root / "rofs/commit").exists() and not (root / "etc/added").exists():
            return at
        remove(root)
    raise AssertionError("the mark is never before the first switch")


def test_a_cut_while_it_is_finished(disk: Disk, source: Path, fault_library: Path,
                                    tmp_path: Path) -> None:
    lines = [*change(source), "switch", "done"]
    whole = make_case(disk, "whole")
    n_calls = count_calls(whole, lines, fault_library, tmp_path / "count")
    new = tree_of(whole)

    at_mark = find_mark(disk, lines, n_calls, fault_library)
    n_finish = count_calls(disk.root / "mark", ["finish"], fault_library, tmp_path / "count")
    assert tree_of(disk.root / "mark") == new
    for at in range(1, n_finish + 1):
        root = make_case(disk, f"case{at}")
        run(root, lines, LD_PRELOAD=str(fault_library), FAULT_AT=str(at_mark), FAULT_SIGNAL="9")
        run(root, ["finish"], LD_PRELOAD=str(fault_library), FAULT_AT=str(at), FAULT_SIGNAL="9")
        assert is_ok(run(root, ["finish"])), at
        assert tree_of(root) == new, at
        remove(root)


def test_without_memory(ext4: Disk, source: Path, tmp_path: Path) -> None:
    """Each allocation fails once."""
    lines = [*change(source), "switch", "done"]
    whole = make_case(ext4, "whole")
    old = tree_of(whole)
    library = built("tests/fault-memory.so")
    n_calls = count_calls(whole, lines, library, tmp_path / "count")
    new = tree_of(whole)
    seen = {"old": 0, "new": 0}
    for at in range(1, n_calls + 1):
        root = make_case(ext4, f"case{at}")
        answers = run(root, lines, LD_PRELOAD=str(library), FAULT_AT=str(at))
        if len(answers) == len(lines) and is_ok(answers[:-2]):
            switched = answers[-2].startswith("ok")
            assert tree_of(root) == (new if switched else old), (at, answers)
            seen["new" if switched else "old"] += 1
        assert not (root / "rofs/commit").exists(), at
        assert is_ok(answers := run(root, ["begin commit", "done"])), (at, answers)
        remove(root)
    assert seen["old"] > 20, seen


@pytest.mark.parametrize("number", [errno.EIO, errno.ENOSPC], ids=["EIO", "ENOSPC"])
def test_an_error_at_any_call_leaves_all_old_or_all_new(ext4: Disk, source: Path,
                                                        fault_library: Path, tmp_path: Path,
                                                        number: int) -> None:
    """And no mark, unless more than one call fails: nothing is left to a later boot."""
    lines = [*change(source), "switch", "done"]
    whole = make_case(ext4, "whole")
    old = tree_of(whole)
    n_calls = count_calls(whole, lines, fault_library, tmp_path / "count")
    new = tree_of(whole)
    seen = {"old": 0, "new": 0}
    for at in range(1, n_calls + 1):
        root = make_case(ext4, f"case{at}")
        answers = run(root, lines, LD_PRELOAD=str(fault_library), FAULT_AT=str(at),
                      FAULT_ERRNO=str(number))
        # Without a step, the rest is another transaction.
        if not is_ok(answers[:-2]) and len(answers) > 2:
            assert not (root / "rofs/commit").exists(), at
        elif answers[-2].startswith("ok"):
            assert tree_of(root) == new, at
            seen["new"] += 1
        elif answers[-2].startswith("-117"):
            assert is_ok(run(root, ["finish"])), at
            assert tree_of(root) == new, at
        else:
            assert tree_of(root) == old, (at, answers)
            assert not (root / "rofs/commit").exists(), at
            assert not (root / "rofs/staging").exists(), at
            seen["old"] += 1
        assert is_ok(answers := run(root, ["begin commit", "done"])), (at, answers)
        remove(root)
    assert seen["old"] > 20, seen

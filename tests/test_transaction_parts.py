"""Transactions over two file systems, what is left by earlier boots, and what is refused."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Dict, List, Tuple

import pytest
from support import built, need_programs
from transaction_disk import APPEND, IMMUTABLE, Disk, flags_of, set_flags, steps, tree_of

pytestmark = pytest.mark.root

EARLIER = "11111111-2222-3333-4444-555555555555"


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Disk]:
    need_programs("setfacl")
    made = Disk(tmp_path, "ext4")
    yield made
    made.close()


@pytest.fixture
def source(tmp_path: Path) -> Path:
    made = tmp_path / "source"
    (made / "tree").mkdir(parents=True)
    for name in ("file", "tree/file"):
        (made / name).write_text("new\n")
    for name in ("file", "tree/file", "tree"):
        os.utime(made / name, (1_500_000_000, 1_500_000_000))
    return made


def make(root: Path, *directories: str) -> None:
    for name in directories:
        (root / name).mkdir(parents=True)
        for file in ("a", "b"):
            (root / name / file).write_text("old\n")
            os.utime(root / name / file, (900_000_000, 900_000_000))
        os.utime(root / name, (950_000_000, 950_000_000))
    os.utime(root, (990_000_000, 990_000_000))


class Two:
    """A root file system and that of /home: directories of one disk, which is enough for that."""

    def __init__(self, disk: Disk, name: str) -> None:
        self.root = disk.root / name / "root"
        self.home = disk.root / name / "home"
        make(self.root, "etc")
        make(self.home, "user")
        (self.root / "rofs").mkdir(mode=0o700)
        os.utime(self.root, (990_000_000, 990_000_000))

    def run(self, lines: List[str], **environment: str) -> List[str]:
        return steps([f"{self.root}=/rofs/ro", f"{self.home}=/rofs/ro/home"], lines, environment)

    def run_on_root(self, lines: List[str]) -> List[str]:
        return steps([f"{self.root}=/rofs/ro"], lines)

    def trees(self) -> Tuple[Tuple[object, float], Tuple[object, float]]:
        root, home = ((tree_of(top), os.stat(top).st_mtime) for top in (self.root, self.home))
        return root, home

    def left(self) -> List[str]:
        return sorted(os.listdir(self.root / "rofs"))

    def left_at_home(self) -> List[str]:
        return sorted(os.listdir(self.home / ".rofs"))


def change_both(source: Path) -> List[str]:
    return ["begin commit", f"new 0 etc/a {source}/file", f"new 1 user/a {source}/file",
            "gone 1 user/b",
            f"new 1 user/c {source}/tree", "switch", "done"]


def is_ok(answers: List[str]) -> bool:
    return all(line.startswith("ok") for line in answers)


def test_two_file_systems(disk: Disk, source: Path) -> None:
    two = Two(disk, "two")
    old = two.trees()
    assert is_ok(answers := two.run(change_both(source))), answers
    assert two.trees() != old
    assert (two.left(), two.left_at_home()) == (["kept.1", "log"], ["kept.1"])
    st = os.lstat(two.home / ".rofs")
    assert (oct(st.st_mode), st.st_uid) == ("0o40700", 0)
    # The root of the file system has the time that it had.
    assert os.stat(two.home).st_mtime == 990_000_000


def test_two_file_systems_cut_at_any_call(disk: Disk, source: Path, fault_library: Path,
                                          tmp_path: Path) -> None:
    """The root is finished before the other one is mounted."""
    whole, count = Two(disk, "whole"), tmp_path / "count"
    old = whole.trees()
    assert is_ok(whole.run(change_both(source), LD_PRELOAD=str(fault_library),
                           FAULT_COUNT=str(count)))
    new = whole.trees()
    seen: Dict[str, int] = {}
    for at in range(1, int(count.read_text()) + 1):
        two = Two(disk, f"case{at}")
        two.run(change_both(source), LD_PRELOAD=str(fault_library), FAULT_AT=str(at),
                FAULT_SIGNAL="9")
        marked = (two.root / "rofs/commit").exists() or (two.root / "rofs/kept.1").exists()
        assert is_ok(two.run_on_root(["finish"])), at
        assert two.trees()[0] == (new if marked else old)[0], at
        phase = [name for name in two.left() if name.endswith(".1")] + ["unmarked"] * (not marked)
        seen[phase[0]] = seen.get(phase[0], 0) + 1
        # Another transaction may come before the other file system is there.
        if marked:
            assert is_ok(answers := two.run_on_root(["begin commit", "gone 0 etc/b", "switch",
                                                     "done"])), (at, answers)
            untouched = (two.home / ".rofs/staging.1").exists()
            assert untouched or two.trees()[1][0] in (old[1][0], new[1][0]), at
        assert is_ok(two.run(["finish"])), at
        assert two.run(["finish"]) == ["ok 0"]
        # A cut right after its first directory of transactions leaves it a new time.
        assert two.trees()[1][0] == (new if marked else old)[1][0], at
        assert not [name for name in two.left() if name.startswith("pending")], at
        assert is_ok(answers := two.run(["begin commit", "done"])), (at, answers)
        assert not [name for name in two.left_at_home() if name.startswith("staging")], at
        subprocess.run(["rm", "-r", str(two.root), str(two.home)], check=True)
    assert seen["unmarked"] > 10 and seen["pending.1"] > 5 and seen["kept.1"] > 0, seen


def test_a_transaction_finishes_what_is_pending_on_its_file_systems(disk: Disk, source: Path,
                                                                    fault_library: Path) -> None:
    for at in range(200, 0, -1):
        two = Two(disk, f"case{at}")
        two.run(change_both(source), LD_PRELOAD=str(fault_library), FAULT_AT=str(at),
                FAULT_SIGNAL="9")
        if (two.root / "rofs/commit").exists() and (two.home / "user/b").exists():
            break
    assert two.run_on_root(["begin commit"])[0] == \
        ("-1: an earlier transaction was interrupted; reboot to complete it, or see "
         "rofs-finish(8) if that has failed")
    assert is_ok(two.run_on_root(["finish"]))
    assert "pending.1" in two.left()
    assert is_ok(two.run(["begin commit", "gone 1 user/a", "switch", "done"]))
    assert not (two.home / "user/b").exists() and (two.home / "user/c/file").read_text() == "new\n"
    assert two.left() == ["kept.1", "kept.2", "log"] and two.left_at_home() == ["kept.1", "kept.2"]


def test_two_file_systems_are_put_back(disk: Disk, source: Path, fault_library: Path,
                                       tmp_path: Path) -> None:
    """In a recovery boot, somebody has changed a file on the root; the other is mounted later."""
    seen = {"before": 0, "after": 0}
    whole, count = Two(disk, "whole"), tmp_path / "count"
    old = whole.trees()
    assert is_ok(whole.run(change_both(source), LD_PRELOAD=str(fault_library),
                           FAULT_COUNT=str(count)))
    for at in range(1, int(count.read_text()) + 1):
        two = Two(disk, f"case{at}")
        two.run(change_both(source), LD_PRELOAD=str(fault_library), FAULT_AT=str(at),
                FAULT_SIGNAL="9")
        if (two.root / "rofs/commit").exists() and (two.home / ".rofs/staging.1").exists():
            switched = not (two.home / "user/b").exists()
            (two.root / "etc/a").rename(two.root / "a")
            (two.root / "etc/a").write_text("mine\n")
            if at % 2:  # that is interrupted as well
                steps([f"{two.root}=/rofs/ro"], ["finish"],
                      {"LD_PRELOAD": str(fault_library), "FAULT_AT": str(at % 60),
                       "FAULT_SIGNAL": "9"})
            two.run_on_root(["finish"])
            assert "commit" not in two.left(), at
            assert (two.root / "etc/a").read_text() == "mine\n"
            # And a second boot, in which it is not mounted either.
            assert is_ok(two.run_on_root(["finish"])), at
            assert is_ok(answers := two.run(["finish"])), (at, answers)
            assert two.trees()[1][0] == old[1][0], at
            assert is_ok(answers := two.run(["begin commit", "done"])), (at, answers)
            assert not [name for name in two.left() if name[:4] in ("pend", "tras")], at
            seen["after" if switched else "before"] += 1
        subprocess.run(["rm", "-r", str(two.root), str(two.home)], check=True)
    assert seen["before"] > 2 and seen["after"] > 2, seen


def test_what_cannot_be_completed_elsewhere_is_put_back_there(disk: Disk, source: Path) -> None:
    two = Two(disk, "two")
    assert is_ok(two.run(change_both(source)))
    kept, done = two.root / "rofs/kept.1", two.root / "rofs/kept.1/done.1"
    done.unlink()
    kept.rename(two.root / "rofs/pending.1")
    (two.home / ".rofs/kept.1").rename(two.home / ".rofs/staging.1")
    (two.home / "user/mine").write_text("mine\n")
    (two.home / "user/mine").rename(two.home / "user/a")  # not of the same inode number
    assert two.run(["finish"]) == [
        "-117: cannot complete the transaction in /rofs/pending.1: the files are not as the record "
        "says; there, all files are as before it"]
    assert two.left() == ["log", "trash.1"]
    assert (two.home / "user/b").exists() and (two.home / "user/a").read_text() == "mine\n"
    assert is_ok(answers := two.run(["begin commit", "done"])), answers


def test_what_changes_before_the_switch_is_left(disk: Disk, source: Path) -> None:
    """As by a command that has made / writable by itself. Nothing is left to the next boot."""
    root = disk.root / "case"
    make(root, "etc")
    (root / "rofs").mkdir(mode=0o700)
    with subprocess.Popen([str(built("tests/rofs-transaction-steps")), str(root)], text=True,
                          stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin and process.stdout

        def do(*lines: str) -> str:
            assert process.stdin and process.stdout
            process.stdin.write("".join(f"{line}\n" for line in lines))
            process.stdin.flush()
            return [process.stdout.readline() for _ in lines][-1]

        assert do("begin commit", f"new 0 etc/a {source}/file",
                  f"new 0 etc/b {source}/file").startswith("ok")
        (root / "etc/mine").write_text("mine\n")
        (root / "etc/mine").rename(root / "etc/b")
        assert do("switch") == \
            "-1: something else has changed the same files on flash meanwhile\n"
        assert do("done") == "ok 0\n"
    assert (root / "etc/a").read_text() == "old\n" and (root / "etc/b").read_text() == "mine\n"
    assert os.listdir(root / "rofs") == []


def lone(disk: Disk, name: str = "case") -> Path:
    root = disk.root / name
    make(root, "etc")
    (root / "rofs").mkdir(mode=0o700)
    return root


def run(root: Path, *lines: str) -> List[str]:
    return steps([str(root)], lines)


def age(root: Path, number: int) -> None:
    """As if it had been made in an earlier boot."""
    record = root / f"rofs/kept.{number}/record"
    lines = record.read_text().splitlines(keepends=True)
    words = lines[1].split(" ")
    words[4] = EARLIER
    record.write_text("".join([lines[0], " ".join(words), *lines[2:]]))


def test_what_earlier_boots_have_kept_is_removed(disk: Disk, source: Path) -> None:
    root = lone(disk)
    for _ in range(3):
        assert is_ok(run(root, "begin commit", f"new 0 etc/a {source}/tree", "switch", "done"))
    age(root, 1)
    age(root, 2)
    set_flags(root / "rofs/kept.2/slots/1/file", IMMUTABLE)
    set_flags(root / "rofs/kept.2/slots/1", APPEND)
    (root / "rofs/kept.9/x").mkdir(parents=True)
    (root / "rofs/trash.4/x").mkdir(parents=True)
    (root / "rofs/maintenance").write_text("")
    assert run(root, "begin commit", "done") == ["ok 10", "ok 0"]
    assert sorted(os.listdir(root / "rofs")) == ["kept.3", "log", "maintenance"]


def test_what_was_staged_by_a_run_that_died_is_removed(disk: Disk, source: Path) -> None:
    root = lone(disk)
    assert is_ok(run(root, "begin commit", f"new 0 etc/a {source}/file", "gone 0 etc/b"))
    assert sorted(os.listdir(root / "rofs")) == []
    assert run(root, "begin commit", f"new 0 etc/a {source}/file", "exit")[-1] == "ok 0"
    assert sorted(os.listdir(root / "rofs")) == ["staging"]
    assert is_ok(run(root, "begin commit", "done"))
    assert sorted(os.listdir(root / "rofs")) == []


def test_an_undo_gets_flags_and_times_back(disk: Disk, source: Path) -> None:
    root = lone(disk)
    set_flags(root / "etc/a", IMMUTABLE)
    set_flags(root / "etc/b", APPEND)
    set_flags(root / "etc", IMMUTABLE)
    old = tree_of(root)
    assert is_ok(run(root, "begin commit", f"new 0 etc/a {source}/tree", "gone 0 etc/b", "switch",
                     "done"))
    assert flags_of(root / "etc") & IMMUTABLE
    assert is_ok(run(root, "begin undo 1", "slot 0 etc/a kept.1/slots/1", f"flags {1}",
                     "slot 0 etc/b kept.1/gone/2",
                     f"flags {2}", "switch", "done"))
    assert tree_of(root) == old
    # What the undo has put away is in kept.1, and stays as long as kept.2.
    age(root, 1)
    assert is_ok(run(root, "begin commit", "done"))
    assert sorted(os.listdir(root / "rofs")) == ["kept.1", "kept.2", "log"]
    age(root, 2)
    assert is_ok(run(root, "begin commit", "done"))
    assert sorted(os.listdir(root / "rofs")) == ["log"]


REFUSED = {
    "link": (lambda root: ((root / "rofs").rmdir(), os.symlink("etc", root / "rofs")),
             "begin commit",
             "-1: /rofs/ro/rofs is not a directory with owner root and mode 0700"),
    "mode": (lambda root: os.chmod(root / "rofs", 0o755), "begin commit",
             "-1: /rofs/ro/rofs is not a directory with owner root and mode 0700"),
    "owner": (lambda root: os.chown(root / "rofs", 1, 1), "begin commit",
              "-1: /rofs/ro/rofs is not a directory with owner root and mode 0700"),
    "through a link": (lambda root: os.symlink("etc", root / "link"), "gone 0 link/a",
                       "-1: /link/a is reached through a symbolic link"),
    "dots": (lambda root: None, "gone 0 etc/../etc/a", "-1: /etc/../etc/a is not a clean path"),
    "absolute": (lambda root: None, "gone 0 /etc/a", "-1: //etc/a is not a clean path"),
    "nothing there": (lambda root: None, "gone 0 etc/c", "-2: No such file or directory"),
    "no directory": (lambda root: None, "gone 0 nothing/c", "-2: No such file or directory"),
    "the root": (lambda root: None, "gone 0 .", "-22: Invalid argument"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_refused(disk: Disk, case: str) -> None:
    prepare, line, answer = REFUSED[case]
    root = lone(disk)
    prepare(root)
    lines = [line] if line.startswith("begin") else ["begin commit", line]
    assert run(root, *lines)[-1] == answer


def test_room(disk: Disk) -> None:
    root = lone(disk)
    answers = run(root, "begin commit", "room 0 1000 1", "room 0 1000000000 1",
                  "room 0 0 100000000", "done")
    assert answers[1] == "ok 0"
    assert answers[2].startswith("-28: the file system at / has no room: 970 MiB are needed, ")
    assert answers[3].startswith("-28: the file system at / has no room: ")


def test_another_subvolume_is_refused(tmp_path: Path, source: Path) -> None:
    need_programs("btrfs")
    disk = Disk(tmp_path, "btrfs")
    try:
        root = lone(disk)
        disk.run("btrfs", "subvolume", "create", f"{disk.where}/case/etc/nested")
        (root / "etc/nested/file").write_text("old\n")
        old = tree_of(root)
        answers = run(root, "begin commit", f"new 0 etc/nested {source}/tree", "gone 0 etc/nested",
                      f"new 0 etc/nested/file {source}/file", f"new 0 etc/a {source}/file", "done")
        why = "is on another file system or subvolume, which cannot be changed with this one"
        assert answers == ["ok 1", f"-1: /etc/nested {why}", f"-1: /etc/nested {why}",
                           f"-1: /etc/nested/file {why}",
                           "ok 0", "ok 0"]
        assert tree_of(root) == old
    finally:
        disk.close()


def test_a_path_of_any_length(disk: Disk, source: Path) -> None:
    """Longer than the kernel takes at once."""
    root = lone(disk)
    name = "n" * 250
    fd = os.open(root / "etc", os.O_RDONLY)
    for _ in range(40):
        os.mkdir(name, dir_fd=fd)
        inner = os.open(name, os.O_RDONLY, dir_fd=fd)
        os.close(fd)
        fd = inner
    with open(os.open("file", os.O_WRONLY | os.O_CREAT, dir_fd=fd), "w", encoding="ascii") as file:
        file.write("old\n")
    path = "/".join(["etc", *[name] * 40])
    assert is_ok(answers := run(root, "begin commit", f"new 0 {path}/file {source}/file",
                                f"new 0 {path}/more {source}/file",
                                f"attributes 0 {path} {source}/tree", "switch", "done")), answers
    for file_name in ("file", "more"):
        with open(os.open(file_name, os.O_RDONLY, dir_fd=fd), encoding="ascii") as file:
            assert file.read() == "new\n"
    assert os.fstat(fd).st_mtime == 1_500_000_000
    os.close(fd)
    record = (root / "rofs/kept.1/record").read_text()
    assert path in record


def test_attributes_that_the_new_ones_lack_are_removed(disk: Disk, source: Path) -> None:
    root = lone(disk)
    for name in ("user.x", "trusted.x", "security.x"):
        os.setxattr(root / "etc", name, b"1")
    subprocess.run(["setfacl", "-d", "-m", "u:5:rwx", str(root / "etc")], check=True)
    old = tree_of(root)
    assert is_ok(run(root, "begin commit", f"attributes 0 etc {source}/tree", "switch", "done"))
    assert os.listxattr(root / "etc") == []
    inode = os.lstat(root / "etc").st_ino
    assert is_ok(answers := steps([str(root)], ["begin undo 1",
                                                f"attributes 0 etc {root}/rofs/kept.1/old/{inode}",
                                                "switch",
                                                "done"])), answers
    assert tree_of(root) == old

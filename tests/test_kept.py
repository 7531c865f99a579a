"""Old versions on flash: how many are kept when a machine commits for months without a reboot."""

from __future__ import annotations

import shlex
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Dict, List

import pytest
from overlay_commit import IMAGES, Commit
from support import built
from transaction_disk import Disk, steps

pytestmark = pytest.mark.root

MIB = 1024 * 1024
COMMITS = 30
# A commit without a word, and what is kept on flash.
STEPS = """
keep() { rofs commit --yes "$@" > /run/out || { cat /run/out; exit 1; }; }
log() { head -c 1M /dev/urandom > log; echo "version $1" > small; }
used() { du -s --block-size=1 /rofs/ro/rofs | cut -f 1; }
kept() { (cd /rofs/ro/rofs; ls -dv kept.*); }
"""
LOWER = "mkdir d; head -c 1M /dev/zero > log; echo boot > small; echo boot > d/file"


@pytest.mark.parametrize("kind", IMAGES)
def test_many_commits_in_one_boot(commit: Commit, kind: str) -> None:
    """What was there at boot stays, for who has it open; so does what can be undone."""
    told = commit(LOWER, f"""{STEPS}
    exec 3< /rofs/ro/var/log 4< log
    for i in $(seq {COMMITS}); do
        log $i; echo $i > new; mkdir -p d/made; echo $i > d/made/file; rm -f gone
        [ $((i % 2)) = 0 ] || echo $i > gone
        keep log small new d gone
    done
    echo == kept; kept; used
    echo == boot; find /rofs/ro/rofs/kept.1/slots -type f -size +0 -printf '%s\\n' | sort -n
    head -c {MIB} /dev/zero | cmp - /dev/fd/3 && echo same
    echo == live; cat small d/made/file
    echo == mounts; mount_state
    echo == diff; rofs diff --raw --noheadings --output=change,path /var
    echo == undo; status_of rofs undo | head -n 1; cat /rofs/ro/var/small
    echo == again; status_of rofs undo | head -n 1; cat /rofs/ro/var/small
    echo == third; status_of rofs undo; cat /rofs/ro/var/small
    echo == notes; rofs log --noheadings --output=NOTE | grep -c 'can be undone' || true
    rofs log --json | grep -c '"kept": true'
    echo == after; log after; keep log small; log more; keep log small; cat /rofs/ro/var/small
    mount_state
    """, kind=kind)
    *kept, used = told["kept"]
    assert int(used) < 4 * MIB
    assert len(kept) < 8 and kept[0] == "kept.1" and f"kept.{COMMITS}" in kept, kept
    assert told["boot"] == ["5", str(MIB), "same"]
    assert told["live"] == [f"version {COMMITS}", str(COMMITS)]
    assert told["mounts"] == ["ro", "ro"]
    assert {line.split()[0] for line in told["diff"]} == {"="}
    assert told["undo"] == ["0", f"version {COMMITS - 1}"]
    assert told["again"] == ["0", f"version {COMMITS - 2}"]
    assert told["third"][0] == "3"
    assert "cannot be undone" in told["third"][1]
    assert told["third"][2:] == [f"version {COMMITS - 2}"]
    assert told["notes"] == ["0", "3"]  # of the boot, and of both undos
    assert told["after"] == ["version more", "ro", "ro"]


def test_what_is_open_stays(commit: Commit) -> None:
    """A reader below /rofs/ro; and what a chroot or an undo has put there, which is seen."""
    told = commit(LOWER, f"""{STEPS}
    log 1; keep log small
    exec 3< /rofs/ro/var/small
    for i in 2 3 4 5; do log $i; keep log small; done
    echo == open; cat <&3; kept; mount_state
    exec 3<&-
    for i in 6 7; do log $i; keep log small; done
    echo == closed; kept
    """)
    assert told["open"] == ["version 1", "kept.1", "kept.2", "kept.3", "kept.4", "kept.5",
                            "ro", "ro"]
    assert told["closed"] == ["kept.1", "kept.5", "kept.6", "kept.7"]


def test_an_undo_in_between(commit: Commit) -> None:
    """The file of boot time is on flash again: what replaces it keeps it."""
    told = commit(LOWER, f"""{STEPS}
    log 1; keep log small
    rofs undo > /run/out; exec 3< /rofs/ro/var/small
    for i in 3 4 5 6; do log $i; keep log small; done
    exec 3<&-
    for i in 7 8; do log $i; keep log small; done
    echo == kept; kept; cat /rofs/ro/rofs/kept.3/slots/* | tail -c 5; mount_state
    """)
    assert told["kept"] == ["kept.1", "kept.2", "kept.3", "kept.6", "kept.7", "kept.8", "boot",
                            "ro", "ro"]


def test_a_revert_shows_no_file_of_a_commit(commit: Commit) -> None:
    """It puts a copy into the overlay: who has that open does not hold the file on flash."""
    told = commit(LOWER, f"""{STEPS}
    log 1; echo 1 > new; keep log small new
    log 2; echo changed >> new; rofs revert --yes log small new > /run/out
    echo 3 > /proc/sys/vm/drop_caches
    exec 3< small 4< new 5>> log; rm new small; tail -f /dev/null < log & reader=$!
    for i in 3 4 5; do log $i; echo $i > new; keep log small new; rm small; keep small; done
    rm new; keep new
    for i in 6 7 8; do log $i; echo $i > new; keep log small new; done
    echo == kept; cat <&3; cat <&4; kept; mount_state
    kill $reader
    """)
    assert told["kept"] == ["version 1", "1", "kept.1", "kept.9", "kept.10", "kept.11", "ro", "ro"]


def test_what_an_outer_overlay_shows(commit: Commit) -> None:
    """/var, bound elsewhere without /var/log on it: caches hold what was looked up there."""
    told = commit("mkdir log; echo boot > log/small", f"""{STEPS}
    mkdir /run/outer; mount --bind /var /run/outer; cd log
    for i in 1 2 3 4 5 6; do
        echo $i > small; keep small
        echo 2 > /proc/sys/vm/drop_caches; cat /run/outer/log/small >> /run/seen
    done
    echo == kept; kept; mount_state; paste -sd ' ' /run/seen
    """, conf="[Overlay /var]\n[Overlay /var/log]\n[Overlay /etc]\n")
    assert told["kept"] == ["kept.1", "kept.4", "kept.5", "kept.6", "ro", "ro", "1 2 3 4 5 6"]


# Each time, directories with all in them and a pipe are other ones.
REMAKE = """
remake() {
    rm -rf cache tmp.* pipe; mkdir cache tmp.$(($1 % 2)); mkfifo pipe
    head -c 1M /dev/urandom > cache/$1; chattr +i cache/$1
    head -c 1M /dev/urandom > tmp.$(($1 % 2))/x
}
again() { chattr -i cache/* 2> /run/err || true; remake $1; keep /var; }
"""


@pytest.mark.parametrize("kind", IMAGES)
def test_directories(commit: Commit, kind: str) -> None:
    """What a commit has written, and a later one replaced as a whole or deleted."""
    told = commit(LOWER, f"""{STEPS}{REMAKE}
    for i in $(seq 15); do again $i; echo $i > cache/more; keep cache/more; done
    echo == kept; kept; used
    echo == flash; cd /rofs/ro/var; ls -d cache/* tmp.* pipe; cd /var
    echo == mounts; mount_state
    echo == undo; rofs undo > /run/out; rofs undo > /run/out; ls /rofs/ro/var/cache
    ls -d /rofs/ro/var/tmp.*; wc -c < /rofs/ro/var/tmp.0/x
    rofs undo > /run/out; ls /rofs/ro/var/cache
    echo == fourth; status_of rofs undo | head -n 1
    chattr -i cache/*
    """, kind=kind)
    *kept, used = told["kept"]
    assert int(used) < 8 * MIB
    assert len(kept) < 8, kept
    assert told["flash"] == ["cache/15", "cache/more", "pipe", "tmp.1"]
    assert told["mounts"] == ["ro", "ro"]
    assert told["undo"] == ["14", "more", "/rofs/ro/var/tmp.0", str(MIB), "14"]
    assert told["fourth"] == ["3"]


# Processes that have something of what is below /rofs/ro.
HOLDERS = {
    "a working directory": "cd /rofs/ro/var/cache; exec sleep 10000",
    "a directory": "exec sleep 10000 3< /rofs/ro/var/cache",
    "a file in it": "exec sleep 10000 3< /rofs/ro/var/cache/1",
    "a pipe": "exec sleep 10000 3<> /rofs/ro/var/pipe",
}


@pytest.mark.parametrize("case", HOLDERS)
def test_directories_in_use_stay(commit: Commit, case: str) -> None:
    told = commit(LOWER, f"""{STEPS}{REMAKE}
    again 1
    ({HOLDERS[case]}) & holder=$!
    while ! grep -q sleep /proc/$holder/comm; do sleep 0.05; done
    for i in 2 3 4 5; do again $i; done
    echo == held; kept; mount_state
    kill $holder; wait $holder || true
    for i in 6 7; do again $i; done
    echo == ended; kept; used; chattr -i cache/*
    """)
    assert told["held"][1] == "kept.2", told
    assert told["held"][-2:] == ["ro", "ro"]
    assert "kept.2" not in told["ended"]
    assert int(told["ended"][-1]) < 8 * MIB


def test_a_directory_goes_at_once(commit: Commit) -> None:
    """After a power cut, what is left of it must not be what an undo puts back."""
    told = commit(LOWER, f"""{STEPS}{REMAKE}
    for i in 1 2 3; do again $i; done
    echo == cut; echo small > small
    LD_PRELOAD=/fault.so FAULT_SINCE=/rofs/ro/rofs/trash.2 FAULT_SIGNAL=9 \
        /rofs-command commit small > /run/out 2>&1 || echo $?
    ls /rofs/ro/rofs
    find /rofs/ro/rofs/kept.2/slots /rofs/ro/rofs/kept.2/gone -mindepth 2 -size +1 | wc -l
    echo == next; again 4; ls /rofs/ro/rofs | grep -c trash || true; chattr -i cache/*
    """, also=f"cp {shlex.quote(str(built('tests/fault.so')))} fault.so")
    assert told["cut"][0] == "137", told
    assert "trash.2" in told["cut"]
    assert told["next"] == ["0"]


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Disk]:
    made = Disk(tmp_path, "ext4")
    yield made
    made.close()


class Flash:
    """A file system on which transactions of this boot are made, and one of /home."""

    def __init__(self, disk: Disk, tmp_path: Path) -> None:
        self.root, self.home = disk.root / "root", disk.root / "home"
        (self.root / "etc/old").mkdir(parents=True)
        (self.root / "rofs").mkdir(mode=0o700)
        (self.home / "user").mkdir(parents=True)
        for path in (self.root / "etc/a", self.root / "etc/old/a", self.home / "user/a"):
            path.write_text("boot\n")
        self._source = tmp_path / "source"
        (self._source / "tree").mkdir(parents=True)

    def transaction(self, kind: str, *paths: str, more: Sequence[str] = ()) -> int:
        """Each path is that of a file system, "0 etc/a". Gives its number."""
        lines = [f"begin {kind}"]
        for number, path in enumerate(paths):
            source = self._source / f"file{number}"
            source.write_text(f"{kind}\n")
            lines.append(f"new {path} {source}")
        answers = steps([f"{self.root}=/rofs/ro", f"{self.home}=/rofs/ro/home"],
                        [*lines, *more, "switch", "done"])
        assert all(line.startswith("ok") for line in answers), answers
        return int(answers[0].split()[1])

    def directory(self, path: str) -> int:
        (self._source / "tree/a").write_text("tree\n")
        return self.transaction("commit", more=[f"new {path} {self._source}/tree"])

    def kept(self, top: str = "root") -> Dict[int, List[str]]:
        """The content of what is kept, by the number of the transaction."""
        base = {"root": self.root / "rofs", "home": self.home / ".rofs"}[top]
        return {int(path.suffix[1:]): sorted(file.read_text() for where in ("slots", "gone")
                                             for file in (path / where).iterdir())
                for path in sorted(base.glob("kept.*"), key=lambda path: int(path.suffix[1:]))}


@pytest.fixture
def flash(disk: Disk, tmp_path: Path) -> Flash:
    return Flash(disk, tmp_path)


def test_what_a_chroot_has_written_stays(flash: Flash) -> None:
    """The running system sees it."""
    flash.transaction("commit", "0 etc/a")
    flash.transaction("chroot", "0 etc/a", "0 etc/new")
    for _ in range(6):
        flash.transaction("commit", "0 etc/a", "0 etc/new")
    assert flash.kept() == {1: ["boot\n"], 2: ["commit\n"], 3: ["chroot\n", "chroot\n"], 6: [],
                            7: ["commit\n"] * 2, 8: ["commit\n"] * 2}


def test_both_file_systems(flash: Flash) -> None:
    """A transaction that has only one of them leaves what is on the other."""
    for _ in range(5):
        flash.transaction("commit", "0 etc/a", "1 user/a")
    assert flash.kept() == {1: ["boot\n"], 3: [], 4: ["commit\n"], 5: ["commit\n"]}
    assert flash.kept("home") == flash.kept()


def test_what_is_deleted(flash: Flash) -> None:
    """A log of each day, and the oldest one removed."""
    for _ in range(4):
        flash.transaction("commit", "0 etc/log")
        flash.transaction("commit", more=["gone 0 etc/log"])
    flash.transaction("commit", more=["gone 0 etc/a"])
    flash.transaction("commit", "0 etc/x")
    assert flash.kept() == {8: [], 9: ["boot\n"], 10: []}


def test_below_a_directory_that_a_commit_has_written(flash: Flash) -> None:
    """A directory that has replaced another one is kept with that."""
    flash.directory("0 etc/new")
    first = flash.directory("0 etc/old")
    for _ in range(5):
        flash.transaction("commit", "0 etc/new/a", "0 etc/old/a")
    kept = flash.root / f"rofs/kept.{first}/slots/1"
    assert [path.read_text() for path in kept.iterdir()] == ["boot\n"]
    flash.transaction("commit", "0 etc/x")
    shutil.rmtree(kept)  # what is left are files only
    assert flash.kept() == {1: [], 2: [], 6: [], 7: ["commit\n"] * 2, 8: []}


def test_what_a_chroot_has_put_into_a_directory_stays(flash: Flash) -> None:
    """The running system may have it open, though the directory itself is that of a commit."""
    flash.directory("0 etc/new")
    flash.transaction("chroot", "0 etc/new/b")
    for _ in range(4):
        flash.directory("0 etc/new")
    kept, = (flash.root / "rofs/kept.3/slots").iterdir()
    assert sorted(file.name for file in kept.iterdir()) == ["a", "b"]


def test_a_power_cut_in_between(flash: Flash) -> None:
    """Some of a transaction's old files are removed: the rest is, by the next one."""
    for _ in range(3):
        flash.transaction("commit", "0 etc/a", "0 etc/b", "0 etc/c")
    (flash.root / "rofs/kept.2/slots/1").unlink()
    (flash.root / "rofs/kept.2/log").unlink()
    for _ in range(3):
        flash.transaction("commit", "0 etc/a", "0 etc/b", "0 etc/c")
    assert flash.kept() == {1: ["boot\n"], 4: [], 5: ["commit\n"] * 3, 6: ["commit\n"] * 3}


def test_many_transactions_with_the_same_paths_are_few(flash: Flash) -> None:
    for number in range(40):
        flash.transaction("commit", f"0 etc/{number % 5}", "0 etc/a")
    assert len(flash.kept()) <= 2 * 5 + 4
    assert sum(map(len, flash.kept().values())) <= 6

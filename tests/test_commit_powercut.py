"""Power cuts in transactions, from recordings of what they write; tests/commit/cut makes more."""

from __future__ import annotations

import os
import random
import shutil
import subprocess
import threading
from pathlib import Path
from typing import Any, Callable, List, Set, Tuple

import build_tree
import pytest
from commit import cuts, recorder, reference, system
from support import build_directory, need_programs, program

RECORDINGS_MAX = 8
TYPES = [name for name in system.MAKE if name != "f2fs" or system.can_mount(name)]


@pytest.fixture
def programs(tmp_path: Path) -> Path:
    """A directory with those that were built."""
    need_programs("losetup", "blockdev", "mkfs.ext4", "mkfs.xfs", "mkfs.btrfs",
                  "xfs_repair", "e2fsck", "btrfs")
    if not os.path.exists("/dev/fuse"):
        pytest.skip("the kernel has no FUSE")
    for name in system.PROGRAMS:
        program(name)
    return build_tree.gather(build_directory(), system.PROGRAMS, tmp_path / "programs")


def sectors(text: str, count: int = 1) -> bytes:
    return text.encode() * 512 * count


def test_disk_keeps_what_was_flushed_and_may_lose_the_rest(tmp_path: Path) -> None:
    image, copy = tmp_path / "image", tmp_path / "copy"
    image.write_bytes(bytes(512 * 8))
    disk = recorder.Disk(image, 512)
    disk.do(recorder.Operation(512, sectors("a", 2)))
    disk.do(recorder.Operation(0, None))
    disk.do(recorder.Operation(1024, sectors("b", 2)))
    begun = recorder.Operation(3584, sectors("c"))
    loss = disk.lose(copy, random.Random(1), [begun], survival=0)
    assert (loss.unflushed, loss.lost, loss.acknowledged) == (3, 3, 2)
    assert copy.read_bytes() == sectors("\0") + sectors("a", 2) + sectors("\0", 5)
    # The cut was of the copy: the disk goes on.
    loss = disk.lose(copy, random.Random(1), survival=1)
    assert copy.read_bytes() == (sectors("\0") + sectors("a") + sectors("b", 2)
                                 + sectors("\0", 4))
    disk.close()


def test_disk_writes_whole_sectors(tmp_path: Path) -> None:
    image, copy = tmp_path / "image", tmp_path / "copy"
    image.write_bytes(bytes(4096 * 64))
    disk = recorder.Disk(image, 4096)
    disk.do(recorder.Operation(0, b"x" * 4096 * 64))
    disk.lose(copy, random.Random(2), survival=0.5)
    disk.close()
    kept = [copy.read_bytes()[at:at + 4096] for at in range(0, 4096 * 64, 4096)]
    assert set(kept) == {b"x" * 4096, bytes(4096)}


@pytest.mark.root
def test_recording_gives_the_same_file_system(programs: Path, tmp_path: Path) -> None:
    def steps() -> bytes:
        cuts.kernel.private_namespace()
        image, before, served, log = (tmp_path / name for name in ("i", "b", "s", "l"))
        system.make_image("ext4", image)
        recorder.copy_sparse(image, before)
        with recorder.recording(image, served, log), system.attached(served) as device:
            with system.mounted(device, tmp_path / "m", "ext4", writable=True):
                subprocess.run(["cp", "-a", "/etc", str(tmp_path / "m")], check=False)
        disk = recorder.Disk(before, 512)
        operations = recorder.read_log(log)
        for operation in operations:
            disk.do(operation)
        disk.lose(tmp_path / "again", random.Random(1), survival=1)
        assert sum(operation.content is None for operation in operations) > 1
        subprocess.run(["cmp", str(image), str(tmp_path / "again")], check=True)
        return b"same"

    assert cuts.kernel.in_child(steps) == b"same"


def cut_until(seen: Callable[[List[cuts.Cut]], bool], fstype: str, seed: str, programs: Path,
              work: Path, count: int, **more: Any) -> List[cuts.Cut]:
    """Cuts in as many recordings as it takes: what they meet depends on the machine's speed."""
    found: List[cuts.Cut] = []
    for number in range(RECORDINGS_MAX):
        found += cuts.record_and_cut(fstype, f"{seed} {number}", programs, work, count, **more)
        if seen(found):
            break
    return found


def is_mixed(found: List[cuts.Cut]) -> bool:
    return any("neither old nor new" in line for cut in found for line in cut.wrong)


def results(found: List[cuts.Cut]) -> Set[str]:
    return {cut.found for cut in found}


def loses_something(found: List[cuts.Cut]) -> bool:
    """Otherwise, each cut was right behind a flush."""
    return any(cut.loss.lost for cut in found)


@pytest.mark.root
def test_disk_is_free_although_somebody_looks_at_it(tmp_path: Path) -> None:
    """As mkfs.btrfs of another test does, which looks at all devices."""
    def steps() -> bytes:
        cuts.kernel.private_namespace()
        image, served, log = (tmp_path / name for name in ("i", "s", "l"))
        system.make_image("ext4", image)
        with recorder.recording(image, served, log), system.attached(served) as device:
            looking = os.open(device, os.O_RDONLY)
            threading.Timer(0.5, os.close, [looking]).start()
        return b"free"

    assert cuts.kernel.in_child(steps) == b"free"


@pytest.mark.root
@pytest.mark.parametrize("fstype", TYPES)
def test_judge_sees_a_commit_that_is_not_all_or_nothing(fstype: str, programs: Path,
                                                        tmp_path: Path) -> None:
    found = cut_until(lambda some: (is_mixed(some) and results(some) >= {"old", "new"}
                                    and loses_something(some)), fstype,
                      "reference", programs, tmp_path, 16, instead=reference.commit())
    assert is_mixed(found)
    assert results(found) >= {"old", "new"}
    # The file systems themselves withstand it.
    assert [str(cut) for cut in found if "file system" in str(cut.wrong)] == []
    assert loses_something(found)


def use_engine(programs: Path, finish: str = "/programs/engine finish") -> None:
    """A commit that withstands power cuts, and the end of it in the next boot."""
    shutil.copy(Path(cuts.__file__).with_name("engine"), programs)
    wrapper = programs / "rofs-finish"
    wrapper.write_text(f"#!/bin/sh\n{finish}\n")
    wrapper.chmod(0o755)


def engine(fault: str = "") -> Callable[[system.System, List[str]], Tuple[int, str]]:
    """Run it instead of rofs commit."""
    return lambda machine, words: machine.run("/programs/engine", "commit", fault)


@pytest.mark.root
@pytest.mark.parametrize("fstype", TYPES)
def test_judge_agrees_with_a_commit_that_withstands_power_cuts(fstype: str, programs: Path,
                                                               tmp_path: Path) -> None:
    use_engine(programs)

    def seen(found: List[cuts.Cut]) -> bool:
        return results(found) >= {"old", "new"} and any(
            cut.phase in ("marked", "switching") for cut in found)

    # Alone it flushes a few times, so that there are cuts in each of its phases; with a neighbour
    # who syncs, cuts are between any two of its steps.
    found = cut_until(seen, fstype, "engine", programs, tmp_path, 20, instead=engine(),
                      neighbour="")
    found += cuts.record_and_cut(fstype, "engine", programs, tmp_path, 5, instead=engine())
    assert [str(cut) for cut in found if cut.wrong] == []
    assert seen(found)


@pytest.mark.root
@pytest.mark.parametrize(("fault", "finish", "neighbour", "words"), [
    ("no sync before the mark", "", "directories", "neither old nor new"),
    ("no sync at the end", "", "", "what it did is lost"),
    ("", "exit 0", "", "the transaction is not finished"),
], ids=["sync before the mark", "sync at the end", "finish"])
def test_judge_sees_what_is_left_out(fault: str, finish: str, neighbour: str, words: str,
                                     programs: Path, tmp_path: Path) -> None:
    use_engine(programs, *[finish] * bool(finish))
    found = cut_until(lambda some: words in "\n".join(map(str, some)), "ext4", "engine", programs,
                      tmp_path, 40, instead=engine(fault), neighbour=neighbour)
    assert words in "\n".join(map(str, found))


@pytest.mark.root
@pytest.mark.parametrize("fstype", TYPES)
def test_power_cuts_leave_all_old_or_all_new(fstype: str, programs: Path, tmp_path: Path) -> None:
    if not (programs / "rofs-finish").exists():
        pytest.fail("rofs-finish was not built")
    found = cut_until(loses_something, fstype, "test", programs, tmp_path, 4,
                      neighbour="directories")
    assert [str(cut) for cut in found if cut.wrong] == []
    assert {cut.transaction for cut in found} == set(cuts.TRANSACTIONS)
    assert loses_something(found)

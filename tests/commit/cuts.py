"""Power cuts in the transactions of rofs, made from one recording of what was written.

A system runs on a disk that records; it commits random changes, puts them back, and after another
boot commits again. Then a cut is made at any of the recorded writes and flushes: what was flushed
before it stays, of the rest a random part is lost. The disk after the cut is mounted, rofs-finish
runs if a transaction has to be finished, and the tree must be all old or all new.
"""

from __future__ import annotations

import contextlib
import ctypes
import dataclasses
import itertools
import os
import pickle
import random
import signal
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Iterator, List, Optional, Sequence, Tuple

from hostile import kernel
from vm import disk
from vm.medium import Loss

from . import recorder, system
from .operations import Operations, clear_flags
from .series import Instead, Trees, compare, shorter, trees
from .system import TOPS, System

FILES = 250  # more paths that change, so that the switch takes time
OPERATIONS = 50
LATER_SHARE, CUT_AGAIN_SHARE = 0.3, 0.5
SYNC_SECONDS = 0.0005
NEIGHBOURS = ("", "everything", "directories")  # who syncs meanwhile
# What the medium writes whole. btrfs and f2fs rely on it for their superblocks, xfs for its
# directories: docs/RELIABILITY.md.
SECTOR_BYTES = {"ext4": 512, "xfs": 4096, "btrfs": 4096, "f2fs": 4096}
TRANSACTIONS = ("commit", "undo", "maintenance", "next commit", "fourth commit")
# What a cut has left on flash, as the next boot finds it.
PHASES = ("nothing", "staging", "record", "marked", "switching", "switched", "kept")
_libc = ctypes.CDLL(None, use_errno=True)


@dataclasses.dataclass
class Transaction:
    """One run of the command: its part of the log, and the flash before and after it."""

    name: str
    begin: int
    end: int
    old: Trees
    new: Trees


@dataclasses.dataclass
class Cut:
    """One cut and what has come of it. `found`: 'old' or 'new', by transaction."""

    fstype: str
    seed: str
    transaction: str
    phase: str
    loss: Loss
    found: str
    torn: bool = False
    again: str = ""  # the phase in which the cut of rofs-finish has left it
    wrong: List[str] = dataclasses.field(default_factory=list)

    def __str__(self) -> str:
        again = f", cut again: {self.again}" if self.again else ""
        torn = ", superblock torn" if self.torn else ""
        said = "".join(f"\n    {shorter(line)}" for line in self.wrong[:16])
        return (f"{self.fstype}:{self.seed}: {self.transaction}, {self.phase}{again}{torn}: "
                f"{self.loss.lost} of {self.loss.unflushed} sectors lost, {self.found}{said}")


class Failed(Exception):
    """Nothing could be recorded; with the reason."""


# What is recorded.

def make_lower(root: Path, choice: random.Random, simple: bool) -> None:
    """Random files, and many that are simple."""
    system.make_root(root)
    for number in range(FILES):
        path = root / f"var/many/{number % 7}/file-{number}"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"old {number}\n" * (1 + number % 50))
    tops = [f"{root}/{name}" for name in TOPS]
    Operations(choice, [top.encode() for top in tops], simple).run(OPERATIONS)
    for top in tops:
        clear_flags(top)


def change(choice: random.Random, simple: bool) -> None:
    """In the overlays: some are replaced, some deleted, some new."""
    for number in range(0, FILES, 2):
        path = Path(f"/var/many/{number % 7}/file-{number}")
        with contextlib.suppress(OSError):
            path.parent.mkdir(parents=True, exist_ok=True)
            if choice.random() < 0.3:
                path.unlink()
            else:
                path.with_suffix(".new").write_text(f"new {number} {choice.random()}\n" * 60)
                path.with_suffix(".new").rename(path.with_suffix(choice.choice(["", ".more"])))
    Operations(choice, [f"/{name}".encode() for name in TOPS], simple).run(OPERATIONS)


@contextlib.contextmanager
def syncing(neighbour: str) -> Iterator[None]:
    """Somebody else who syncs all the time, so that each step reaches the disk alone.

    With "directories", the journal is written, but what files contain is not, as when the kernel
    writes the journal every few seconds.
    """
    directories = ["/rofs/ro/rofs", *(f"/rofs/ro/{name}" for name in TOPS)]
    pid = os.fork() if neighbour else -1
    if pid == 0:
        fds = [os.open(path, os.O_RDONLY) for path in directories]
        while True:
            for fd in fds:
                (_libc.syncfs if neighbour == "everything" else _libc.fsync)(fd)
            time.sleep(SYNC_SECONDS)
    try:
        yield
    finally:
        if pid > 0:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)


class Recording:
    """The transactions of a system on an image, which stays as it was before them.

    `instead`: what a test of this judge has in place of the only commit. `neighbour`: one of
    NEIGHBOURS.
    """

    def __init__(self, fstype: str, seed: str, programs: Path, work: Path,
                 instead: Instead = None, neighbour: str = "everything",
                 names: Sequence[str] = ("commit",)) -> None:
        self.instead, self.neighbour, self._names = instead, neighbour, names
        self.fstype, self.seed = fstype, seed
        self.image = work / "image"
        self.transactions: List[Transaction] = []
        self._programs, self._work = programs, work
        self._log = work / "log"
        self._log.touch()
        self._log_fd = os.open(self._log, os.O_RDONLY)  # the system has another root
        self.operations: List[recorder.Operation] = []
        self._choice = random.Random(f"{seed} recording")

    def run(self) -> None:
        """Raises Failed."""
        root, served, current = self._work / "sys", self._work / "disk", self._work / "current"
        system.make_image(self.fstype, self.image)
        with system.attached(self.image) as device:
            with system.mounted(device, root, self.fstype, writable=True):
                make_lower(root, self._choice, self.instead is not None)
        recorder.copy_sparse(self.image, current)
        with recorder.recording(current, served, self._log), system.attached(served) as device:
            with system.mounted(device, root, self.fstype):
                second = {"next commit", "fourth commit"} & set(self._names)
                for number in (1, 2) if second else (1,):
                    self.transactions += self._boot(root, number)
        dirty = system.clean(self.fstype, current)
        current.unlink()
        if dirty:
            raise Failed(f"the file system without a cut: {dirty}")
        self.operations = recorder.read_log(self._log)
        self._count()

    def _boot(self, root: Path, number: int) -> List[Transaction]:
        """What was recorded in a boot. Raises Failed."""
        def steps(machine: System) -> Tuple[List[Transaction], Optional[Failed]]:
            done: List[Transaction] = []
            try:
                self._steps(machine, number, done)
                return done, None
            except Failed as e:
                return done, e

        recorded, failed = system.boot(root, self._programs, steps)
        if failed:
            raise failed
        return recorded  # type: ignore[no-any-return]

    def _steps(self, machine: System, number: int, done: List[Transaction]) -> None:
        """The second boot begins by removing what the first one has kept.

        Its fourth commit begins by removing what its first one has written and the second replaced.
        """
        machine.mount_overlays()
        change(self._choice, simple=self.instead is not None)
        with syncing(self.neighbour):
            done.append(self._transaction(machine, "commit" if number == 1 else "next commit",
                                          ["commit", "--all", "--yes"], trees()))
            if number == 1 and "undo" in self._names:
                done.append(self._transaction(machine, "undo", ["undo", "--yes"], done[0].old))
            if number == 1 and "maintenance" in self._names:
                done.append(self._transaction(machine, "maintenance", ["maintenance"],
                                              done[-1].new))
                machine.rofs("maintenance", "--cancel")
            if number == 2 and "fourth commit" in self._names:
                for name in ("second", "third", "fourth"):
                    change(self._choice, simple=self.instead is not None)
                    done.append(self._transaction(machine, f"{name} commit",
                                                  ["commit", "--all", "--yes"], trees()))

    def _transaction(self, machine: System, name: str, arguments: List[str],
                     new: Trees) -> Transaction:
        old = trees("/rofs/ro")
        begin = self._log_size()
        run = self.instead or (lambda system, words: system.rofs(*words))
        status, said = run(machine, arguments)
        end = self._log_size()
        if status != 0:
            raise Failed(f"rofs {' '.join(arguments)} ends with {status}: {said}")
        wrong = compare("flash", new, trees("/rofs/ro"))
        if wrong:
            raise Failed(f"rofs {' '.join(arguments)}: {wrong}")
        return Transaction(name, begin, end, old, new)

    def _log_size(self) -> int:
        return os.fstat(self._log_fd).st_size

    def _count(self) -> None:
        """Sizes of the log become numbers of operations."""
        at, numbers = 0, {0: 0}
        for number, operation in enumerate(self.operations, 1):
            at += recorder.RECORD.size + len(operation.content or b"")
            numbers[at] = number
        for transaction in self.transactions:
            transaction.begin = numbers[transaction.begin]
            transaction.end = numbers[transaction.end]


# What is cut.

def moments(operations: Sequence[recorder.Operation], transaction: Transaction, count: int,
            choice: random.Random) -> List[int]:
    """Numbers of operations before which the power goes.

    As many between any two flushes, whether little or much is written between them: most phases of
    a transaction are short, and it depends on the speed of the machine how often a neighbour
    flushes in each of them. The first one is before all of it, one of eight is after the command
    has returned.
    """
    flushes = [transaction.begin] + [
        number for number in range(transaction.begin, transaction.end)
        if operations[number].content is None] + [transaction.end]
    between = list(zip(flushes, flushes[1:]))
    choice.shuffle(between)
    turns = itertools.cycle(between)
    found = [transaction.begin]
    for number in range(1, count):
        if number % 8 == 7:
            found.append(min(transaction.end + choice.randrange(4), len(operations)))
        else:
            found.append(choice.randint(*next(turns)))
    return sorted(found)


def make_cuts(recording: Recording, transaction: Transaction, count: int, programs: Path,
              work: Path, keep: Optional[Path] = None) -> Iterator[Cut]:
    """Cut the power so often in a transaction, and look at what is left of it each time.

    `keep`: a directory for the disks, as the cut left them, of those where something is wrong.
    """
    choice = random.Random(f"{recording.seed} {transaction.name}")
    medium, after = work / "medium", work / "after"
    recorder.copy_sparse(recording.image, medium)
    whole = recorder.Disk(medium, SECTOR_BYTES[recording.fstype])
    done = 0
    for moment in moments(recording.operations, transaction, count, choice):
        for operation in recording.operations[done:moment]:
            whole.do(operation)
        done = moment
        before = choice.getstate()
        loss = whole.lose(after, choice, recording.operations[moment:moment + 1])
        bench = Bench(recording, after, programs, work, choice)
        cut = Cut(recording.fstype, f"{recording.seed}@{moment}", transaction.name, "", loss, "")
        bench.examine(cut, transaction, returned=moment >= transaction.end)
        if cut.wrong and keep:
            choice.setstate(before)
            whole.lose(keep / f"{recording.fstype}-{recording.seed}-{moment}", choice,
                       recording.operations[moment:moment + 1])
        yield cut
    whole.close()


class Bench:
    """Looks at a disk after a cut."""

    def __init__(self, recording: Recording, image: Path, programs: Path, work: Path,
                 choice: random.Random) -> None:
        self.fstype, self.image = recording.fstype, image
        self.later_share = 0 if recording.instead else LATER_SHARE
        self.programs, self.work, self.choice = programs, work, choice
        self.root = work / "sys"

    def examine(self, cut: Cut, transaction: Transaction, returned: bool) -> None:
        """`returned`: the command had ended, so it must be all new."""
        with system.KernelLog() as log:
            self._examine(cut, transaction, returned)
            if cut.wrong:
                cut.wrong += log.warnings()

    def _examine(self, cut: Cut, transaction: Transaction, returned: bool) -> None:
        try:
            self._mend(cut)
            cut.phase = self._look(transaction)
            if cut.phase in ("marked", "switching", "switched") and \
                    self.choice.random() < CUT_AGAIN_SHARE:
                self._cut_again(cut)
                self._mend(cut)
                cut.again = self._look(transaction)
            self._boot(cut, transaction, returned)
        except (OSError, ChildProcessError, subprocess.CalledProcessError, Failed) as e:
            cut.wrong.append(f"{type(e).__name__}: {e}")
        if returned and not cut.found.startswith("new"):
            cut.wrong.append(f"the command had ended, and what it did is lost: {cut.found}")
        dirty = system.clean(self.fstype, self.image)
        if dirty:
            cut.wrong.append(f"the file system: {dirty}")

    def _mend(self, cut: Cut) -> None:
        """A torn superblock, which no program on that file system can prevent."""
        if self.fstype == "ext4" and disk.superblock_state(self.image) == "torn":
            cut.torn = True
            disk.mend_superblock(self.image)

    @contextlib.contextmanager
    def _mounted(self) -> Iterator[None]:
        if self.fstype == "btrfs":  # which would take it for the disk of an earlier cut
            subprocess.run(["btrfs", "device", "scan", "--forget"], check=False)
        with system.attached(self.image) as device:
            with system.mounted(device, self.root, self.fstype):
                yield

    def _look(self, transaction: Transaction) -> str:
        """The phase, from what is on the flash after the journal was replayed."""
        with self._mounted():
            own = self.root / "rofs"
            if (own / "commit").is_dir():
                found = state(self.root, transaction)
                return {"old": "marked", "new": "switched"}.get(found, "switching")
            if (own / "staging").is_dir():
                return "record" if (own / "staging/record").exists() else "staging"
            return "kept" if any(own.glob("kept.*")) else "nothing"

    def _cut_again(self, cut: Cut) -> None:
        """Cut the power while rofs-finish runs, or while the file system is mounted for it."""
        before, served, log = (self.work / name for name in ("before", "again", "again.log"))
        recorder.copy_sparse(self.image, before)
        log.unlink(missing_ok=True)
        with recorder.recording(self.image, served, log), system.attached(served) as device:
            with system.mounted(device, self.root, self.fstype):
                system.boot(self.root, self.programs, lambda machine: machine.finish())
        operations = recorder.read_log(log)
        whole = recorder.Disk(before, SECTOR_BYTES[self.fstype])
        moment = self.choice.randint(0, len(operations))
        for operation in operations[:moment]:
            whole.do(operation)
        whole.lose(self.image, self.choice, operations[moment:moment + 1])
        whole.close()

    def _boot(self, cut: Cut, transaction: Transaction, returned: bool) -> None:
        """The next boot, and sometimes another one that commits something."""
        with self._mounted():
            mark = self.root / "rofs/maintenance"
            if returned and transaction.name == "maintenance" and not mark.exists():
                cut.wrong.append("the mark for maintenance is lost")
            cut.wrong += system.boot(self.root, self.programs, finish)
            cut.found = state(self.root, transaction)
            if cut.found not in ("old", "new", "new and old"):
                cut.wrong.append(cut.found)
            if (self.root / "rofs/commit").exists():
                cut.wrong.append("the transaction is not finished")
            if self.choice.random() < self.later_share:
                cut.wrong += system.boot(self.root, self.programs, later)
                names = sorted(path.name for path in (self.root / "rofs").iterdir())
                if "staging" in names or sum(name.startswith("kept.") for name in names) != 1:
                    cut.wrong.append(f"a later commit leaves {names}")


def state(root: Path, transaction: Transaction) -> str:
    """'old', 'new', 'new and old' where they are the same, or the differences."""
    found = trees(str(root))
    old = compare("from old", transaction.old, found)
    new = compare("from new", transaction.new, found)
    words = [name for name, wrong in (("new", new), ("old", old)) if not wrong]
    if len(words) == 2:
        return "new and old"
    return words[0] if words else f"neither old nor new: {old[:4]}, {new[:4]}"


def finish(machine: System) -> List[str]:
    """The first step of a boot; then the overlays come."""
    wrong = []
    done = machine.finish()
    if done is not None and done[0] != 0:
        wrong.append(f"rofs-finish ends with {done[0]}: {done[1]}")
    if not machine.superblock_is_read_only():
        wrong.append("the superblock of / is writable")
    machine.mount_overlays()
    return wrong


def later(machine: System) -> List[str]:
    """Another boot, in which the user commits one file more."""
    machine.mount_overlays()
    Path("/var/later").write_text("later\n")
    status, said = machine.rofs("commit", "--yes", "/var/later")
    if status != 0:
        return [f"a later commit ends with {status}: {said}"]
    if Path("/rofs/ro/var/later").read_text() != "later\n":
        return ["a later commit writes nothing"]
    return []


def record_and_cut(fstype: str, seed: str, programs: Path, work: Path, count: int,
                   names: Sequence[str] = TRANSACTIONS, instead: Instead = None,
                   neighbour: str = "everything", keep: Optional[Path] = None) -> List[Cut]:
    """A recording, and so many cuts in each of its transactions that is named.

    Runs in a namespace of its own.
    """
    def whole() -> bytes:
        kernel.private_namespace()
        os.umask(0o022)
        top = Path(tempfile.mkdtemp(dir=work))
        kernel.mount("tmpfs", str(top), "tmpfs", 0, "mode=0755")
        recording = Recording(fstype, seed, programs, top, instead, neighbour,
                              ("commit",) if instead else names)
        try:
            recording.run()
        except Failed as e:
            return pickle.dumps([Cut(fstype, seed, "recording", "", Loss(0, 0, 0), "",
                                     wrong=[str(e)])])
        return pickle.dumps([cut for transaction in recording.transactions
                             if transaction.name in names
                             for cut in make_cuts(recording, transaction, count, programs, top,
                                                  keep)])

    found: List[Cut] = pickle.loads(kernel.in_child(whole))
    return found


# What is told.

def table(cuts: Sequence[Cut]) -> List[str]:
    """The numbers of cuts, by file system and by what they have left."""
    rows = [["", "cuts", *PHASES, "again", "torn", "unflushed", "lost", "old", "new"]]
    for fstype in dict.fromkeys(cut.fstype for cut in cuts):
        for name in dict.fromkeys(cut.transaction for cut in cuts):
            some = [c for c in cuts if c.fstype == fstype and c.transaction == name]
            if some:
                rows.append([f"{fstype} {name}", *map(str, numbers(some))])
    rows.append(["all", *map(str, numbers(cuts))])
    widths = [max(map(len, column)) for column in zip(*rows)]
    return ["  ".join([row[0].ljust(widths[0]), *map(str.rjust, row[1:], widths[1:])])
            for row in rows]


def numbers(cuts: Sequence[Cut]) -> List[int]:
    """One row."""
    return [len(cuts), *(sum(c.phase == phase for c in cuts) for phase in PHASES),
            sum(bool(c.again) for c in cuts), sum(c.torn for c in cuts),
            sum(c.loss.unflushed for c in cuts), sum(c.loss.lost for c in cuts),
            sum(c.found == "old" for c in cuts), sum(c.found.startswith("new") for c in cuts)]

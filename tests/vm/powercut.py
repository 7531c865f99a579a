"""Power cuts: kill a machine at a chosen moment, boot it again, and check what it has kept.

The partition lies on vm/medium.py, which loses what was not flushed. Cuts come in chains, each
beginning with a partition that is empty:

    populate  while the content of a persist is copied, at a write or flush counted from the first
              one of that boot, or from the one that gives the copy its name
    load      while a program appends numbered records and calls fsync for each, and replaces a file
    boot      between the start of the kernel and local-fs.target, with the journal of the file
              system still to be replayed from the cut before
    shutdown  from the request to power off until the machine would be off

After each cut the root image is compared, the partition is checked, and the machine is booted and
asked. That boot is the one which is cut next, where the next cut is under load or at shutdown.

Everything random is drawn from the seed and the number of the chain.
"""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import random
import re
import shutil
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Callable, ContextManager, Dict, Iterator, List, Optional, Pattern, Sequence, \
    Tuple, Union

from . import disk
from .image import Base, acl, acl_xattr
from .machine import BOOT_SECONDS_MAX, DEAD_ENDS, Boot, Disk, Machine, MachineError
from .medium import Loss, Medium, Moment
from .probe import parse, probe_argument
from .progress import StepFailed
from .scenario import NO_NETWORK
from .scenarios.powercut import APP, APP_NAME, TREE_DIRECTORIES, TREE_FILES

PHASES = ("populate", "load", "boot", "shutdown")
AT_WORK = ("load", "shutdown")
COPIED = ("whole", "begun", "nothing")
# What the boots do after they have been asked; see BOOTS in scenarios/powercut.py.
LOAD, SHUTDOWN = 1, 2
# Looking at a console takes time from the machine.
POLL_SECONDS, SHORT_POLL_SECONDS = 0.2, 0.02
# How far each phase goes on a slow machine. Should it end before, the power is cut at its end.
CONSOLE_LINES, SHUTDOWN_SECONDS = (200, 560), 3.0
POPULATE_OPERATIONS, NAMED_OPERATIONS = 140, 16
BOOT_OPERATIONS, LOAD_OPERATIONS = 24, 600
SHUTDOWN_OPERATIONS, UNMOUNT_OPERATIONS = 80, 6
CONTROL_OPERATIONS = 60
# As with the blocks of 4 KiB that a partition of any size has, but with a copy of the superblock,
# which is in the second group of blocks.
DATA_BYTES = 192 * disk.MIB
# e2fsck's exit status: nothing to do, or errors corrected.
REPLAYED = (0, 1)
# What ends a phase on the console or the result port.
AT_LOCAL_FS = re.compile(rb"Reached target [^\n]*local-fs\.target")
AT_MULTI_USER = re.compile(rb"^HELLO ", re.M)
LOADING = re.compile(rb"^LOAD\n", re.M)
DONE = re.compile(rb"^DONE\n", re.M)
UNMOUNTING = re.compile(rb"Unmounting ")
# Where a copy lies that is not finished, and the entry of the finished one as ext4 writes it:
# length of the name, type 2, name.
UNFINISHED = ".rofs-new"
NAMED = bytes([len(APP_NAME), 2]) + APP_NAME.encode()


@dataclasses.dataclass(frozen=True)
class Line:
    """When the power goes: when the console has so many lines, however fast the machine is."""

    number: int

    def __str__(self) -> str:
        return f"line {self.number} of the console"


@dataclasses.dataclass(frozen=True)
class Site:
    """What all chains have in common.

    `root`: the pristine root image. `guard`: entered around each machine's life.
    """

    base: Base
    root: Path
    work: Path
    logs: Path
    guard: Callable[[Machine], ContextManager[object]]


@dataclasses.dataclass
class Cut:
    """One power cut and its result.

    `moment`: in words. `writes`, `flushes`: in that run of the machine before it. `loss`: what
    the medium made of it. `state`: of the superblock, 'not clean' where the journal had to be
    replayed, 'torn' where it had no right checksum either. `copied`: 'whole' where the
    populated directory was under its name at once after the cut, 'begun' where what is not
    finished was there, else 'nothing'.
    `promised`: records whose fsync had returned by then; `found`: records after the next boot;
    `torn`: bytes behind them. `unsynced`: as written without fsync, and as found. `seconds`: of the
    next boot. `problems`: empty where nothing is wrong.
    """

    chain: int
    phase: str
    moment: str
    writes: int = 0
    flushes: int = 0
    loss: Loss = Loss(0, 0, 0)
    state: str = ""
    copied: str = ""
    promised: int = 0
    found: int = 0
    torn: int = 0
    unsynced: int = 0
    unsynced_found: int = 0
    seconds: float = 0.0
    problems: List[str] = dataclasses.field(default_factory=list)


def record_text(number: int, boot: int) -> str:
    """A record, as the script in scenarios/powercut.py writes it."""
    text = f"{number:08} {boot:04} " + chr(97 + number % 26) * (number * 61 % 1500)
    return f"{text} {sum(text.encode())}\n"


def chains(cuts: int, phases: Sequence[str] = PHASES) -> List[Sequence[str]]:
    """The phases of each chain, for so many cuts in all."""
    return [phases[:cuts - done] for done in range(0, cuts, len(phases))]


def make_site(
    base: Base, root: Path, work: Path, logs: Path,
    guard: Callable[[Machine], ContextManager[object]],
) -> Site:
    """Complete the scenario's root image. Raises StepFailed."""
    add_attributes(root)
    return Site(base, root, work, logs, guard)


def add_attributes(image: Path) -> None:
    """What plain files lack: hard links, extended attributes, ACLs."""
    with tempfile.NamedTemporaryFile() as entries:
        entries.write(acl_xattr(acl(group=5, other=5)))
        entries.flush()
        commands = []
        for number in range(TREE_DIRECTORIES):
            first = f"{APP}/{number}/{'deep/' * (number % 3)}0"
            commands += [f"ln {first} {APP}/{number}/other", f"sif {first} links_count 2",
                         f"ea_set {first} user.test {number}",
                         f"ea_set -f {entries.name} {APP}/{number} system.posix_acl_access"]
        done = subprocess.run(
            [disk.DEBUGFS, "-w", "-f", "-", str(image)], input="\n".join(commands), text=True,
            check=False, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    complaints = [line for line in done.stderr.splitlines() if not line.startswith("debugfs 1.")]
    status, output = disk.fsck(image)
    if done.returncode or complaints or status:
        raise StepFailed(f"debugfs on {image.name}: {complaints}{output}")


@dataclasses.dataclass
class Promises:
    """What the guest has said is done: the last record, the last one in the replaced file, its own
    file in the populated directory, and the last record without fsync in the latest boot."""

    log: int = 0
    state: int = 0
    own: int = 0
    unsynced: int = 0

    def read(self, results: str) -> None:
        """Take what the result port has said; a line that is not whole does not count."""
        said = dict(re.findall(r"^([PSOU]) (\d+)\n", results, re.M))
        self.log = int(said.get("P", self.log))
        self.state = int(said.get("S", self.state))
        self.own = int(said.get("O", self.own))
        self.unsynced = int(said.get("U", self.unsynced))


class Chain:
    """Cuts that follow each other on one partition. Use as a context manager: images are removed.

    `number`: chains with the same number and seed cut at the same moments. `boots`: what the
    machines that came up have said. `control`: after the last cut, the records promised and found
    on a medium whose flushes do nothing; None if that was not asked for.
    """

    def __init__(self, site: Site, number: int, seed: int) -> None:
        self.site = site
        self.number = number
        self.boots: List[Boot] = []
        self.control: Optional[Tuple[int, int]] = None
        self._random = random.Random(f"{seed}/{number}")
        self._work = Path(tempfile.mkdtemp(prefix=f"chain{number}-", dir=site.work))
        self._root = self._work / "root.img"
        self._data = self._work / "data.img"
        self._scratch = self._work / "scratch.img"
        self._runs = 0
        self._promised = Promises()
        # From which record on which boot has written the log.
        self._wrote: List[Tuple[int, int]] = []
        disk.copy_sparse(site.root, self._root)
        disk.mke2fs(self._data, DATA_BYTES, "data")

    def __enter__(self) -> Chain:
        return self

    def __exit__(self, *unused: object) -> None:
        shutil.rmtree(self._work, ignore_errors=True)

    def run(self, phases: Sequence[str], control: bool = False) -> Iterator[Cut]:
        """Cut the power once in each phase; each cut comes when the boot after it has been asked.

        A machine that does not come up ends the chain. `control`: see there.
        """
        waiting: List[Cut] = []
        try:
            for phase in phases:
                if phase in ("populate", "boot"):
                    self._ask_about(waiting)
                    yield from take(waiting)
                    waiting.append(self._cut_while_booting(phase))
                    continue
                cut = None
                while cut is None:
                    cut = self._cut_at_work(phase, waiting)
                    yield from take(waiting)
                waiting.append(cut)
            self._ask_about(waiting, control)
        except MachineError as e:
            waiting = waiting or [Cut(self.number, "none", "between cuts")]
            waiting[0].problems.append(str(e))
        yield from take(waiting)

    @contextlib.contextmanager
    def _running(self, data: Path, then: int) -> Iterator[Tuple[Machine, Medium]]:
        """A machine that is started, and its partition."""
        self._runs += 1
        medium = Medium(data, self._work / "medium")
        machine = Machine(
            self.site.base, [Disk(self._root, "writeback"), Disk(medium.url, "writeback")],
            f"{self.site.base.suite}-powercut-{self.number}-{self._runs}", self.site.logs,
            [NO_NETWORK, f"test-cut={self._runs}", probe_argument(then)])
        with medium, self.site.guard(machine), machine:
            yield machine, medium

    def _cut_while_booting(self, phase: str) -> Cut:
        choice = self._random
        with self._running(self._data, LOAD) as (machine, medium):
            if phase == "populate":
                moment = choice.choice((
                    Moment(choice.randint(1, POPULATE_OPERATIONS)),
                    Moment(choice.randint(1, NAMED_OPERATIONS), NAMED)))
                words = wait_for_cut(machine, medium, moment, AT_MULTI_USER)
            elif choice.random() < 0.5:
                moment = Moment(choice.randint(1, BOOT_OPERATIONS))
                words = wait_for_cut(machine, medium, moment, AT_LOCAL_FS)
            else:
                line = Line(choice.randint(*CONSOLE_LINES))
                words = wait_for_cut(machine, medium, line, AT_LOCAL_FS)
            cut = self._cut(machine, medium, phase, words)
        return self._looked_at(cut)

    def _cut_at_work(self, phase: str, waiting: Sequence[Cut]) -> Optional[Cut]:
        """None if the machine was off before the power was cut."""
        choice = self._random
        with self._running(self._data, LOAD if phase == "load" else SHUTDOWN) as (machine, medium):
            found = self._ask(machine, waiting)
            self._wrote = [w for w in self._wrote if w[0] <= found] + [(found + 1, self._runs)]
            if phase == "load":
                moment = Moment(choice.randint(1, LOAD_OPERATIONS))
                words = wait_for_cut(machine, medium, moment, DONE)
            else:
                words = self._wait_while_shutting_down(machine, medium)
            if not medium.cut.is_set():
                self._promised.read(machine.results)
                return None
            cut = self._cut(machine, medium, phase, words)
        return self._looked_at(cut)

    def _wait_while_shutting_down(self, machine: Machine, medium: Medium) -> str:
        choice = self._random
        wait_for_text(machine, DONE)
        kind = choice.choice(("seconds", "operations", "unmount"))
        if kind == "seconds":
            return wait_for_cut(machine, medium, choice.uniform(0, SHUTDOWN_SECONDS))
        if kind == "operations":
            moment = Moment(choice.randint(1, SHUTDOWN_OPERATIONS))
            return wait_for_cut(machine, medium, moment)
        wait_for_text(machine, UNMOUNTING)
        moment = Moment(choice.randint(1, UNMOUNT_OPERATIONS))
        return wait_for_cut(machine, medium, moment) + " since the first unmount"

    def _cut(self, machine: Machine, medium: Medium, phase: str, words: str) -> Cut:
        machine.kill()
        self._promised.read(machine.results)
        return Cut(self.number, phase, words, medium.writes, medium.flushes,
                   medium.lose(self._random), promised=self._promised.log,
                   unsynced=self._promised.unsynced if phase in AT_WORK else 0)

    def _looked_at(self, cut: Cut) -> Cut:
        """What is on the disks after a cut, before anybody boots from them."""
        if not disk.same_content(self._root, self.site.root):
            cut.problems.append("the root image has changed")
        cut.state = disk.superblock_state(self._data)
        status, output = repaired(self._data, self._scratch)
        if status not in REPLAYED:
            cut.problems.append(f"e2fsck -p exited with {status}: {output}")
        status, output = disk.fsck(self._scratch)
        if status != 0:
            cut.problems.append(f"not clean with its journal replayed: {output}")
        if disk.debugfs(self._scratch, f"stat /{APP_NAME}"):
            cut.copied = "whole"
        elif disk.debugfs(self._scratch, f"stat /{UNFINISHED}"):
            cut.copied = "begun"
        else:
            cut.copied = "nothing"
        return cut

    def _ask_about(self, waiting: Sequence[Cut], control: bool = False) -> None:
        """Boot a copy of the partition, for its answers alone."""
        if not waiting:
            return
        disk.copy_sparse(self._data, self._scratch)
        with self._running(self._scratch, LOAD) as (machine, medium):
            found = self._ask(machine, waiting)
            if control:
                self._lose_all(machine, medium)
        if not disk.same_content(self._root, self.site.root):
            for cut in waiting:
                cut.problems.append("the boot after it has changed the root image")
        if control:
            repaired(self._scratch, self._data)
            count = good_records(disk.debugfs(self._data, "cat /data/log"))
            self.control = (self._promised.log - found, count - found)

    def _lose_all(self, machine: Machine, medium: Medium) -> None:
        """Let it work on a medium that answers flushes and keeps nothing of what is written."""
        medium.lies = True
        wait_for_cut(machine, medium, Moment(CONTROL_OPERATIONS), DONE)
        machine.kill()
        self._promised.read(machine.results)
        medium.lose(self._random, survival=0)

    def _ask(self, machine: Machine, waiting: Sequence[Cut]) -> int:
        """Wait for a machine's answers and hold them against what must be; the records found."""
        wait_for_text(machine, LOADING)
        sections, _ = parse(machine.results)
        boot = Boot(sections, machine.console, time.monotonic() - machine.started,
                    machine.console_log)
        self.boots.append(boot)
        answers = {words[0]: words[1:]
                   for words in map(str.split, boot["records"].out.splitlines())}
        found, good, size = map(int, answers["log"])
        problems = [*system_problems(boot), *self._record_problems(answers, found),
                    *app_problems(boot)]
        for cut in waiting:
            cut.found, cut.torn, cut.seconds = found, size - good, boot.seconds
            cut.unsynced_found = int(answers["unsynced"][0]) if cut.phase in AT_WORK else 0
            cut.problems += problems
        if problems and not waiting:
            raise machine.fail(f"wrong without a cut: {problems}")
        return found

    def _record_problems(self, answers: Dict[str, List[str]], found: int) -> Iterator[str]:
        promised = self._promised
        if found < promised.log:
            yield f"of {promised.log} records that were synced {found} are there"
        if found and answers["hash"][0] != self._log_hash(found):
            yield f"the {found} records are not those that were written"
        state = answers["state"][0]
        if state == "torn" or int(state) < promised.state:
            yield f"the file that is replaced has {state}, and {promised.state} was synced"
        if promised.own and answers["own"] != ["1"]:
            yield "the file added to what was populated is gone"

    def _log_hash(self, count: int) -> str:
        """What md5sum says of the first records of the log."""
        starts = dict(self._wrote)
        boot, text = 0, []
        for number in range(1, count + 1):
            boot = starts.get(number, boot)
            text.append(record_text(number, boot))
        return hashlib.md5("".join(text).encode()).hexdigest()


def system_problems(boot: Boot) -> Iterator[str]:
    """The problems of a machine that has booted, apart from its data."""
    if boot["running"].line != "running":
        yield f"the system is {boot['running'].line}: {boot['failed'].out}"
    if boot["status"].status != 0:
        yield f"rofs status: {boot['status']}"
    if boot.trouble:
        yield f"the console says: {boot.trouble}"


def app_problems(boot: Boot) -> Iterator[str]:
    """The problems of the populated directory, which must be mounted and complete."""
    source, lines, *differences = boot["app"].out.splitlines()
    if source != f"/dev/vdb[/{APP_NAME}]":
        yield f"{APP} is {source}"
    if int(lines) < TREE_DIRECTORIES * TREE_FILES:
        yield f"the tree on flash has {lines} lines only"
    if differences:
        yield f"{APP} is not what is on flash: {differences}"


def take(cuts: List[Cut]) -> List[Cut]:
    """Take all elements out of a list."""
    taken = cuts[:]
    cuts.clear()
    return taken


def lines(machine: Machine) -> int:
    """How many lines the console has."""
    return machine.console_log.read_bytes().count(b"\n")


def has(machine: Machine, text: Pattern[bytes]) -> bool:
    """Whether the console or the result port has shown a text."""
    return any(text.search(log.read_bytes()) for log in (machine.console_log, machine.result_log))


def wait_for_text(machine: Machine, text: Pattern[bytes]) -> None:
    """Wait until a machine prints a text or ends. Raises MachineError."""
    deadline = time.monotonic() + BOOT_SECONDS_MAX
    while not machine.ended() and not has(machine, text):
        console = machine.console_log.read_bytes()
        if time.monotonic() > deadline or any(w.encode() in console for w in DEAD_ENDS):
            raise machine.fail(f"did not say {text.pattern!r}")
        time.sleep(SHORT_POLL_SECONDS if text is UNMOUNTING else POLL_SECONDS)
    if machine.ended() and text is not UNMOUNTING:
        raise machine.fail(f"ended without saying {text.pattern!r}")


def wait_for_cut(
    machine: Machine, medium: Medium, when: Union[Moment, Line, float],
    end: Optional[Pattern[bytes]] = None,
) -> str:
    """Wait for a moment, a line of the console, or so many seconds, and cut the power there.

    At the `end` of a phase it is cut in any case. Not cut is a machine that has ended before.
    Returns the moment in words.
    """
    begin = time.monotonic()
    words = f"{when:.1f} s" if isinstance(when, float) else str(when)
    if isinstance(when, Moment):
        medium.arm(when)
    while not medium.cut.is_set() and not machine.ended():
        waited = time.monotonic() - begin
        if isinstance(when, float) and waited >= when:
            medium.stop()
        elif isinstance(when, Line) and lines(machine) >= when.number:
            medium.stop()
        elif end is not None and has(machine, end):
            words += ", which was not reached"
            medium.stop()
        elif waited > BOOT_SECONDS_MAX:
            raise machine.fail(f"did not come to {words}")
        medium.cut.wait(SHORT_POLL_SECONDS)
    return words


def repaired(image: Path, copy: Path) -> Tuple[int, str]:
    """Copy a file system and have e2fsck repair it, as at boot; its status and output."""
    disk.copy_sparse(image, copy)
    if disk.superblock_state(copy) == "torn":
        disk.mend_superblock(copy)
    return disk.replay(copy)


@dataclasses.dataclass(frozen=True)
class Report:
    """The results of all chains.

    `controls`: per chain that had one, the records promised and found on a medium that lies.
    """

    cuts: Sequence[Cut]
    controls: Sequence[Tuple[int, int]]

    @property
    def wrong(self) -> List[str]:
        """What must not be, each with the cut that shows it."""
        found = [f"chain {cut.chain}, {cut.phase}, {cut.moment}: {problem}"
                 for cut in self.cuts for problem in cut.problems]
        return found + [
            f"a medium that loses everything lost none of {promised} records: the test is blind"
            for promised, kept in self.controls if not 0 <= kept < promised]

    def lines(self) -> List[str]:
        """The counts as a table with a line for each phase, and what they add up to."""
        rows = [["", "", "journal", "superblock", "sectors", "",
                 "records", "", "", "populated", "", ""],
                ["phase", "cuts", "replayed", "torn", "unflushed", "lost",
                 "synced", "found", "lost", *COPIED]]
        phases = [phase for phase in PHASES if any(cut.phase == phase for cut in self.cuts)]
        rows += [self._row(phase, [c for c in self.cuts if c.phase == phase]) for phase in phases]
        rows.append(self._row("all", self.cuts))
        widths = [max(map(len, column)) for column in zip(*rows)]
        lines = ["  ".join([row[0].ljust(widths[0]),
                            *map(str.rjust, row[1:], widths[1:])]).rstrip() for row in rows]
        at_work = [cut for cut in self.cuts if cut.phase in AT_WORK]
        written = sum(cut.unsynced for cut in at_work)
        kept = sum(min(cut.unsynced, cut.unsynced_found) for cut in at_work)
        lines += ["", f"records without fsync: {written} written, {written - kept} lost"]
        promised, found = (sum(numbers) for numbers in zip((0, 0), *self.controls))
        lines.append(f"records on a medium whose flushes do nothing, {len(self.controls)} times: "
                     f"{promised} synced, {promised - found} lost")
        return lines

    def _row(self, name: str, cuts: Sequence[Cut]) -> List[str]:
        populate = [cut for cut in cuts if cut.phase == "populate"]
        copied = [sum(cut.copied == word for cut in populate) for word in COPIED]
        numbers = [len(cuts), sum(cut.state != "clean" for cut in cuts),
                   sum(cut.state == "torn" for cut in cuts),
                   sum(cut.loss.unflushed for cut in cuts), sum(cut.loss.lost for cut in cuts),
                   sum(cut.promised for cut in cuts),
                   sum(min(cut.promised, cut.found) for cut in cuts),
                   sum(max(0, cut.promised - cut.found) for cut in cuts)]
        return [name, *map(str, numbers), *(str(n) if populate else "" for n in copied)]


def good_records(log: bytes) -> int:
    """How many records of a log are whole and in order."""
    count = 0
    for line in log.decode(errors="replace").splitlines(keepends=True):
        found = re.match(r"(\d{8}) (\d{4}) ", line)
        if not found or line != record_text(count + 1, int(found.group(2))):
            break
        count += 1
    return count

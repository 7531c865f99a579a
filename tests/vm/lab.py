"""Runs scenarios two at a time, each once, and returns their results."""

from __future__ import annotations

import contextlib
import dataclasses
import fcntl
import os
import shutil
import tempfile
import threading
import time
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import zip_longest
from pathlib import Path
from typing import Dict, Iterator, List, Optional, Sequence, Set, Tuple, Union

from . import disk, image, powercut, root, volume
from .machine import Boot, Disk, Machine
from .probe import probe_argument
from .progress import Progress, StepFailed
from .scenario import Scenario, scenario_files
from .scenarios import SCENARIOS

# On a machine that others use too, one may be enough.
MACHINES_AT_ONCE = int(os.environ.get("ROFS_MACHINES") or 2)
# While this file is locked, other tests use a processor: until then only one machine runs.
BUSY = os.environ.get("ROFS_BUSY")
BUSY_POLL_SECONDS = 1
# The moments at which the power is cut are the same in every run.
POWERCUT_SEED = 1
TOOLS = ("cp", disk.DEBUGFS, disk.DUMPE2FS, disk.E2FSCK, "mke2fs", "qemu-system-x86_64")


@dataclasses.dataclass(frozen=True)
class DiskEnd:
    """A further disk after power-off.

    `identical`: to what it was before the first boot. `state`: as disk.superblock_state says it
    of ext4; '' for other types.
    """

    identical: bool
    state: str


@dataclasses.dataclass(frozen=True)
class Outcome:
    """The results of a scenario; each list has one element per boot.

    `identical`: whether the root image equals its pristine copy after power-off, which is the one
    after the last boot that sets the machine up, if there are any. `root_fsck`: of a root that does
    not, as `data_fsck`, by the index of the boot. `data_state`: the partition's
    superblock after power-off. `data_fsck`: e2fsck's exit status and output.
    `disks`: the scenario's further disks after power-off, in their order. `cuts`: of a scenario
    in which the power is cut; the other lists are empty then, but for boots. `seconds`: for all of
    it, with making and comparing the disks.
    """

    scenario: Scenario
    suite: str
    boots: List[Boot]
    identical: List[bool]
    data_state: List[str]
    data_fsck: List[Tuple[int, str]]
    disks: List[List[DiskEnd]] = dataclasses.field(default_factory=list)
    cuts: Optional[powercut.Report] = None
    root_fsck: Dict[int, Tuple[int, str]] = dataclasses.field(default_factory=dict)
    seconds: float = 0.0


def missing_tools() -> List[str]:
    """The programs that booting needs and this host lacks."""
    path = os.environ.get("PATH", "") + ":/usr/sbin:/sbin"
    return [tool for tool in TOOLS if shutil.which(tool, path=path) is None]


class Lab:
    """A queue of scenarios with two machines.

    `source`: the checkout that is compiled. `logs`: the consoles' directory. Images live in a
    temporary directory that `close` removes.
    """

    def __init__(self, source: Path, logs: Path, progress: Progress) -> None:
        self.source = source
        self.logs = logs
        self.progress = progress
        self._work = Path(tempfile.mkdtemp(prefix="rofs-lab-"))
        self._first = True
        self._pool = ThreadPoolExecutor(MACHINES_AT_ONCE, initializer=self._await_turn)
        self._futures: Dict[Tuple[str, str], Future[Outcome]] = {}
        self._installed: Dict[str, Union[disk.Files, StepFailed]] = {}
        self._machines: Set[Machine] = set()
        self._lock = threading.Lock()
        self._closed = False

    def start(self, wanted: Sequence[Tuple[str, str]]) -> None:
        """Prepare the images of (scenario, suite) pairs and queue their boots.

        A suite that cannot be prepared fails its scenarios, not the others.
        """
        for name, suite in wanted:
            scenario = SCENARIOS[name]
            try:
                base = image.base(suite, self.progress, scenario.packages)
                files = self._rofs(base) if scenario.rofs else {}
            except StepFailed as e:
                self._futures[name, suite] = Future()
                self._futures[name, suite].set_exception(e)
            else:
                self._futures[name, suite] = self._pool.submit(self._timed, scenario, base, files)

    def result(self, name: str, suite: str) -> Union[Outcome, BaseException]:
        """Wait for a scenario that was started: its outcome, or the error that ended it."""
        future = self._futures[name, suite]
        return future.exception() or future.result()

    def outcomes(self) -> List[Outcome]:
        """The results so far, in the order in which the scenarios were started."""
        return [future.result() for future in self._futures.values()
                if future.done() and not future.cancelled() and not future.exception()]

    def close(self) -> None:
        """Kill running machines, drop queued ones, and remove the images."""
        with self._lock:
            self._closed = True
            for machine in self._machines:
                machine.kill()
        self._pool.shutdown(wait=True, cancel_futures=True)
        shutil.rmtree(self._work, ignore_errors=True)

    def _rofs(self, base: image.Base) -> disk.Files:
        """The files of rofs compiled for a suite; the outcome of the first try is kept."""
        if base.suite not in self._installed:
            try:
                tree = image.installed(base.suite, self.source, self.progress)
                self._installed[base.suite] = image.tree_as_files(tree, base.merged_usr)
            except StepFailed as e:
                self._installed[base.suite] = e
        found = self._installed[base.suite]
        if isinstance(found, StepFailed):
            raise found
        return found

    def _await_turn(self) -> None:
        """All threads but the first wait until the processors are not used by other tests."""
        with self._lock:
            first, self._first = self._first, False
        while not first and not self._closed and is_locked(BUSY):
            time.sleep(BUSY_POLL_SECONDS)

    def _timed(self, scenario: Scenario, base: image.Base, rofs: disk.Files) -> Outcome:
        begin = time.monotonic()
        outcome = self._run(scenario, base, rofs)
        return dataclasses.replace(outcome, seconds=time.monotonic() - begin)

    def _run(self, scenario: Scenario, base: image.Base, rofs: disk.Files) -> Outcome:
        with tempfile.TemporaryDirectory(prefix=f"{scenario.name}-", dir=self._work) as name:
            work = Path(name)
            if scenario.cuts:
                return self._cut_power(scenario, base, rofs, work)
            vda, pristine, data = (work / f"{which}.img" for which in ("root", "pristine", "data"))
            words = self._make_root(scenario, base, rofs, vda)
            disk.copy_sparse(vda, pristine)
            disk.mke2fs(data, disk.DATA_BYTES, "data")
            more = self._make_disks(scenario, base, rofs, work)
            drives = [Disk(path) for path in (vda, data)]
            drives += [Disk(path, bus=bus) for path, bus
                       in zip_longest(more, scenario.buses, fillvalue="virtio")]
            outcome = Outcome(scenario, base.suite, [], [], [], [])
            for number in range(1, len(scenario.boots) + 1):
                outcome.boots.append(self._boot(scenario, base, drives, number, words))
                if number <= scenario.setup_boots:
                    disk.copy_sparse(vda, pristine)
                outcome.identical.append(disk.same_content(vda, pristine))
                outcome.data_state.append(disk.superblock_state(data))
                outcome.data_fsck.append(disk.fsck(data))
                if scenario.root not in root.MADE_FROM_NOTHING and not outcome.identical[-1]:
                    outcome.root_fsck[number - 1] = root.check(scenario.root, vda)
                outcome.disks.append([disk_end(v, p) for v, p in zip(scenario.disks, more)])
            return outcome

    def _cut_power(
        self, scenario: Scenario, base: image.Base, rofs: disk.Files, work: Path
    ) -> Outcome:
        pristine = work / "pristine.img"
        self._make_root(scenario, base, rofs, pristine)
        site = powercut.make_site(base, pristine, work, self.logs, self._known)
        outcome = Outcome(scenario, base.suite, [], [], [], [])
        cuts, controls = [], []
        for number, phases in enumerate(powercut.chains(scenario.cuts)):
            with powercut.Chain(site, number, POWERCUT_SEED) as chain:
                cuts += chain.run(phases, control=not controls)
                controls += [chain.control] if chain.control else []
                outcome.boots.extend(chain.boots)
        return dataclasses.replace(outcome, cuts=powercut.Report(cuts, controls))

    def _make_root(
        self, scenario: Scenario, base: image.Base, rofs: disk.Files, vda: Path
    ) -> Sequence[str]:
        """Make the first disk: what it adds to the kernel command line."""
        files = scenario_files(scenario, rofs)
        words: Sequence[str] = ()
        if scenario.root == "ext4":
            disk.variant(base.image, vda, files)
        else:
            words = root.copy(base, scenario.root, files, vda, self.progress)
        if scenario.torn_root:
            disk.tear_superblock(vda)
        if scenario.partitions:
            volume.partition_disk(vda, scenario.partitions, volume.ROOT_PARTITION)
        return words

    def _make_disks(
        self, scenario: Scenario, base: image.Base, rofs: disk.Files, work: Path
    ) -> List[Path]:
        """The images of the scenario's further disks, each with a pristine copy beside it."""
        paths = []
        for number, what in enumerate(scenario.disks):
            path = work / f"disk{number}.img"
            if callable(what):
                what(path, base.suite)
            elif not isinstance(what, volume.Volume):
                volume.partition_disk(path, what)
            elif what.part:
                disk.variant(image.part(base.suite, what.part, self.progress), path,
                             files_below(scenario_files(scenario, rofs), f"/{what.part}"))
                disk.relabel(path, what.label, what.uuid)
            else:
                volume.make(path, what)
            disk.copy_sparse(path, pristine_of(path))
            paths.append(path)
        return paths

    def _boot(
        self, scenario: Scenario, base: image.Base, disks: Sequence[Disk], number: int,
        words: Sequence[str],
    ) -> Boot:
        initrd = scenario.initrd
        if number in scenario.own_initrd:
            initrd = str(disk.extract_initrd(Path(disks[0].image)))
        machine = Machine(base.with_initrd(initrd), disks,
                          f"{base.suite}-{scenario.name}-{number}", self.logs,
                          [*scenario.kernel_arguments(number), *words, probe_argument(number)],
                          scenario.root_flag, scenario.rtc, memory=scenario.memory,
                          loader=number if number in scenario.loader else 0)
        with self._known(machine), machine:
            if scenario.torn_root or number in scenario.resets:
                return machine.wait_for_end(scenario.seconds)
            return machine.wait_for_power_off(scenario.seconds)

    @contextlib.contextmanager
    def _known(self, machine: Machine) -> Iterator[None]:
        """Register a machine, so that `close` kills it if it is still running."""
        with self._lock:
            if self._closed:
                raise InterruptedError("the tests were stopped")
            self._machines.add(machine)
        try:
            yield
        finally:
            with self._lock:
                self._machines.discard(machine)


def is_locked(path: Optional[str]) -> bool:
    """Whether somebody holds a lock on the file."""
    if not path:
        return False
    with open(path, "rb") as f:
        try:
            fcntl.flock(f, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


def pristine_of(path: Path) -> Path:
    """Where the pristine copy of a further disk is kept."""
    return path.with_suffix(".pristine")


def files_below(files: disk.Files, top: str) -> disk.Files:
    """Those of the files that lie below a directory, as seen from there."""
    return {path[len(top):]: entry for path, entry in files.items()
            if path.startswith(f"{top}/")}


def disk_end(what: volume.AnyDisk, path: Path) -> DiskEnd:
    """The state of a further disk after power-off."""
    is_ext4 = isinstance(what, volume.Volume) and what.fstype == "ext4"
    state = disk.superblock_state(path) if is_ext4 else ""
    return DiskEnd(disk.same_content(path, pristine_of(path)), state)

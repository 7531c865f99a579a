"""A series: boot, change, commit, and judge; some of them on each image, one after the other.

Each boot changes random files of the overlays, some of which processes hold, commits all or some
of it, and compares the live view before and after. The next boot has empty uppers: what it shows
must be what was committed, and is what the next series begins with.
"""

from __future__ import annotations

import dataclasses
import os
import pickle
import random
import re
import tempfile
from pathlib import Path
from typing import Any, Callable, Dict, List, Optional

from hostile import kernel

from . import expected, reference, system
from .operations import Held, Operations, clear_flags
from .system import SKIPPED, TOPS, System
from .tree import Tree, differences, filled_holes, read_tree

SERIES_PER_IMAGE = 6
OPERATIONS_MAX = 60
PATHS_MAX = 4
Trees = Dict[str, Tree]
# What stands in for the commit in tests of this judge: does something to the system.
Instead = Optional[Callable[[System, List[str]], "tuple[int, str]"]]


@dataclasses.dataclass
class Finding:
    """What is wrong with one series, and what was done in it."""

    series: str
    wrong: List[str]
    done: List[str]

    def __str__(self) -> str:
        return "\n    ".join([self.series, *map(shorter, self.wrong[:12]), *(
            [f"... {len(self.wrong)} in all"] if len(self.wrong) > 12 else [])])


def shorter(line: str) -> str:
    """Without the many repetitions of long names and deep paths."""
    line = re.sub(r"(.)\1{20,}", r"\1(long)", line.rstrip())
    return re.sub(r"(/[^/ ]+)\1{2,}", r"\1(deep)", line)


@dataclasses.dataclass
class Change:
    """One boot with changes and a commit. `chosen`: by top, None: everything."""

    seed: str
    all: bool
    undo: bool
    lower: Trees
    merged: Trees
    chosen: Dict[str, List[bytes]]
    done: List[str]
    wrong: List[str]


def trees(top: str = "", holes: bool = True) -> Trees:
    """Of all overlaid paths."""
    return {name: read_tree(f"{top}/{name}", SKIPPED, holes) for name in TOPS}


def compare(title: str, before: Trees, after: Trees, **how: Any) -> List[str]:
    """The differences, with a title each."""
    return [f"{title}: /{name}: {line}" for name in before
            for line in differences(before[name], after[name], **how)]


def change(machine: System, seed: str, instead: Instead) -> Change:
    """The steps of a boot that changes something."""
    choice = random.Random(seed)
    machine.mount_overlays()
    lower = trees()
    operations = Operations(choice, [f"/{name}".encode() for name in TOPS],
                            simple=instead is not None)
    operations.run(choice.randrange(3, OPERATIONS_MAX))
    if instead is not None:
        reference.make_known()
    held = Held(operations, choice.choice([0, 0, 1, 3, 6]))
    everything = choice.random() < 0.6 or instead is not None
    result = Change(seed, everything, False, lower, trees(), {}, operations.done, [])
    arguments = ["commit", "--yes"]
    if result.all:
        arguments.append("--all")
    else:
        arguments += choose(choice, result)
        if not result.chosen:
            return result
    for line in commit(machine, arguments, instead):
        result.wrong.append(line)
    if instead is None:
        result.wrong += live(machine, result, held)
    result.wrong += left(machine)
    held.close()
    if not result.wrong and choice.random() < 0.1 and instead is None:
        undo(machine, result)
    return result


def choose(choice: random.Random, result: Change) -> List[str]:
    """Some of the paths that were changed, as arguments."""
    found = [(name, path) for name in TOPS
             for path in expected.changed_paths(result.lower[name], result.merged[name])
             if expected.can_be_chosen(result.lower[name], result.merged[name], path)]
    count = min(len(found), choice.randrange(1, PATHS_MAX))
    words = []
    for name, path in choice.sample(found, count):
        # A path that no program can be told.
        if len(path) > 4000:
            continue
        result.chosen.setdefault(name, []).append(path)
        words.append(os.fsdecode(b"/" + name.encode() + b"/" + path))
    return words


def commit(machine: System, arguments: List[str], instead: Instead) -> List[str]:
    """Returns what is wrong with how it ends."""
    status, said = instead(machine, arguments) if instead else machine.rofs(*arguments)
    if status != 0:
        return [f"rofs {arguments} ends with {status}: {said}"]
    return []


def live(machine: System, result: Change, held: Held) -> List[str]:
    """The running system shows what it did."""
    wrong = held.wrong()
    wrong += compare("the live view", result.merged, trees())
    system.drop_caches(3)
    wrong += compare("the live view without caches", result.merged, trees())
    return wrong + held.wrong() + shown(machine, result)


def left(machine: System) -> List[str]:
    """What no commit may leave behind."""
    wrong = []
    if not machine.superblock_is_read_only():
        wrong.append("the superblock of / is writable")
    if os.path.lexists("/rofs/ro/rofs/commit") or os.path.lexists("/rofs/ro/rofs/staging"):
        wrong.append("a transaction is left on flash")
    return wrong


def shown(machine: System, result: Change) -> List[str]:
    """rofs diff shows what was committed as such, or not at all."""
    status, said = machine.rofs("diff", "--raw", "--noheadings", "--output=change,path")
    if status != 0:
        return [f"rofs diff ends with {status}: {said}"]
    wrong = []
    for line in said.splitlines():
        mark, _, path = line.partition(" ")
        if mark != "=" and is_committed(result, unescaped(path)):
            wrong.append(f"rofs diff shows {line}")
    return wrong


def is_committed(result: Change, path: bytes) -> bool:
    """Whether a path, as users see it, was chosen."""
    name, _, inner = path.lstrip(b"/").partition(b"/")
    if inner in SKIPPED:
        return False
    return result.all or any(inner and expected.is_below(inner, top)
                             for top in result.chosen.get(name.decode(errors="replace"), []))


def unescaped(text: str) -> bytes:
    """The bytes of a column of --raw."""
    return re.sub(rb"\\x([0-9a-fA-F]{2})", lambda m: bytes([int(m.group(1), 16)]), text.encode())


def undo(machine: System, result: Change) -> None:
    """The flash must be as before, and the live view as it is."""
    status, said = machine.rofs("undo")
    if status != 0:
        result.wrong.append(f"rofs undo ends with {status}: {said}")
        return
    result.undo = True
    result.wrong += compare("the live view after undo", result.merged, trees())
    if not machine.superblock_is_read_only():
        result.wrong.append("the superblock of / is writable after undo")


def judge(machine: System, made: Change) -> List[str]:
    """The steps of the boot after it: what the flash has now."""
    if machine.finish() is not None:
        return ["a transaction was not finished"]
    machine.mount_overlays()
    found = trees()
    if made.undo:
        return compare("the flash after undo", made.lower, found)
    if made.all:
        wrong = compare("the flash", made.merged, found, ignored=nothing_but_times(made))
        return wrong + [f"/{name}: {line}" for name in TOPS
                        for line in filled_holes(made.merged[name], found[name])]
    wrong = []
    for name in TOPS:
        old, new, chosen = made.lower[name], made.merged[name], sorted(made.chosen.get(name, []))
        wanted, above = expected.committed(old, new, chosen)
        wrong += [f"the flash, of {chosen} committed: /{name}: {line}"
                  for line in differences(wanted, found[name], expected.may_differ(
                      above, expected.only_times(old, new)), expected.unchanged(old, new, chosen))]
    return wrong


def nothing_but_times(made: Change) -> Callable[[bytes, str], bool]:
    """What may differ after a commit of everything."""
    times = {name: expected.only_times(made.lower[name], made.merged[name]) for name in TOPS}
    if any(path not in times[name] for name in TOPS
           for path in expected.changed_paths(made.lower[name], made.merged[name])):
        return expected.may_differ(set(), set())
    return expected.may_differ(set(), set().union(*times.values()))


def chain(fstype: str, number: str, programs: Path, work: Path, count: int = SERIES_PER_IMAGE,
          instead: Instead = None) -> List[Finding]:
    """An image and some series on it. Ends with the first finding.

    Runs in a namespace of its own. Returns the findings.
    """
    found: List[Finding] = pickle.loads(kernel.in_child(lambda: pickle.dumps(
        on_image(fstype, number, programs, work, count, instead))))
    return found


def on_image(fstype: str, number: str, programs: Path, work: Path, count: int,
             instead: Instead) -> List[Finding]:
    kernel.private_namespace()
    os.umask(0o022)
    top = Path(tempfile.mkdtemp(dir=work))
    kernel.mount("tmpfs", str(top), "tmpfs", 0, "mode=0755")
    image, root = top / "image", top / "sys"
    system.make_image(fstype, image)
    with system.attached(image) as device:
        with system.mounted(device, root, fstype, writable=True):
            system.make_root(root)
            choice = random.Random(f"{number} lower")
            Operations(choice, [f"{root}/{name}".encode() for name in TOPS],
                       instead is not None).run(OPERATIONS_MAX)
            for name in TOPS:
                clear_flags(f"{root}/{name}")
        with system.mounted(device, root, fstype):
            found = all_series(root, programs, number, count, instead)
    dirty = "" if found else system.clean(fstype, image)
    if dirty:
        found.append(Finding(f"{fstype}:{number}", [f"the file system: {dirty}"], []))
    for finding in found:
        finding.series = f"{fstype}:{finding.series}"
    return found


def all_series(root: Path, programs: Path, number: str, count: int,
               instead: Instead) -> List[Finding]:
    """On a mounted image, until there is a finding."""
    for step in range(count):
        seed = f"{number}.{step}"
        try:
            made = system.boot(root, programs, lambda machine, s=seed: change(machine, s, instead))
            wrong = made.wrong + system.boot(root, programs,
                                             lambda machine, m=made: judge(machine, m))
        except ChildProcessError as e:
            return [Finding(seed, [f"the harness failed: {e}"], [])]
        if wrong:
            return [Finding(seed, wrong, made.done)]
    return []

"""One execution: make the media, boot, let users misbehave, boot again, judge."""

from __future__ import annotations

import dataclasses
import json
import os
import tempfile
from typing import Any, Dict, List

from . import case as cases
from . import judge, kernel
from .boot import Boot

PROGRAMS = ("rofs-generator", "rofs-prepare", "rofs")
LINKS = ("bin", "sbin", "lib", "lib64", "lib32", "libx32")


@dataclasses.dataclass(frozen=True)
class Result:
    """What was found in an execution, and what the programs said."""

    case: cases.Case
    wrong: List[str]
    said: List[str]

    def summary(self) -> str:
        """For a list of findings."""
        return f"{self.case.seed}: " + "\n    ".join(self.wrong)

    def report(self) -> str:
        """Everything."""
        return "\n".join([*(f"== {name}\n{text}" for name, text in
                            cases.describe(self.case).items()), "== said", *self.said,
                          "== wrong", *self.wrong])


def execute(seed: str, programs: str, work: str) -> Result:
    """`work`: a directory in which each process may have one of its own."""
    case = cases.make_case(seed)
    try:
        found = json.loads(kernel.in_child(
            lambda: json.dumps(whole(case, programs, work)).encode()))
    except ChildProcessError as e:
        return Result(case, [f"the harness failed: {e}"], [])
    return Result(case, found["wrong"], found["said"])


def whole(case: cases.Case, programs: str, work: str) -> Dict[str, Any]:
    """Both boots, in a namespace of their own."""
    kernel.private_namespace()
    os.umask(0o022)
    top = tempfile.mkdtemp(dir=work)
    kernel.mount("tmpfs", top, "tmpfs", 0, "mode=0755")
    for label in ("data", "home"):
        os.mkdir(f"{top}/{label}")
        kernel.mount(label, f"{top}/{label}", "tmpfs", 0, "mode=0755")
        cases.make_medium(case, f"{top}/{label}", label)
    wrong: List[str] = []
    said: List[str] = []
    opened: Dict[str, List[str]] = {}
    for number in (1, 2):
        found = json.loads(kernel.in_child(lambda number=number, opened=opened: json.dumps(
            one_boot(case, programs, top, number, opened)).encode()))
        opened = found["opened"]
        wrong += [f"boot {number}: {line}" for line in found["wrong"]]
        said += [f"-- boot {number}", *found["said"]]
    return {"wrong": wrong, "said": said}


def one_boot(case: cases.Case, programs: str, top: str, number: int,
             opened: Dict[str, List[str]]) -> Dict[str, Any]:
    """A boot of a fresh root, as a power cycle gives it, with the media as they are.

    `opened`: by user, what could be read when the boot before ended. Somebody who makes his own
    directory readable for all has done nothing wrong, and a layer on the partition keeps it.
    """
    kernel.private_namespace()
    root, raw = f"{top}/sys{number}", f"{top}/raw{number}"
    make_system(case, programs, root, raw)
    handles = {name: os.open(path, os.O_RDONLY | os.O_DIRECTORY)
               for name, path in (("root", raw), ("data", f"{top}/data"), ("home", f"{top}/home"))}
    seen = judge.Seen({name: f"/proc/self/fd/{handle}" for name, handle in handles.items()})
    before = seen.listings()
    os.chroot(root)
    os.chdir("/")
    judgement = judge.Judge(judge.Declared(case), seen, before, opened)
    boot = Boot()
    boot.run(seen.paths["data"], seen.paths["home"])
    with open("/proc/self/mountinfo", encoding="utf-8", errors="surrogateescape") as f:
        wrong = boot.wrong + judgement.verdict(f.read())
    for uid in judge.USERS:
        with kernel.rights_of(uid):
            cases.misbehave(case, uid, number)
    opened = {str(uid): sorted(judge.readable(uid, ["/"])) for uid in judge.USERS}
    return {"said": boot.said, "wrong": wrong, "opened": opened}


def make_system(case: cases.Case, programs: str, root: str, raw: str) -> None:
    """The read-only root, and at `raw` the same without what will be mounted on it."""
    os.mkdir(root)
    os.mkdir(raw)
    kernel.mount("root", root, "tmpfs", 0, "mode=0755")
    cases.make_root(case, root)
    os.mkdir(f"{root}/programs")
    for name in LINKS:
        if os.path.islink(f"/{name}"):
            os.symlink(os.readlink(f"/{name}"), f"{root}/{name}")
    kernel.mount(root, raw, "", kernel.MS_BIND)
    kernel.mount("none", root, "", kernel.MS_REMOUNT | kernel.MS_BIND | kernel.MS_RDONLY)
    kernel.mount("proc", f"{root}/proc", "proc")
    kernel.mount(programs, f"{root}/programs", "", kernel.MS_BIND)
    kernel.mount("/usr", f"{root}/usr", "", kernel.MS_BIND)
    kernel.mount("/dev", f"{root}/dev", "", kernel.MS_BIND)
    kernel.mount("run", f"{root}/run", "tmpfs", 0, "mode=0755")
    kernel.mount("tmp", f"{root}/tmp", "tmpfs", 0, "mode=1777")

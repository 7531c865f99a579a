"""No room of src/ includes one that comes after it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import List

import pytest

SOURCE = Path(__file__).resolve().parent.parent / "src"
# The model: libc only, silent, pure.
MODEL = ["basic", "conf", "plan", "unit", "verdict", "software"]
# What touches the machine.
ENDS = ["layer", "system", "trust", "transaction"]
# Programs, and the rooms of one program. They do not know each other.
PROGRAMS = ["generator", "prepare", "device", "superblock", "finish", "format", "verify"]
COMMANDS = [
    "rofs/status", "rofs/check", "rofs/diff", "rofs/log",
    "rofs/commit", "rofs/revert", "rofs/chroot",
]
# From docs/ARCHITECTURE.md, lowest first. Those in one line do not know each other.
LAYERS: List[List[str]] = [[room] for room in MODEL + ENDS] + [
    PROGRAMS,
    ["rofs/ui"],
    ["rofs/changes"],
    COMMANDS,
    ["rofs/suggest", "rofs/undo"],  # ask rofs/check, and rofs/log
    ["rofs"],
]
LEVEL = {room: level for level, rooms in enumerate(LAYERS) for room in rooms}
FILES = sorted(SOURCE.rglob("*.[ch]"))


def room_of(file: Path) -> str:
    return str(file.parent.relative_to(SOURCE))


def name_of(file: Path) -> str:
    return str(file.relative_to(SOURCE))


def included(file: Path) -> List[str]:
    """The headers of ours that a file includes."""
    return re.findall(r'^#include "(.+)"$', file.read_text(), flags=re.MULTILINE)


def test_every_room_has_its_place() -> None:
    assert {room_of(file) for file in FILES} == LEVEL.keys()


@pytest.mark.parametrize("file", FILES, ids=name_of)
def test_includes_say_the_room(file: Path) -> None:
    assert [name for name in included(file) if not (SOURCE / name).is_file()] == []


@pytest.mark.parametrize("file", FILES, ids=name_of)
def test_no_room_includes_upwards(file: Path) -> None:
    here = room_of(file)
    rooms = {room_of(SOURCE / name) for name in included(file)} - {here}
    # The verbs are declared beside the exit statuses that they return.
    if here.startswith("rofs/"):
        rooms -= {room_of(SOURCE / name) for name in included(file) if name == "rofs/rofs.h"}
    assert [room for room in rooms if LEVEL[room] >= LEVEL[here]] == []


def circle(files: List[Path]) -> List[str]:
    """The files that are left when all that include nothing unresolved are taken away."""
    left = {name_of(file): {name for name in included(file)} for file in files}
    while True:
        free = [name for name, needs in left.items() if not needs & left.keys()]
        if not free:
            return sorted(left)
        for name in free:
            del left[name]


def test_no_headers_include_each_other() -> None:
    assert circle([file for file in FILES if file.suffix == ".h"]) == []


# What looks at or writes files is in the lowest room, so that every room after the model may use
# it. The model itself does not: a plan must depend on nothing but what it is given.
IO = [SOURCE / f"basic/{name}.c" for name in ("beneath", "io", "mount-point")]
MODEL_FILES = [f for f in FILES if room_of(f) in MODEL and f not in IO]


@pytest.mark.parametrize("file", MODEL_FILES, ids=name_of)
def test_the_model_does_not_include_what_touches_files(file: Path) -> None:
    assert {f"basic/{source.stem}.h" for source in IO}.isdisjoint(included(file))


@pytest.mark.parametrize("file", MODEL_FILES, ids=name_of)
def test_the_model_touches_nothing(file: Path) -> None:
    """No descriptor, no environment, no output: that is for the rooms after it."""
    calls = re.findall(r"\b(open|openat|fopen|read|write|getenv|printf|fprintf|puts|exit|stat|"
                       r"statx|fstatat|mkdirat|opendir|fdopendir)\(",
                       re.sub(r"/\*.*?\*/", "", file.read_text(), flags=re.DOTALL))
    assert not calls


# Messages begin with the name of the program and are made printable there. The usage is ours, and
# the text of an event is what the journal got.
STDERR = {"system/log.c", "system/event.c"}


SILENT = [f for f in FILES if f.suffix == ".c" and name_of(f) not in STDERR]


@pytest.mark.parametrize("file", SILENT, ids=name_of)
def test_messages_are_logged_not_printed(file: Path) -> None:
    text = file.read_text()
    assert not re.findall(r"\b(?:perror|warnx?|errx?|error)\(", text)
    assert [line for line in text.splitlines()
            if re.search(r"\bstderr\b", re.sub(r'".*"', "", line)) and "usage" not in line] == []

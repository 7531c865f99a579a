"""The programs are hardened as Debian's packages are: read from the files that were built."""

from __future__ import annotations

import json
import platform
import re
import subprocess
from pathlib import Path

import pytest
from support import build_directory, need_programs, program

PROGRAMS = ("rofs", "rofs-device", "rofs-finish", "rofs-format", "rofs-generator", "rofs-prepare",
            "rofs-superblock", "rofs-verify")
# Of the C library's start files, one without a note takes it from the whole program.
START_FILES = ("Scrt1.o", "crti.o", "crtbeginS.o", "crtendS.o", "crtn.o")
# By machine: the option that is as good as the notes, and the notes.
BRANCH_NOTES = {"x86_64": ("IBT", "SHSTK"), "aarch64": ("BTI", "PAC")}

pytestmark = [pytest.mark.plain, pytest.mark.parametrize("name", PROGRAMS)]


def readelf(*arguments: object) -> str:
    """What readelf prints, in wide lines."""
    need_programs("readelf")
    return subprocess.run(["readelf", "--wide", *map(str, arguments)], check=True,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True).stdout


def build_option(name: str) -> object:
    """An option of the build under test."""
    options = json.loads((build_directory() / "meson-info/intro-buildoptions.json").read_text())
    return next(o["value"] for o in options if o["name"] == name)


@pytest.fixture
def hardened(name: str) -> Path:
    """A program of a build that is for users."""
    # A list in new releases of Meson.
    if build_option("b_sanitize") not in ("none", []) or build_option("b_coverage"):
        pytest.skip("a build with sanitizers or coverage is not hardened: use a plain one")
    return program(name)


def test_program_is_loaded_at_any_address(hardened: Path) -> None:
    header = readelf("--file-header", hardened)
    assert re.search(r"Type:\s+DYN \(Position-Independent Executable file\)|Type:\s+DYN", header)
    assert re.search(r"\(FLAGS_1\).*\bPIE\b", readelf("--dynamic", hardened))


def test_tables_of_the_linker_are_read_only(hardened: Path) -> None:
    assert re.search(r"^\s*GNU_RELRO\b", readelf("--program-headers", hardened), re.M)
    dynamic = readelf("--dynamic", hardened)
    assert re.search(r"\(FLAGS\).*BIND_NOW|\(FLAGS_1\).*\bNOW\b|\(BIND_NOW\)", dynamic)


def test_stack_is_not_executable(hardened: Path) -> None:
    stack = re.search(r"^\s*GNU_STACK\b.*\b(\w+)\s+0x\w+$", readelf("--program-headers", hardened),
                      re.M)
    assert stack and stack.group(1) == "RW", stack


def test_stack_is_protected(hardened: Path) -> None:
    assert "__stack_chk_fail" in readelf("--dyn-syms", hardened)


def test_calls_of_libc_are_checked(hardened: Path) -> None:
    found = set(re.findall(r"\b__(\w+)_chk\b", readelf("--dyn-syms", hardened)))
    assert found - {"stack"}, found


def test_branches_are_protected(hardened: Path, name: str) -> None:
    machine = platform.machine()
    if machine not in BRANCH_NOTES:
        pytest.skip(f"{machine} has no protection of branches that gcc knows")
    wanted = BRANCH_NOTES[machine]
    notes = readelf("--notes", hardened)
    for file in START_FILES:
        path = subprocess.run(["gcc", f"-print-file-name={file}"], check=True,
                              stdout=subprocess.PIPE, text=True).stdout.strip()
        theirs = readelf("--notes", path)
        wanted = tuple(note for note in wanted if note in theirs)
    for note in wanted:
        assert note in notes, notes
    # Whatever the start files are like, ours must have it.
    objects = sorted(build_directory().glob(f"src/**/{name}.p/*.c.o"))
    assert objects
    for path in objects:
        for note in BRANCH_NOTES[machine]:
            assert note in readelf("--notes", path), path

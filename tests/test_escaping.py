"""Names and paths in units, as systemd itself reads them."""

from __future__ import annotations

import ctypes
import os
import random
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from support import make_tree, need_programs, run_generator, verify

ODD = [
    "a b", "a  b", "-", "-dash", "--", ".", ".dot", "..dots", "...", "a.b", "a-b", "a--b",
    "q\"uote", "'single'", "100%", "%%", "%h", "%", "back\\slash", "end\\", "end\\\\", "\\",
    "\\x2d", "\\n",
    "ä€𝄞", "日本語", "$HOME", "${HOME}", "$$", "#hash", ";semi", "=", "[x]", "]", "a:b", "a,b", "@",
    "~", "`id`", "!", "^", "&", "*", "(x)", "{x}", "|", "<>", "?", "+", "_", "0", "A" * 60,
    "\u00a0", "e\u0301", "\u202e", "x" * 100, "a\\ b", "\"", "a \" b", "tail%", "foo.mount",
]
LETTERS = "ab-._:@\\\"'%$ #;[]=,~!ä€/"


def random_paths(count: int) -> list[str]:
    numbers = random.Random(1)
    found = set()
    while len(found) < count:
        text = "".join(numbers.choice(LETTERS) for _ in range(numbers.randint(1, 20)))
        parts = [part for part in text.split("/") if part not in ("", ".", "..")]
        if parts and not parts[-1].endswith(" "):
            found.add("/".join(parts))
    return sorted(found)


def without_nesting(paths: list[str]) -> list[str]:
    """A persist below another is a mistake."""
    kept: list[str] = []
    for path in sorted(paths, key=lambda p: p.split("/")):
        if not any(path.startswith(other + "/") for other in kept):
            kept.append(path)
    return kept


PATHS = [path for path in without_nesting([*{*ODD, *random_paths(150)}]) if path not in (".", "..")]


def configuration(paths: list[str]) -> str:
    lines = ["[Overlay /srv]", "[Partition data]", "Device=LABEL=data"]
    for number, path in enumerate(paths):
        lines += [f"[Persist /srv/{path}]", "Partition=data", f"Directory=/{number}/{path}"]
    return "\n".join(lines) + "\n"


def escape(paths: list[str]) -> list[str]:
    need_programs("systemd-escape")
    done = subprocess.run(["systemd-escape", "--path", "--suffix=mount", "--", *paths],
                          check=True, stdout=subprocess.PIPE)
    return done.stdout.decode().strip("\n").split(" ")


@pytest.fixture(scope="module")
def early(generator: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The units of a configuration with every odd path."""
    work = tmp_path_factory.mktemp("escaping")
    root = make_tree(work / "root", {"etc/rofs.conf": configuration(PATHS)}, ["srv"])
    run = run_generator(generator, root, work)
    assert run.status == 0, run.stderr
    return work / "generator.early"


def test_unit_names_are_those_of_systemd_escape(early: Path) -> None:
    expected = set(escape([f"/srv/{path}" for path in PATHS]))
    assert len(expected) == len(PATHS)
    found = {path.name for path in early.glob("srv-*.mount")}
    assert found == expected


def unit_value(text: str, key: str) -> str:
    """A value as systemd.syntax(7) reads it: continuation lines, white space, `%%`."""
    joined = re.sub(r"(?<!\\)((?:\\\\)*)\\\n", r"\1 ", text)
    values = re.findall(rf"^{key}=(.*)$", joined, re.M)
    assert len(values) == 1
    value = values[0].strip(" \t\n\r")
    assert "%" not in value.replace("%%", "")
    value = value.replace("%%", "%")
    return value if value == "/" else re.sub(r"/+", "/", value).rstrip("/")


@pytest.mark.parametrize("path", PATHS)
def test_where_and_what_are_the_declared_paths(path: str, early: Path) -> None:
    name = escape([f"/srv/{path}"])[0]
    text = (early / name).read_text()
    assert unit_value(text, "Where") == f"/srv/{path}"
    assert unit_value(text, "What") == f"/rofs/persist/data/{PATHS.index(path)}/{path}"


def test_systemd_accepts_all_units(early: Path) -> None:
    assert verify(early) == []


def test_systemd_refuses_a_unit_that_is_wrong(early: Path, tmp_path: Path) -> None:
    """What the test above relies on: a Where= that differs by one letter is told."""
    copy = tmp_path / "generator.early"
    shutil.copytree(early, copy, symlinks=True)
    unit = copy / escape(["/srv/a b"])[0]
    unit.write_text(unit.read_text().replace("Where=/srv/a b", "Where=/srv/a  b"))
    assert any("Where= setting doesn't match unit name" in line for line in verify(copy))


LABELS: dict[str, str] = {
    "a b": "a\\x20b", "a/b": "a\\x2fb", "a\\b": "a\\x5cb", "q\"": "q\\x22", "100%": "100\\x25",
    "ä": "ä", "#+-.:=@_": "#+-.:=@_", "$x": "\\x24x", "[x]": "\\x5bx\\x5d",
}


@pytest.mark.parametrize("label", LABELS)
def test_label_becomes_the_link_of_udev(label: str, generator: Path, tmp_path: Path) -> None:
    text = f"[Partition d]\nDevice=LABEL={label}\n[Persist /home]\nPartition=d\n"
    root = make_tree(tmp_path / "root", {"etc/rofs.conf": text})
    run = run_generator(generator, root, tmp_path)
    device = f"/dev/disk/by-label/{LABELS[label]}"
    assert run.status == 0, run.stderr
    assert unit_value(run.early["rofs-persist-d.mount"], "What") == device
    unit = escape([device])[0][:-len("mount")] + "device"
    assert f"{unit}.d/50-rofs-persist-d.conf" in run.early
    assert f"systemd-fsck@{unit[:-len('.device')]}.service\n" in run.early["rofs-persist-d.mount"]
    assert verify(tmp_path / "generator.early") == []


def glob_matches(pattern: str) -> bool:
    """With the flags that systemd gives to glob(3): GLOB_NOSORT | GLOB_BRACE."""
    found = ctypes.create_string_buffer(256)
    libc = ctypes.CDLL(None)
    status = libc.glob(os.fsencode(pattern), 1 << 2 | 1 << 10, None, found)
    libc.globfree(found)
    return status == 0


@pytest.mark.parametrize("path", ["plain", "{x}", "a{b", "c}d", "{}", "[x]", "a*b", "what?"])
def test_condition_finds_what_is_to_be_finished(path: str, generator: Path, tmp_path: Path) -> None:
    """Else a transaction that a power cut has interrupted stays so on this file system."""
    root = make_tree(tmp_path / "root", {
        "etc/rofs.conf": f"[Overlay /srv/{path}]\n", "etc/fstab": f"/dev/sdb /srv/{path} ext4\n"},
        [f"srv/{path}"])
    run = run_generator(generator, root, tmp_path)
    (unit,) = [text for name, text in run.early.items() if name.startswith("rofs-finish-")]
    pattern = unit_value(unit, "ConditionPathExistsGlob")
    assert pattern.startswith("/rofs/ro/srv/")
    (tmp_path / f"seen/rofs/ro/srv/{path}/.rofs/staging.7").mkdir(parents=True)
    assert glob_matches(f"{tmp_path}/seen{pattern}")

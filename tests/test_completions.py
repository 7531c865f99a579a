"""Completion: what the shells offer is what the command takes."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import pytest
from support import RUN_SECONDS_MAX, SOURCE, need_programs, run_program

COMPLETIONS = SOURCE / "completions"


def environment(rofs: Path) -> dict[str, str]:
    return {**os.environ, "PATH": f"{rofs.parent}:{os.environ['PATH']}", "LC_ALL": "C.UTF-8"}


def bash(rofs: Path, *words: str) -> list[str]:
    """What bash offers for the last of the words, which it has split as it does."""
    quoted = " ".join(f"'{word}'" for word in words)
    done = subprocess.run(
        ["bash", "-c", f". {COMPLETIONS}/rofs.bash; COMP_WORDS=({quoted});"
         f" COMP_CWORD={len(words) - 1}; _rofs; printf '%s\\n' \"${{COMPREPLY[@]}}\""],
        env=environment(rofs), check=True, text=True, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, timeout=RUN_SECONDS_MAX)
    assert done.stderr == ""
    return done.stdout.split()


def verbs(rofs: Path) -> list[str]:
    return re.findall(r"^  ([a-z]+) ", run_program(rofs, "--help").stdout, re.M)


def options(rofs: Path, verb: str) -> list[str]:
    return re.findall(r"^  (?:-., )?(--[a-z-]+=?)", run_program(rofs, verb, "--help").stdout, re.M)


def test_verbs(rofs: Path) -> None:
    assert {"status", "check", "plan"} <= set(verbs(rofs))
    assert bash(rofs, "rofs", "") == [*verbs(rofs), "--help", "--version"]
    assert bash(rofs, "rofs", "sta") == ["status"]


def test_options(rofs: Path) -> None:
    for verb in verbs(rofs):
        assert bash(rofs, "rofs", verb, "-") == options(rofs, verb)
        assert "--help" in options(rofs, verb)
    assert bash(rofs, "rofs", "status", "--js") == ["--json"]
    assert bash(rofs, "rofs", "chroot", "--y") == ["--yes"]


def test_columns(rofs: Path) -> None:
    assert bash(rofs, "rofs", "status", "--output", "=", "UN") == ["UNIT"]
    assert bash(rofs, "rofs", "status", "--output", "=", "UNIT,SI") == ["UNIT,SIZE"]
    assert "USE%" in bash(rofs, "rofs", "status", "--output", "=")
    assert bash(rofs, "rofs", "log", "--output", "=", "NUM") == ["NUMBER"]
    assert bash(rofs, "rofs", "diff", "--output", "=", "PATH,PO") == ["PATH,POOL"]


def test_directories(rofs: Path, tmp_path: Path) -> None:
    (tmp_path / "image").mkdir()
    (tmp_path / "file").touch()
    for verb, option in (("plan", "--root"), ("plan", "--output"), ("check", "--root")):
        assert bash(rofs, "rofs", verb, option, "=", f"{tmp_path}/") == [f"{tmp_path}/image"]


# What zsh's completion system would do with the candidates: here they are printed.
ZSH = """
compadd() { while [ $# -gt 0 ] && [ "$1" != -- ]; do shift; done; shift; print -rl -- "$@" }
_describe() { print -rl -- ${(P)4} }
_files() { print files "$@" }
compset() { }
"""


@pytest.mark.parametrize(("words", "offered"), [
    (("",), ["status:show whether", "check:find mistakes", "plan:show the units"]),
    (("--",), ["--help", "--version"]),
    (("status", "--"), ["--json", "--openmetrics", "--output=", "--help"]),
    (("status", "--output=P"), ["PATH", "USE%", "WRITTEN"]),
    (("log", "--output=N"), ["NUMBER", "COMMAND"]),
    (("chroot", "--"), ["--yes", "--on="]),
    (("plan", "--root=/"), ["files -/"]),
])
def test_zsh(rofs: Path, words: tuple[str, ...], offered: list[str]) -> None:
    need_programs("zsh")
    quoted = " ".join(f"'{word}'" for word in words)
    script = (f"{ZSH}words=(rofs {quoted}) CURRENT={len(words) + 1} PREFIX='{words[-1]}'\n"
              f". {COMPLETIONS}/rofs.zsh\n")
    done = subprocess.run(["zsh", "-f", "-c", script], env=environment(rofs), check=True,
                          text=True, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, timeout=RUN_SECONDS_MAX)
    assert done.stderr == ""
    lines = done.stdout.splitlines()
    for word in offered:
        assert [line for line in lines if line.startswith(word)], done.stdout

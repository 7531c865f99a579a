"""Standard output that cannot be written, of every program and every command."""

from __future__ import annotations

import os
import signal
import subprocess
from pathlib import Path
from typing import Callable, Dict, List

import pytest
from support import environment, make_status_tree, need_programs, program
from vm import disk

PROGRAMS = ["rofs", "rofs-device", "rofs-finish", "rofs-format", "rofs-generator", "rofs-prepare",
            "rofs-superblock", "rofs-verify"]
VERBS = {"status": ["", "--json", "--openmetrics", "--output=PATH", "--raw"],
         "check": ["", "--json"], "plan": [""], "diff": [],
         "log": ["--json"], "undo": []}
CALLS = [*(f"{name} {option}" for name in PROGRAMS for option in ("--help", "--version")),
         *(f"rofs {verb} {option}".strip()
           for verb, options in VERBS.items() for option in (*options, "--help")),
         "rofs-superblock --export IMAGE"]
REASONS = {"full": "No space left on device", "closed": "Bad file descriptor",
           "read by nobody": "Broken pipe"}


def to_full_device() -> None:
    os.dup2(os.open("/dev/full", os.O_WRONLY), 1)


def to_nowhere() -> None:
    os.close(1)


def to_broken_pipe() -> None:
    """As for a service of systemd, which does not end by the signal."""
    signal.signal(signal.SIGPIPE, signal.SIG_IGN)
    reader, writer = os.pipe()
    os.close(reader)
    os.dup2(writer, 1)


OUTPUTS: Dict[str, Callable[[], None]] = {
    "full": to_full_device, "closed": to_nowhere, "read by nobody": to_broken_pipe}


def torn(path: Path) -> Path:
    need_programs("debugfs", "e2fsck", "mke2fs")
    disk.mke2fs(path, 20 * disk.MIB, "data", arguments=["-b", "1024"])
    disk.tear_superblock(path)
    return path


def argv_of(call: str, work: Path) -> List[str]:
    name, *arguments = call.split()
    return [str(program(name)), *(str(torn(work / "image")) if word == "IMAGE" else word
                                  for word in arguments)]


@pytest.mark.parametrize("output", OUTPUTS)
@pytest.mark.parametrize("call", CALLS)
def test_lost_output_is_a_failure(tmp_path: Path, call: str, output: str) -> None:
    case = Path(__file__).parent / "status/01-all-is-in-force"
    root = make_status_tree(case, tmp_path / "root")
    done = subprocess.run(argv_of(call, tmp_path), env=environment(root), check=False, text=True,
                          restore_signals=False, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE,
                          preexec_fn=OUTPUTS[output])
    name = call.split()[0]
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1] == f"{name}: standard output: {REASONS[output]}"


@pytest.mark.parametrize("output", OUTPUTS)
def test_repair_does_not_depend_on_output(tmp_path: Path, output: str) -> None:
    """It has succeeded: the fsck that follows must not be told otherwise."""
    done = subprocess.run(argv_of("rofs-superblock IMAGE", tmp_path), check=False, text=True,
                          restore_signals=False, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE,
                          preexec_fn=OUTPUTS[output])
    assert done.returncode == 0, done.stderr
    assert "has been corrected" in done.stderr
    assert disk.superblock_state(tmp_path / "image") == "not clean"


@pytest.mark.parametrize("call", ["rofs-superblock IMAGE", "rofs plan --output=OUT"])
def test_closed_descriptors_are_nobody_elses(tmp_path: Path, call: str) -> None:
    """What is opened first must not become standard output: a message would be written into it."""
    root = make_status_tree(Path(__file__).parent / "status/01-all-is-in-force", tmp_path / "root")
    argv = [word.replace("OUT", f"{tmp_path}/out") for word in argv_of(call, tmp_path)]
    subprocess.run(argv, env=environment(root), check=False, preexec_fn=lambda: os.closerange(0, 3))
    if "OUT" in call:
        assert (tmp_path / "out/rofs.mount").read_text().startswith("# Generated")
    else:
        assert disk.superblock_state(tmp_path / "image") == "not clean"
        assert disk.replay(tmp_path / "image")[0] == 1

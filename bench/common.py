# SPDX-License-Identifier: MIT
"""What the benchmarks share: how they end, the build that they measure, the machine."""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any, Callable, Dict, Optional

SOURCE = Path(__file__).resolve().parent.parent
INSIDE = "ROFS_BENCH_NAMESPACE"


class Stop(Exception):
    """What ends a benchmark with status 2, told in one line."""


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def build(directory: Path = SOURCE / "build-bench") -> Path:
    """A release build of the programs. Returns its directory."""
    if not shutil.which("meson"):
        raise Stop("meson is missing; on Debian: apt install meson gcc libc6-dev")
    commands = [["meson", "compile", "-C", str(directory)]]
    if not (directory / "build.ninja").exists():
        setup = ["meson", "setup", str(directory), str(SOURCE), "--buildtype=release"]
        commands.insert(0, setup + ["-Dman=disabled"])
    for command in commands:
        say("building: " + " ".join(command[:2]))
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        if done.returncode:
            raise Stop("the build failed:\n" + done.stdout)
    return directory


def machine() -> Dict[str, str]:
    """What a result depends on."""
    model = platform.machine()
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as f:
            models = (line.split(":", 1)[1] for line in f if line.startswith("model name"))
            model = next(models).strip()
    except (OSError, StopIteration):
        pass
    return {"cpu": model, "cpus": str(os.cpu_count()), "kernel": platform.release().split("-")[0],
            "load": f"{os.getloadavg()[0]:.1f}"}


def add_json_option(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", type=Path, metavar="FILE",
                        help="also write all figures to FILE, in JSON format")


def save(path: Optional[Path], figures: Dict[str, Any]) -> None:
    """Write the figures to the file of --json, if that was specified."""
    if path:
        path.write_text(json.dumps({"machine": machine(), **figures}, indent=2) + "\n")


def need_root() -> None:
    if os.geteuid() != 0:
        raise Stop("mounting needs root: run it through sudo")


def enter_namespace() -> None:
    """Starts this program anew where its mounts are seen by nobody."""
    need_root()
    if os.environ.get(INSIDE) != "1":
        os.execvpe("unshare", ["unshare", "--mount", "--propagation", "private", sys.executable,
                               *sys.argv], {**os.environ, INSIDE: "1"})


def run(name: str, main: Callable[[], int]) -> None:
    """The program: its status is that of `main`, 2 if the measurement fails, 130 on Ctrl+C."""
    try:
        sys.exit(main())
    except (Stop, ChildProcessError, subprocess.CalledProcessError) as problem:
        say(f"bench/{name}: {problem}")
        sys.exit(2)
    except KeyboardInterrupt:
        sys.exit(130)

"""What tools/demo and tools/screenshots share: arguments, and a machine with rofs."""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path
from typing import Callable, Dict

from . import image
from .disk import Entry, File
from .machine import MachineError
from .progress import Progress, exit_status
from .scenario import PATIENCE, PATIENCE_PATH

EXAMPLE = "conf/examples/minimal.conf"
# What a program does with the base image, its files, and a directory that is removed afterwards.
Run = Callable[[image.Base, Dict[str, Entry], Path], bool]


def parser(name: str) -> argparse.ArgumentParser:
    """The arguments of tools/NAME: one suite, and the source to compile."""
    made = argparse.ArgumentParser(prog=f"tools/{name}")
    made.add_argument("--suite", default=image.DEFAULT_SUITE, choices=image.SUITES)
    made.add_argument("--source", type=Path, required=True)
    return made


def machine_files(base: image.Base, source: Path, progress: Progress) -> Dict[str, Entry]:
    """rofs compiled for the suite and the example configuration."""
    files = image.tree_as_files(image.installed(base.suite, source, progress), base.merged_usr)
    files["/etc/rofs.conf"] = File((source / EXAMPLE).read_bytes())
    files[PATIENCE_PATH] = PATIENCE
    return files


def run_machine(name: str, suite: str, source: Path, run: Run) -> int:
    """Run it with a machine's image and files; the exit status."""
    def prepared() -> bool:
        progress = Progress(image.logs_dir())
        base = image.base(suite, progress)
        files = machine_files(base, source.resolve(), progress)
        with tempfile.TemporaryDirectory(prefix=f"rofs-{name}-") as work:
            return run(base, files, Path(work))
    return exit_status(prepared, MachineError)

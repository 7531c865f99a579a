"""Run clang-tidy on each C file of src/ that it has not yet accepted in its present state.

The state is the file after preprocessing, its command line, .clang-tidy, and clang-tidy's version.
Otherwise most of the time would go into the analysis of what did not change.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import shlex
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Dict, List, Tuple

KEPT_SECONDS = 30 * 24 * 3600
# Options of the compiler that name what it writes.
WITH_ARGUMENT = ("-o", "-MF", "-MQ")
WITHOUT = ("-c", "-MD")

Entry = Dict[str, str]  # of compile_commands.json


def commands(build: Path, source: Path) -> Dict[Path, List[Entry]]:
    """How each C file of `source` is compiled; a file that is not has no entry."""
    found: Dict[Path, List[Entry]] = {path.resolve(): [] for path in sorted(source.rglob("*.c"))}
    for entry in json.loads((build / "compile_commands.json").read_text()):
        path = Path(entry["directory"], entry["file"]).resolve()
        if path in found:
            found[path].append(entry)
    return found


def preprocessed(entry: Entry) -> bytes:
    """The file with all that it includes, and with comments, as these may contain NOLINT.

    Raises CalledProcessError if that fails.
    """
    words = iter(shlex.split(entry["command"]))
    kept = [word for word in words
            if word not in WITHOUT and not (word in WITH_ARGUMENT and next(words))]
    return subprocess.run([*kept, "-E", "-C"], cwd=entry["directory"], check=True,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE).stdout


def analyse(path: Path, entries: List[Entry], build: Path, accepted: Path,
            general: bytes) -> Tuple[bool, str]:
    """Whether clang-tidy accepts a file, and its output."""
    state = hashlib.sha256(general)
    try:
        for entry in entries:
            state.update(entry["command"].encode() + preprocessed(entry))
    except subprocess.CalledProcessError as e:
        return False, e.stderr.decode(errors="replace")
    mark = accepted / state.hexdigest()
    if entries and mark.exists():
        mark.touch()
        return True, ""
    done = subprocess.run(
        ["clang-tidy", "--quiet", "--warnings-as-errors=*", "-p", str(build), str(path)],
        text=True, check=False, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    if entries and done.returncode == 0:
        mark.touch()
    return done.returncode == 0, done.stdout


def main() -> int:
    """Exit with status 0 if all files are accepted, 1 if not."""
    parser = argparse.ArgumentParser(prog="static_analysis.py")
    parser.add_argument("source", type=Path, help="the directory of the C files")
    parser.add_argument("build", type=Path, help="a build directory that was set up with clang")
    parser.add_argument("accepted", type=Path, help="the directory that remembers accepted files")
    options = parser.parse_args()
    options.accepted.mkdir(parents=True, exist_ok=True)
    for mark in options.accepted.iterdir():
        if time.time() - mark.stat().st_mtime > KEPT_SECONDS:
            mark.unlink()
    general = Path(".clang-tidy").read_bytes() + subprocess.run(
        ["clang-tidy", "--version"], check=True, stdout=subprocess.PIPE).stdout
    good = True
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for accepted, output in pool.map(
                lambda item: analyse(*item, options.build, options.accepted, general),
                commands(options.build, options.source).items()):
            if not accepted:
                good = False
                print(output, end="", flush=True)
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())

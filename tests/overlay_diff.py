"""Runs `rofs diff` over the overlays of a small system; see mounted_system.py."""

from __future__ import annotations

import base64
import shlex
from collections.abc import Callable
from pathlib import Path

from mounted_system import System

CONF = "[Overlay /var]\n[Overlay /etc]\n"
Row = tuple[str, str, str, str]  # change, type, path, note
Diff = Callable[..., "Outcome"]


class Outcome:
    """What one run of the command printed, and its exit status."""

    def __init__(self, text: str, errors: str, status: int):
        self.text, self.errors, self.status = text, errors, status

    def rows(self) -> list[Row]:
        """Of `--raw --noheadings --output=change,type,path,note`."""
        found = []
        for line in self.text.splitlines():
            change, kind, path, note = line.split(" ")
            found.append((change, kind, path, note.replace("\\x20", " ")))
        return found


# Makes a deep tree below the working directory: levels, name of each, file in each.
MAKE_DEEP = """python3 -c '
import os, sys
for level in range(int(sys.argv[1])):
    os.path.isdir(sys.argv[2]) or os.mkdir(sys.argv[2])
    os.chdir(sys.argv[2])
    open(sys.argv[3], "w").close()
' """
# Root without the right to read what belongs to others and is closed to them.
WITHOUT_RIGHTS = "setpriv --bounding-set=-dac_override,-dac_read_search"
ROWS = "--raw --noheadings --output=change,type,path,note"


def diff_in(system: System, rofs: Path, tmp_path: Path) -> Diff:
    """What the fixture `diff` gives: makes a lower, boots, changes, and runs `rofs diff`."""

    def run_diff(lower: str, changes: str, arguments: str = ROWS, conf: str = CONF,
                 before: str = "true", command: str = "/rofs-command diff") -> Outcome:
        if (tmp_path / "sys").exists():
            (tmp_path / "sys").rmdir()  # the mount point of a run before
        done = system(
            conf,
            f"""
            boot > /run/booted 2>&1
            cat /run/status | grep -qx 0
            cd /var
            {changes}
            {before}
            status=0
            ({command} {arguments}) > /run/out 2> /run/err || status=$?
            printf '%s\\n' "$status"
            base64 -w 0 /run/out; echo
            cat /run/err
            """,
            f"cp {shlex.quote(str(rofs))} rofs-command\n(cd var; {lower}\n)")
        assert done.returncode == 0, done.stderr
        status, text, errors = done.stdout.split("\n", 2)
        errors = errors.replace("rofs-command: ", "rofs: ")  # messages begin with its name
        return Outcome(base64.b64decode(text).decode(errors="surrogateescape"), errors, int(status))

    return run_diff

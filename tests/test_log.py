"""Messages of the helpers: the journal's priority where the journal reads them, and only there."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
from support import program


@pytest.mark.parametrize("to_journal, prefix", [(True, "<3>"), (False, "rofs-superblock: ")])
def test_priority_only_where_journald_reads(tmp_path: Path, to_journal: bool,
                                            prefix: str) -> None:
    """A service whose standard error is redirected keeps JOURNAL_STREAM; sd-daemon(3)."""
    messages = tmp_path / "messages"
    with messages.open("w") as stderr:
        stream = os.fstat(stderr.fileno())
        other = stream.st_ino + (0 if to_journal else 1)
        env = {**os.environ, "JOURNAL_STREAM": f"{stream.st_dev}:{other}"}
        done = subprocess.run([str(program("rofs-superblock")), str(tmp_path / "absent")],
                              env=env, stderr=stderr, check=False)
    assert done.returncode == 1
    assert messages.read_text() == f"{prefix}{tmp_path}/absent: No such file or directory\n"

"""Messages of the helpers: the journal's priority where the journal reads them, and only there."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
from support import Namespace, program


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


@pytest.mark.root
def test_kernel_log_takes_a_program_of_any_name(in_namespace: Namespace) -> None:
    """One record, cut where the kernel would refuse it; no byte from beyond it."""
    name = "r" * 200
    done = in_namespace(f"""
        mkdir -p root/etc units; cp {program("rofs-generator")} {name}
        echo "[Overlay /var]" > root/etc/rofs.conf
        echo "Options=$(printf 'x%.0s' $(seq 1200))" >> root/etc/rofs.conf
        : > messages; mount --bind messages /dev/kmsg
        ROFS_LOG=kmsg ROFS_ROOT=root ./{name} units || true
        cat messages
    """)
    lines = done.stdout.splitlines()
    cut = next(line for line in lines if line.endswith("..."))
    assert cut.startswith("<3>" + "r" * 32 + "[")
    assert len(cut) == 900 + cut.index(": ") + 2 + 3

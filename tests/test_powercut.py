"""How tests/powercut/run reports results, and how torn records are recognized."""

from __future__ import annotations

import dataclasses
import json
import subprocess
import sys
from pathlib import Path
from typing import Any, List

import pytest
from vm.medium import Loss
from vm.powercut import PHASES, Cut, chains, good_records, record_text

RUN = Path(__file__).resolve().parent / "powercut/run"
GOOD = Cut(0, "load", "operation 7", loss=Loss(8, 5, 4), state="not clean", promised=20, found=21,
           unsynced=20, unsynced_found=3)


def cut_line(cut: Cut) -> Any:
    """A cut as the command stores it."""
    return {"kind": "cut", "seed": 1, "chain": cut.chain, "cut": dataclasses.asdict(cut)}


def control_line(synced: int, found: int) -> Any:
    """The result of a medium that ignores flushes, as the command stores it."""
    return {"kind": "control", "seed": 1, "chain": 0, "synced": synced, "found": found}


END = {"kind": "end", "seed": 1, "chain": 0}


def report(directory: Path, lines: List[Any]) -> "subprocess.CompletedProcess[str]":
    """Run the command on these results."""
    results = directory / "results"
    results.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return subprocess.run([sys.executable, str(RUN), "--report", str(results)],
                          text=True, check=False, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)


def test_nothing_lost_is_exit_status_0(tmp_path: Path) -> None:
    done = report(tmp_path, [cut_line(GOOD), control_line(8, 0), END])
    assert done.returncode == 0, done.stdout
    assert done.stdout.splitlines()[-1] == "1 power cuts, 0 findings (seed 1)"
    load, = [line.split() for line in done.stdout.splitlines() if line.startswith("load")]
    assert load == ["load", "1", "1", "0", "8", "5", "20", "20", "0"]
    assert "records without fsync: 20 written, 17 lost" in done.stdout


@pytest.mark.parametrize(("lines", "said"), [
    ([cut_line(dataclasses.replace(GOOD, problems=["of 20 records 19"])), control_line(8, 0), END],
     "chain 0, load, operation 7: of 20 records 19"),
    ([cut_line(GOOD), control_line(8, 8), END], "the test is blind"),
    ([cut_line(GOOD), control_line(0, 0), END], "the test is blind"),
    ([], "0 power cuts"),
])
def test_loss_a_blind_test_and_none_are_exit_status_1(
    tmp_path: Path, lines: List[Any], said: str
) -> None:
    done = report(tmp_path, lines)
    assert done.returncode == 1
    assert said in done.stdout


def test_chain_that_was_stopped_inside_does_not_count(tmp_path: Path) -> None:
    other = dataclasses.replace(GOOD, chain=1)
    done = report(tmp_path, [cut_line(GOOD), control_line(8, 0), END, cut_line(other)])
    assert "1 power cuts, 0 findings" in done.stdout


def test_chains_have_as_many_phases_as_cuts_are_wanted() -> None:
    assert chains(10) == [PHASES, PHASES, PHASES[:2]]
    assert chains(3, ["load"]) == [["load"]] * 3


def test_records_are_good_up_to_the_first_that_is_not() -> None:
    log = "".join(record_text(number, 2) for number in range(1, 6)).encode()
    assert good_records(log) == 5
    assert good_records(log[:-1]) == 4
    assert good_records(log.replace(b"00000003 0002", b"00000003 0001")) == 2
    assert good_records(log + record_text(7, 2).encode()) == 5
    assert good_records(b"\0" * 512 + log) == 0

"""Hostile media: a few of the random ones that tests/hostile/run boots by the thousand."""

from __future__ import annotations

from pathlib import Path

import build_tree
import pytest
from hostile import case, execution
from support import build_directory, program

MEDIA = 60


@pytest.mark.root
def test_nothing_hostile_succeeds(tmp_path: Path) -> None:
    for name in execution.PROGRAMS:
        program(name)
    programs = str(build_tree.gather(build_directory(), execution.PROGRAMS, tmp_path / "programs"))
    found = [execution.execute(f"test.{number}", programs, str(tmp_path))
             for number in range(MEDIA)]
    assert [result.summary() for result in found if result.wrong] == []
    # Most of what is declared can be done, or nothing would have been tried.
    said = "\n".join(line for result in found for line in result.said)
    assert said.count("overlay(s)") >= MEDIA


def test_a_seed_is_always_the_same_case() -> None:
    assert case.make_case("7") == case.make_case("7")
    assert case.make_case("7") != case.make_case("8")

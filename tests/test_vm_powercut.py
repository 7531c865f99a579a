"""The power is cut in every phase of a machine's life, and nothing that was synced is lost."""

from __future__ import annotations

import pytest
from vm.lab import Outcome
from vm.powercut import PHASES, Report
from vm.scenarios.powercut import SCENARIOS

pytestmark = [pytest.mark.vm, pytest.mark.scenario("powercut")]


@pytest.fixture
def report(outcome: Outcome) -> Report:
    """The results of the cuts."""
    assert outcome.cuts is not None
    return outcome.cuts


def test_machine_boots_and_has_all_that_was_synced(report: Report) -> None:
    assert report.wrong == []


def test_all_cuts_were_made(report: Report) -> None:
    assert len(report.cuts) == SCENARIOS[0].cuts
    assert {cut.phase for cut in report.cuts} == set(PHASES)
    assert all(cut.promised <= cut.found for cut in report.cuts)
    assert sum(cut.promised for cut in report.cuts) > 0


def test_medium_loses_what_was_not_flushed(report: Report) -> None:
    """Without this, the cuts prove nothing."""
    assert sum(cut.loss.acknowledged for cut in report.cuts) > 0
    assert any(cut.state == "not clean" for cut in report.cuts)
    assert any(cut.unsynced_found < cut.unsynced for cut in report.cuts)


def test_medium_that_lies_is_noticed(report: Report) -> None:
    (promised, found), = report.controls
    assert 0 <= found < promised

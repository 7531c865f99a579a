"""CommitAt= on a machine: what is committed when, and what that costs."""

from __future__ import annotations

import re

import pytest
from vm.lab import Outcome
from vm.machine import Boot

pytestmark = [pytest.mark.vm, pytest.mark.scenario("commit-at")]


@pytest.fixture
def third(outcome: Outcome) -> Boot:
    """The boot after one that was ended without a shutdown."""
    return outcome.boots[2]


def test_timer_commits_and_the_journal_says_so(first: Boot) -> None:
    timers = {line.split()[-2] for line in first["timers"].out.splitlines()}
    assert timers == {"rofs-commit-var-log.timer", "rofs-commit-srv.timer"}
    assert first["timed"].out.splitlines() == ["on flash", "timed", "success"]
    assert "/var/log/app.log" in first["journal"].out or "written to flash" in first["journal"].out


def test_timer_may_start_it_every_minute(first: Boot) -> None:
    assert first["often"].out.splitlines() == ["11", "success"], first["often"]


def test_commit_that_is_refused_is_tried_again(first: Boot) -> None:
    assert first["refused"].out.splitlines() == [
        "auto-restart", "not there", "retried", "success"], first["refused"]
    assert "another transaction is running" in first["refused_journal"].out


def test_commit_costs_the_file_and_some_hundred_sectors(first: Boot) -> None:
    """And one of nothing costs nothing."""
    status, *costs = first["cost"].out.splitlines()
    assert {status, *(line.split()[0] for line in costs)} == {"0"}, first["cost"]
    large, *small, nothing, by_service = (int(line.split()[1]) for line in costs)
    assert 20480 <= large < 21500
    assert all(50 < sectors < 1000 for sectors in small)
    assert (nothing, by_service) == (0, 0)


def test_machine_runs(first: Boot, second: Boot, third: Boot) -> None:
    assert first["running_after"].line == "running", first["failed_after"]
    for boot in (first, second, third):
        assert boot["running"].line == "running", boot["failed"]
    for boot in (second, third):
        assert boot["status"].line.startswith("protected:")


def test_shutdown_commits_after_services_have_stopped(first: Boot, second: Boot) -> None:
    assert second["app"].out.splitlines() == ["on flash", "timed", "stopped"]
    lines = first.console.splitlines()
    stopped = [n for n, line in enumerate(lines) if re.search("Stopped .*commit at shutdown", line)]
    unmounted = [n for n, line in enumerate(lines)
                 if "Unmounted" in line and "run-credentials" not in line]
    assert len(stopped) == 1
    assert unmounted and min(unmounted) > stopped[0]


def test_journal_is_committed(second: Boot) -> None:
    boots = [line.split()[0] for line in second["boots"].out.splitlines() if "IDX" not in line]
    assert boots == ["-1", "0"]
    assert second["before"].out == "before shutdown\n"
    assert second["verify"].out == ""
    names = second["files"].out.split()
    assert "system.journal" in names
    assert not [name for name in names if name.endswith("~")]


def test_nothing_is_committed_without_a_shutdown(third: Boot) -> None:
    assert third["app"].out.splitlines() == ["on flash", "timed", "stopped"]


def test_console_shows_no_trouble(outcome: Outcome) -> None:
    assert [boot.trouble for boot in outcome.boots] == [[], [], []]


def test_file_systems_are_clean(outcome: Outcome) -> None:
    assert {status for status, _ in outcome.root_fsck.values()} == {0}, outcome.root_fsck

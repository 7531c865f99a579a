"""Content that is copied once, single files, and a persist for which there is no room."""

from __future__ import annotations

import re
from typing import List

import pytest
from vm.lab import Outcome
from vm.machine import Boot
from vm.scenarios.persist import FAILING

pytestmark = [pytest.mark.vm, pytest.mark.scenario("persist")]


def said(boot: Boot, path: str) -> List[str]:
    """What rofs-prepare said of a persist."""
    return [line for line in boot["said"].out.splitlines() if line.startswith(f"{path}: ")]


def test_content_is_copied_with_a_line_before_and_after(first: Boot) -> None:
    assert first["app"].out.splitlines() == ["on flash", "640 root", "file", "file", "link"]
    began, ended = said(first, "/var/lib/app")
    assert re.search(r": copying \d+ bytes in 3 files from /rofs/ro/var/lib/app$", began)
    assert re.search(r": copied \d+ bytes in [\d.]+ s$", ended)


def test_content_is_copied_once(second: Boot) -> None:
    """What was removed stays removed; what is new is there."""
    assert second["app"].out.splitlines() == ["link", "new", "new"]
    assert said(second, "/var/lib/app") == []


@pytest.mark.parametrize("number", [0, 1])
def test_one_without_room_says_so_and_takes_no_other_along(
    outcome: Outcome, number: int
) -> None:
    boot = outcome.boots[number]
    needs, = said(boot, "/var/lib/too-large")
    assert re.search(r"Populate=yes needs \d{8} bytes in 2 files; the partition has \d{8} "
                     r"bytes and \d+ files free$", needs)
    assert boot["running"].line == "degraded"
    assert [line.split()[0] for line in boot["failed"].out.splitlines()] == [
        FAILING[0], "rofs-verify.service"]
    assert boot["partition"].out.splitlines() == [
        ".:", "app", "dynamic", "empty", "files", "lost+found", "", "files:", "made", "serial"]


def test_state_of_a_dynamic_user_is_kept_in_private(first: Boot, second: Boot) -> None:
    link = ["private/test-dynamic", "active"]
    assert first["dynamic"].out.splitlines() == ["file", *link]
    assert second["dynamic"].out.splitlines() == ["file", "mine", *link]


def test_the_others_are_mounted(first: Boot) -> None:
    sources = dict((line.split() + [""])[:2] for line in first["sources"].out.splitlines())
    assert sources.pop("/var/lib/too-large") == "rofs"  # its guard
    assert len(sources) == 4
    for path, source in sources.items():
        assert source.startswith("/dev/vdb["), path


def test_the_failed_one_shows_why(first: Boot) -> None:
    states = [dict(line.split("=", 1) for line in block.splitlines())
              for block in first["states"].out.strip().split("\n\n")]
    assert states[0]["ActiveState"] == "failed"
    assert states[1]["ActiveState"] == "inactive"
    assert states[1]["AssertResult"] == "no"


def test_single_files(first: Boot, second: Boot) -> None:
    assert first["files"].out.splitlines() == ["1", "644 2", "640 0"]
    assert second["files"].out.splitlines() == ["changed", "made", "640"]
    assert second["lower"].out.splitlines() == ["1"]
    assert "No such file" in second["lower"].err


def test_rename_over_a_single_file_is_refused(first: Boot) -> None:
    assert "Device or resource busy" in first["rename"].err


@pytest.mark.parametrize("number", [0, 1])
def test_flash_is_untouched_and_the_partition_clean(outcome: Outcome, number: int) -> None:
    assert outcome.boots[number]["sectors"].line == "0"
    assert outcome.identical[number]
    assert outcome.data_state[number] == "clean"
    assert outcome.data_fsck[number][0] == 0, outcome.data_fsck[number][1]

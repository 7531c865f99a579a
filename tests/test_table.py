"""The table at the end of a run."""

from __future__ import annotations

from pathlib import Path

from vm.machine import Boot
from vm.probe import Section
from vm.table import WIDTH_MAX, Table


def boot(systemd: str, linux: str) -> Boot:
    """A boot that reports its versions."""
    section = Section("versions", 0, 0, f"{systemd}\n{linux}\n", "")
    return Boot({"versions": section}, "", 1.0, Path())


def test_nothing_booted_is_no_table() -> None:
    assert Table().lines() == []


def test_cells_are_counted_from_results() -> None:
    table = Table()
    for suite in ("bullseye", "sid"):
        table.expect("minimal", suite)
        table.count("minimal", suite, "one", "passed")
        table.count("minimal", suite, "one", "passed")
        table.count("minimal", suite, "two", "passed")
    table.count("minimal", "sid", "two", "failed")
    table.count("minimal", "sid", "two", "passed")
    table.count("other", "sid", "three", "skipped")
    table.saw("bullseye", boot("systemd 247 (247.3-7+deb11u6)", "5.10.0-32-cloud-amd64"))
    table.saw("sid", boot("systemd 262 (262~rc1-1)", "7.2.13+deb14-cloud-amd64"))
    assert table.lines() == [
        "         bullseye        sid",
        "         systemd 247.3   systemd 262",
        "         Linux 5.10.0    Linux 7.2.13",
        "minimal  2 passed        FAILED 1 of 2",
        "other    -               skipped 1 of 1",
    ]


def test_what_a_system_cannot_is_explained_below() -> None:
    table = Table()
    reason = "its kernel is built without " + "something " * 12 + "that is needed"
    for number in range(3):
        table.expect(f"scenario-with-a-long-name-{number}", "bullseye")
        for suite in ("bookworm", "trixie", "sid"):
            table.cannot(f"scenario-with-a-long-name-{number}", suite, reason)
    lines = table.lines()
    assert max(map(len, lines)) <= WIDTH_MAX
    assert lines[3].split() == ["scenario-with-a-long-name-0", "-", *["cannot", "[1]"] * 3]
    assert " ".join(" ".join(lines[6:]).split()) == f"[1] {reason}"


def test_longest_scenarios_come_first() -> None:
    table = Table()
    assert table.times() == []
    for scenario, boots in (("short", [(20.0, 18.5)]), ("long", [(31.0, 15.0), (30.4, 30.0)])):
        table.took(scenario, "sid", sum(seconds for seconds, _ in boots) + 5,
                   [Boot({}, "", *times) for times in ((s, Path(), p) for s, p in boots)])
    assert table.times() == [
        "seconds    boots  running  waiting  ",
        "     91        3       81       18  all",
        "     66        2       61       16  long, sid",
        "     25        1       20        2  short, sid"]

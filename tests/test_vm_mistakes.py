"""Every mistake in rofs.conf at once: each is reported, and the rest of the machine works."""

from __future__ import annotations

import json
import re

import pytest
from vm.lab import Outcome
from vm.machine import Boot
from vm.scenarios.basic import FOREIGN_LINE, MISTAKES_POSITIONS, OVERLAYS, RIGHT_LINES

pytestmark = [pytest.mark.vm, pytest.mark.scenario("mistakes")]

ENOUGH_UNITS = {"rofs.mount", "rofs-ro.mount", "rofs-persist-data.mount", "var-local-data.mount",
                *(f"{name}.mount" for name in OVERLAYS),
                *(f"rofs-overlay-{name}.mount" for name in OVERLAYS)}


@pytest.mark.parametrize(("name", "lines"), MISTAKES_POSITIONS,
                         ids=[name for name, _ in MISTAKES_POSITIONS])
def test_mistake_is_in_the_journal_with_file_and_line(
    boot: Boot, name: str, lines: range
) -> None:
    said = {int(line) for line in re.findall(r"/etc/rofs\.conf:(\d+):", boot["said"].out)}
    assert said & set(lines), f"{name}: none of lines {list(lines)} is among {sorted(said)}"


def test_lines_without_mistake_are_not_blamed(boot: Boot) -> None:
    # A note points at the other place of a mistake: "first declared here".
    blaming = [line for line in boot["said"].out.splitlines() if ": note: " not in line]
    said = {int(n) for n in re.findall(r"^/etc/rofs\.conf:(\d+):", "\n".join(blaming), re.M)}
    assert said
    assert not said & set(RIGHT_LINES)


def test_what_is_right_is_in_force(boot: Boot) -> None:
    found = {m["target"]: m for m in json.loads(boot["mounts"].out)["filesystems"]}
    for name in OVERLAYS:
        assert found[f"/{name}"]["source"] == "rofs"
    assert found["/var/local/data"]["source"].startswith("/dev/vdb")
    assert boot["writable"].status == 0, boot["writable"]


def test_what_is_wrong_makes_no_unit(boot: Boot) -> None:
    names = set(boot["early"].out.split())
    assert names >= ENOUGH_UNITS
    overlays = {n for n in names if n.startswith("rofs-overlay-")}
    assert overlays <= {f"rofs-overlay-{n}.mount" for n in (*OVERLAYS, "media", "mnt", "srv-both")}
    assert not [n for n in names if n.startswith(("var-local-", "proc", "sys", "dev-", "run"))
                and n != "var-local-data.mount" and not n.endswith((".d", ".device.wants"))]


def test_nothing_but_our_verdict_failed(boot: Boot) -> None:
    failed = [line.split()[0] for line in boot["failed"].out.splitlines()]
    assert set(failed) <= {"rofs-format-foreign.service", "rofs-verify.service"}
    assert boot["running"].line == ("degraded" if failed else "running")
    assert boot["journal_trouble"].line == ""


def test_partition_with_data_is_refused_and_untouched(boot: Boot, outcome: Outcome) -> None:
    assert f"/etc/rofs.conf:{FOREIGN_LINE}: [Partition foreign]: /dev/vdc contains vfat, which " \
        "is not overwritten" in boot["format_said"].out, boot["format_said"]
    assert "Read-only file system" in boot["foreign"].err
    assert outcome.disks[0][0].identical


def test_partition_of_refused_persists_is_sound(outcome: Outcome) -> None:
    assert outcome.data_state == ["clean"]
    assert outcome.data_fsck[0][0] == 0, outcome.data_fsck[0][1]


def test_root_is_still_protected(outcome: Outcome) -> None:
    assert outcome.boots[0]["sectors"].line == "0"
    assert outcome.identical == [True]

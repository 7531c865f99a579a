"""What cannot be mounted or prepared costs its own path, is explained, and stops no boot."""

from __future__ import annotations

import json
from typing import List

import pytest
from vm.lab import Outcome
from vm.machine import Boot

pytestmark = [pytest.mark.vm, pytest.mark.scenario("refused")]

# What could be case-insensitive, though it is not, Linux 6.12 refuses, 6.1 and 7.2 do not. 5.10 is
# built without Unicode there and cannot mount it at all.
REFUSES_CASEFOLD = ("trixie",)


def failed_units(boot: Boot) -> List[str]:
    """The names of all failed units."""
    return sorted(line.split()[0] for line in boot["failed"].out.splitlines())


def test_vfat_is_refused_and_explained(boot: Boot) -> None:
    said = [line for line in boot["said"].out.splitlines() if line.startswith("/srv: ")]
    assert len(said) == 1, boot["said"]
    assert "vfat cannot be the lower of an overlay" in said[0]
    assert "ActiveState=inactive" in boot["srv"].out
    assert "rofs-prepare-rw-srv.service" in failed_units(boot)
    # What fstab names is not lost with it.
    assert boot["lower"].out.splitlines() == ["on flash", "on flash"]


def test_casefold_is_explained_where_it_is_refused(boot: Boot, suite: str) -> None:
    said = [line for line in boot["said"].out.splitlines() if line.startswith("/mnt: ")]
    if suite in REFUSES_CASEFOLD:
        assert len(said) == 1, boot["said"]
        assert "casefold" in said[0]
        assert "ActiveState=inactive" in boot["mnt"].out
    else:
        assert said == []


def test_everything_else_is_in_force(boot: Boot) -> None:
    assert boot["running"].line == "degraded"
    expected = ("rofs-overlay-srv.mount", "rofs-overlay-mnt.mount", "rofs-prepare", "rofs-ro-mnt",
                "rofs-overlay-opt.mount", "rofs-rw-opt.mount", "systemd-fsck@",
                "rofs-verify.service")
    assert [name for name in failed_units(boot) if not name.startswith(expected)] == []
    assert boot["writable"].status == 0, boot["writable"].err
    assert boot["readonly"].err.count("Read-only file system") == 2


def problems(boot: Boot, path: str) -> List[str]:
    """The kinds of the problems of a path."""
    return [problem["kind"] for problem in json.loads(boot["status"].out)["problems"]
            if problem.get("path") == path]


def test_pool_that_cannot_be_mounted_costs_its_overlay(boot: Boot) -> None:
    """Nothing is made where it should be, in the other pool, and the verdict names it."""
    assert boot["opt"].out.split("\n") == ["inactive", "", "inactive", "on flash", ""]
    assert "Read-only file system" in boot["opt"].err
    assert problems(boot, "/rofs/rw/opt") == ["pool-not-mounted"]
    assert "the RAM pool of /opt is not mounted" in boot["motd"].out


def test_preparation_that_hangs_is_ended_and_the_boot_goes_on(boot: Boot) -> None:
    """That of RAM is done once more; a persist is not bound, and the verdict says where it is."""
    assert boot["results"].out.split() == ["timeout", "timeout", "exit-code"]
    assert problems(boot, "/var/local/slow") != []


def test_root_device_is_not_written(outcome: Outcome) -> None:
    assert outcome.boots[0]["sectors"].line == "0"
    assert outcome.identical == [True]
    assert outcome.disks[0][0].identical

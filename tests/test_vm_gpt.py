"""rofs takes precedence over what systemd finds on a GPT disk."""

from __future__ import annotations

import pytest
from vm.lab import Outcome
from vm.machine import Boot

pytestmark = [pytest.mark.vm, pytest.mark.scenario("gpt-auto")]


def test_systemd_has_found_the_partitions(boot: Boot) -> None:
    """Without this, the other tests prove nothing."""
    for name in ("./home.mount", ".swap", "./systemd-remount-fs.service.d/50-remount-rw.conf"):
        assert name in boot["late"].out, boot["late"]


def test_root_stays_read_only(boot: Boot) -> None:
    for options in boot["root"].out.split():
        assert "ro" in options.split(","), boot["root"]
    assert "Read-only file system" in boot["readonly"].err


def test_disk_is_not_written(outcome: Outcome) -> None:
    assert outcome.boots[0]["sectors"].line == "0"
    assert outcome.identical == [True]


def test_our_home_is_the_one_that_is_mounted(boot: Boot) -> None:
    assert "FragmentPath=/run/systemd/generator.early/home.mount" in boot["home"].out
    assert "ActiveState=active" in boot["home"].out
    assert boot["home"].out.split()[-1] == "overlay"
    assert boot["writable"].status == 0, boot["writable"].err


def test_partition_that_is_seen_nowhere_is_reported(boot: Boot) -> None:
    said = [line for line in boot["said"].out.splitlines() if line.startswith("/home: ")]
    assert len(said) == 1, boot["said"]
    assert "/etc/fstab" in said[0]
    assert boot["running"].line == "degraded"
    assert [line.split()[0] for line in boot["failed"].out.splitlines()] == [
        "rofs-prepare.service", "rofs-verify.service"]


@pytest.mark.parametrize("section", ["swaps", "reload"])
def test_swap_partition_is_not_used(boot: Boot, section: str) -> None:
    assert "/dev/vda" not in boot[section].out
    assert "failed" not in boot[section].out


def test_zram_swap_is_used(boot: Boot) -> None:
    assert boot["zram"].status == 0, boot["zram"]
    assert "/dev/zram0" in boot["zram"].out
    assert "active" in boot["reload"].out.split()
    assert "/dev/zram0" in boot["reload"].out


def test_partitions_are_found_by_part_uuid_and_part_label(boot: Boot) -> None:
    assert boot["persists"].out.split() == ["/dev/vdc1", "/dev/vdc2"], boot["persists"]

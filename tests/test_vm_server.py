"""A server: its packages on an ordinary machine, and protected with their data kept."""

from __future__ import annotations

from typing import Dict, List

import pytest
from vm.lab import Outcome
from vm.machine import Boot
from vm.scenarios.server import KEPT, KEY, SERVICES

pytestmark = [pytest.mark.vm, pytest.mark.scenario("server")]

PROTECTED = pytest.mark.parametrize("number", [1, 2], ids=["used", "found"])
# Where each storage driver is the one that a writable root has.
DRIVERS = ["overlay2", "overlay"]


def states(boot: Boot) -> Dict[str, str]:
    return dict(zip(SERVICES, boot["active"].out.split()))


def failed(boot: Boot) -> List[str]:
    return [line.split()[0] for line in boot["failed"].out.splitlines()]


def test_machine_without_a_configuration_is_as_the_packages_make_it(first: Boot) -> None:
    """What fails there is not the fault of a read-only root."""
    assert failed(first) == []
    assert set(states(first).values()) == {"active"}, states(first)
    assert first["drivers"].out.split() == DRIVERS
    assert first["databases"].status == 0
    assert "/swap.img" in first["cloud"].out
    assert first.trouble == [], first.log


@pytest.mark.parametrize("path", KEPT)
def test_suggested_configuration_keeps_the_data(first: Boot, path: str) -> None:
    assert f"\n[Persist {path}]\nPartition=" in first["suggest"].out


def test_check_finds_no_error_in_the_suggested_configuration(first: Boot) -> None:
    assert first["suggest"].status == 0
    assert first["check"].status == 0, first["check"]
    assert first["check"].out.splitlines()[-1].startswith("0 errors")


@PROTECTED
def test_machine_is_protected(outcome: Outcome, number: int) -> None:
    boot = outcome.boots[number]
    assert boot["status"].out.startswith("protected: "), boot["status"]
    assert boot["running"].line == "running", boot["failed"]
    assert boot["journal_trouble"].line == ""
    assert boot["journal_warnings"].line == ""


@PROTECTED
def test_every_service_is_active(outcome: Outcome, number: int) -> None:
    assert set(states(outcome.boots[number]).values()) == {"active"}
    assert failed(outcome.boots[number]) == []


@PROTECTED
def test_console_shows_no_trouble_until_power_off(outcome: Outcome, number: int) -> None:
    boot = outcome.boots[number]
    assert "Power down" in boot.console
    assert boot.trouble == [], boot.log


@PROTECTED
def test_root_is_not_written(outcome: Outcome, number: int) -> None:
    assert outcome.boots[number]["sectors"].line == "0"
    assert outcome.identical[number]


def test_partition_is_clean(outcome: Outcome) -> None:
    assert [ends[0].state for ends in outcome.disks] == ["clean"] * 3


def test_containers_are_stored_as_on_a_writable_root(second: Boot) -> None:
    assert second["drivers"].out.split() == DRIVERS


@pytest.mark.parametrize("name", ["mariadb", "postgresql", "redis", "image", "docker", "podman",
                                  "nginx"])
def test_service_does_its_work(second: Boot, name: str) -> None:
    assert second[name].status == 0, second[name]


def test_nginx_logs_what_it_answers(second: Boot) -> None:
    answer, log = second["nginx"].out.splitlines()
    assert "200 OK" in answer
    assert "GET / HTTP/1.0" in log


@pytest.mark.parametrize("name, data", [
    ("mariadb", "row"), ("postgresql", "row"), ("redis", "value"), ("docker", "kept"),
    ("podman", "kept"), ("nfs", "kept")])
def test_data_is_there_after_another_boot(outcome: Outcome, name: str, data: str) -> None:
    assert outcome.boots[2][name].line == data, outcome.boots[2][name]


def test_persist_is_exported(second: Boot) -> None:
    assert second["nfs"].out == "on flash\nkept\n", second["nfs"]


def test_overlay_is_not_exported(second: Boot) -> None:
    """Which is why `rofs check` says that it has to be a persist."""
    assert "does not support NFS export" in second["nfs_overlay"].err
    assert second["nfs_overlay"].status != 0


def test_quota_is_enforced_on_a_persist(outcome: Outcome) -> None:
    assert "Disk quota exceeded" in outcome.boots[1]["quota"].err
    for boot in outcome.boots[1:]:
        used, soft, hard = boot["quota"].out.split()[2:5]
        assert (soft, hard) == ("100", "200")
        assert 150 <= int(used) <= 200


def test_cloud_init_is_done_and_its_keys_are_there(outcome: Outcome) -> None:
    for boot in outcome.boots[:2]:
        assert "status: done" in boot["cloud"].out, boot["cloud"]
        assert KEY in boot["cloud"].out
    assert "/swap.img" not in outcome.boots[1]["cloud"].out


def test_network_manager_connects(second: Boot) -> None:
    assert "wired:eth0" in second["network"].out
    assert "timestamps" in second["network"].out

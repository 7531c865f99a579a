"""Actions on a running machine leave the overlays, and the changes in them, in place."""

from __future__ import annotations

import re

import pytest
from vm.lab import Outcome
from vm.machine import Boot
from vm.scenarios.runtime import LAYERS

pytestmark = [pytest.mark.vm, pytest.mark.scenario("runtime")]

TIMED_OUT = 124
STEPS = ("before", "after_reexec", "after_stop", "after_restart", "after_rescue",
         "after_emergency", "after_back", "after_soft_reboot")
IN_PLACE = """\
/etc rofs overlay
/var rofs overlay
/home rofs overlay
/tmp tmpfs tmpfs
/rofs rofs tmpfs
/rofs/ro /dev/vda ext4
/rofs/overlay/var rofs overlay
/var/local/data /dev/vdb[/kept] ext4
changed
changed
changed
changed
flash
writable
read-only
"""


def test_no_unit_of_ours_is_logged_as_skipped(outcome: Outcome, boot: Boot) -> None:
    if outcome.suite == "bullseye":
        # LogLevelMax= does not apply to what PID 1 of systemd 247 says about a unit.
        assert "/rofs: the shared RAM pool being skipped" in boot["skipped"].out
    else:
        assert boot["skipped"].out == ""


@pytest.mark.scenario("pulled")
def test_medium_that_is_pulled_and_put_back_is_in_force_again(boot: Boot) -> None:
    """Twice, while a program has a file open, with a verdict that follows."""
    for name in ("pull_1", "pull_2"):
        assert re.sub(" +", " ", boot[name].out).splitlines() == [
            # The guards, and nothing that is dead; writes to the paths fail.
            "rofs autofs", "0", "/var/local/data: refused", "/etc/kept: refused",
            '"verdict": "partial",', '"verdict": "protected",', "changed", "kept"], boot[name]
    # The program that holds the dead device still holds its name.
    state = re.sub("/dev/vd[b-e]", "/dev/vdb", re.sub(" +", " ", boot["after_pull"].out))
    assert state == IN_PLACE, boot["after_pull"]


@pytest.mark.parametrize("step", STEPS)
def test_mounts_and_changes_are_in_place(boot: Boot, step: str) -> None:
    state = boot[step]
    assert re.sub(" +", " ", state.out) == IN_PLACE, state


@pytest.mark.parametrize("verb", ["stop", "restart"])
def test_layers_are_not_stopped_by_hand(boot: Boot, verb: str) -> None:
    asked = boot[verb]
    assert asked.out == ""
    for unit in LAYERS:
        assert f"Failed to {verb} {unit}: Operation refused" in asked.err


@pytest.mark.parametrize("verb", ["stop", "restart"])
def test_services_above_the_layers_go_on(boot: Boot, verb: str) -> None:
    services = boot[f"services_after_{verb}"].out.split()
    assert services == ["active"] * len(services) != [], boot[f"services_after_{verb}"]


@pytest.mark.parametrize("step", ["rescue", "emergency", "back"])
def test_isolated_target_is_reached(boot: Boot, step: str) -> None:
    assert boot[step].line == "active", boot[step]


@pytest.mark.parametrize("step", ["restart", "back", "soft_reboot"])
def test_system_is_running(boot: Boot, step: str) -> None:
    assert boot[f"running_{step}"].line == "running", boot["failed_soft_reboot"]


def test_nothing_hangs(boot: Boot) -> None:
    assert [s.name for s in boot.sections.values() if s.status == TIMED_OUT] == []
    late = re.compile(r"timed out|\[\s?TIME\s?\]", re.IGNORECASE)
    assert [line for line in boot.console.splitlines() if late.search(line)] == []


def test_soft_reboot_starts_user_space_anew(outcome: Outcome) -> None:
    boot = outcome.boots[0]
    if outcome.suite in ("bullseye", "bookworm"):
        # systemd learnt it in 254.
        assert "Unknown command verb soft-reboot" in boot["soft_reboot"].err
        return
    assert "soft_reboot" not in boot.sections  # it was killed, and the next one went on
    assert "Soft-rebooting" in boot.console
    assert boot["busy_soft_reboot"].line == "inactive"


def test_machine_id_outlives_a_soft_reboot(boot: Boot) -> None:
    in_etc, in_run = boot["ids"].out.split()
    assert re.fullmatch("[0-9a-f]{32}", in_etc)
    assert in_etc == in_run


def test_no_unit_of_ours_fails(boot: Boot) -> None:
    ours = re.compile(r"(rofs\S*|var|etc|home|tmp|var-local-data)\.(mount|service): Failed with")
    assert [line for line in boot.trouble if ours.search(line) or "FAILED" in line] == [], boot.log


def test_partition_is_clean_and_root_is_untouched(outcome: Outcome) -> None:
    assert outcome.boots[0]["sectors"].line == "0"
    assert outcome.identical == [True]
    assert outcome.data_state == ["clean"]

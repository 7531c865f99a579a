"""A read-only Debian with the minimal rofs.conf: its first two boots."""

from __future__ import annotations

import json
import re
from typing import Dict, List

import pytest
from support import security_bounds
from vm.image import XATTR_NAMES
from vm.lab import Outcome
from vm.machine import Boot
from vm.scenarios.basic import OUR_UNITS, OVERLAYS, SERVICES, both_permissions

pytestmark = [pytest.mark.vm, pytest.mark.scenario("minimal")]

LOAD_BYTES = 100 * 1024 * 1024
SHOWN_UNITS = ("rofs-ro.mount", "rofs-overlay-var.mount", "rofs-overlay-etc.mount",
               "rofs-overlay-home.mount", "rofs-persist-data.mount")


def emitted_units(outcome: Outcome) -> List[str]:
    """The units the generator emits: tmp.mount only where the system brings none enabled."""
    has_tmp = outcome.suite not in ("bullseye", "bookworm")
    return [unit for unit in OUR_UNITS if unit != "tmp.mount" or not has_tmp]


def mounts(boot: Boot) -> List[Dict[str, str]]:
    """findmnt's list: target, source, fstype, options, propagation."""
    return json.loads(boot["mounts"].out)["filesystems"]


def mounts_on(boot: Boot, target: str) -> List[Dict[str, str]]:
    """The mounts whose mount point is `target`, the lowest first."""
    return [m for m in mounts(boot) if m["target"] == target]


def units(text: str) -> Dict[str, Dict[str, str]]:
    """The properties of each unit, from the blocks of `systemctl show`."""
    blocks = [dict(line.split("=", 1) for line in block.splitlines() if "=" in line)
              for block in text.split("\n\n")]
    return {block["Id"]: block for block in blocks if "Id" in block}


@pytest.mark.parametrize("number", [0, 1])
def test_system_is_running(outcome: Outcome, number: int) -> None:
    boot = outcome.boots[number]
    assert boot["running"].line == "running", boot["failed"].out


@pytest.mark.parametrize("number", [0, 1])
def test_no_unit_failed(outcome: Outcome, number: int) -> None:
    failed = outcome.boots[number]["failed"]
    assert failed.status == 0
    assert failed.line == ""


@pytest.mark.parametrize("number", [0, 1])
def test_journal_knows_no_ordering_cycle(outcome: Outcome, number: int) -> None:
    assert outcome.boots[number]["journal_trouble"].line == ""


@pytest.mark.parametrize("number", [0, 1])
def test_journal_has_no_warning_of_ours(outcome: Outcome, number: int) -> None:
    assert outcome.boots[number]["journal_warnings"].line == ""


@pytest.mark.parametrize("number", [0, 1])
def test_console_shows_no_trouble_until_power_off(outcome: Outcome, number: int) -> None:
    boot = outcome.boots[number]
    assert "Power down" in boot.console
    assert boot.trouble == [], boot.log


def test_status_lists_all_mounts_as_active(first: Boot) -> None:
    status = first["status"]
    assert status.status == 0, status
    for unit in SHOWN_UNITS:
        block = re.search(rf"^\S+ {re.escape(unit)} - .*?(?=^\S+ \S+\.mount - |\Z)", status.out,
                          re.MULTILINE | re.DOTALL)
        assert block, f"{unit} is not shown:\n{status.out}"
        assert "Active: active (mounted)" in block.group()


def test_every_unit_of_ours_is_active_and_ours(outcome: Outcome) -> None:
    known = units(outcome.boots[0]["units"].out)
    for unit in emitted_units(outcome):
        assert known[unit]["ActiveState"] == "active", known[unit]
        assert known[unit]["FragmentPath"] == f"/run/systemd/generator.early/{unit}"


def test_tmp_is_mounted_by_one_unit(outcome: Outcome) -> None:
    known = units(outcome.boots[0]["units"].out)
    assert known["tmp.mount"]["ActiveState"] == "active"


def test_etc_var_home_and_tmp_are_writable(first: Boot) -> None:
    assert first["writable"].status == 0, first["writable"].err


def test_tmp_is_a_tmpfs_for_everybody(first: Boot) -> None:
    assert first["tmp"].out.split() == ["1777", "tmpfs"]


@pytest.mark.parametrize("name", OVERLAYS)
def test_merged_root_has_the_permissions_of_the_lower(first: Boot, name: str) -> None:
    lower, merged = both_permissions(first[f"permissions_{name}"])
    for attribute in XATTR_NAMES:
        assert attribute in lower
    assert merged == lower


def test_acl_of_home_survives(first: Boot) -> None:
    lower, merged = both_permissions(first["permissions_home"])
    assert lower.startswith("755 0:50\n")
    assert "user:1:--x" in lower
    assert merged == lower


def test_overlays_keep_every_privilege_of_a_file_system(outcome: Outcome) -> None:
    """rofs-prepare mounts them, and an overlay has the capabilities of what mounted it."""
    lines = outcome.boots[0]["privileged"].out.split()
    capability = "security.capability=0x0100000200200000000000000000000000000000"
    assert lines == ["7:8", "6755", "0", capability] * 3, outcome.boots[0]["privileged"]


def test_services_are_no_more_exposed_than_documented(first: Boot) -> None:
    bounds = security_bounds(int(first["versions"].out.split()[1]))
    levels = {}
    for i, unit in enumerate(SERVICES):
        row = re.sub("@.*service", "@*.service", unit.replace("rofs-prepare", "rofs-prepare*"))
        level = re.search(r"Overall exposure level for .*: ([\d.]+)", first[f"security_{i}"].out)
        assert level, first[f"security_{i}"]
        levels[row] = float(level.group(1))
    assert {row: level for row, level in levels.items() if level > bounds[row]} == {}, levels


def test_the_start_of_a_service_is_limited(first: Boot) -> None:
    assert first["limits"].out.split() == ["5min", "5min", "5min", "infinity"], first["limits"]


def test_a_hang_fails_the_service_and_no_more(first: Boot) -> None:
    assert first["hang"].out.split() == ["timeout", "degraded", "success", "running"], first["hang"]


def test_watch_can_do_its_work(first: Boot) -> None:
    assert first["watch"].out == "success\n", first["watch"]


def test_root_refuses_writes(first: Boot) -> None:
    assert first["readonly_root"].status != 0
    assert "Read-only file system" in first["readonly_root"].err


def test_usr_refuses_writes(first: Boot) -> None:
    assert first["readonly_usr"].status != 0
    assert "Read-only file system" in first["readonly_usr"].err


def test_layers_are_closed_to_other_users(first: Boot) -> None:
    assert first["rofs_mode"].line == "700"
    assert first["closed"].status != 0
    assert "Permission denied" in first["closed"].err


def test_merged_view_shows_the_changes(first: Boot) -> None:
    assert first["change"].status == 0, first["change"].err
    assert first["merged"].status == 0
    assert first["merged"].out == "changed\nchanged\nchanged\n"


def test_lower_layer_shows_the_untouched_system(first: Boot) -> None:
    assert first["lower"].status == 0, first["lower"].err
    assert first["lower"].out == "flash\non flash\non flash\n127.0.0.1 localhost flash\n"
    assert first["lower_new"].status != 0
    assert first["lower_new"].out == ""


def test_lower_layer_refuses_writes(first: Boot) -> None:
    assert first["lower_write"].status != 0
    assert "Read-only file system" in first["lower_write"].err


def test_upper_layer_holds_the_changes(first: Boot) -> None:
    assert first["upper"].status == 0, first["upper"].err
    assert first["upper"].out == "changed\nchanged\nchanged\n"


@pytest.mark.parametrize("name", OVERLAYS)
def test_overlay_is_named_rofs(first: Boot, name: str) -> None:
    for target in (f"/{name}", f"/rofs/overlay/{name}"):
        found = mounts_on(first, target)
        assert [(m["source"], m["fstype"]) for m in found] == [("rofs", "overlay")]
        assert "rw" in found[0]["options"].split(",")


@pytest.mark.parametrize("target", ["/rofs/ro", *(f"/rofs/overlay/{n}" for n in OVERLAYS)])
def test_layers_have_private_propagation(first: Boot, target: str) -> None:
    assert [m["propagation"] for m in mounts_on(first, target)] == ["private"]


def test_pool_is_a_closed_tmpfs(first: Boot) -> None:
    found = mounts_on(first, "/rofs")
    assert [m["fstype"] for m in found] == ["tmpfs"]
    assert {"nosuid", "nodev", "noexec", "mode=700"} <= set(found[0]["options"].split(","))


def test_partition_is_mounted_where_declared_and_nowhere_else(first: Boot) -> None:
    targets = sorted(m["target"] for m in mounts(first) if m["source"].startswith("/dev/vdb"))
    assert targets == ["/rofs/persist/data", "/var/local/data"]


def test_partition_has_its_options(first: Boot) -> None:
    for target in ("/rofs/persist/data", "/var/local/data"):
        options = set(mounts_on(first, target)[-1]["options"].split(","))
        assert {"rw", "noatime", "nodev", "nosuid"} <= options


def test_root_is_mounted_read_only_everywhere(first: Boot) -> None:
    from_root = [m for m in mounts(first) if m["source"].startswith("/dev/vda")]
    assert {"/", "/rofs/ro"} <= {m["target"] for m in from_root}
    for mount in from_root:
        assert "ro" in mount["options"].split(","), mount


def test_nothing_is_mounted_twice(first: Boot) -> None:
    targets = [m["target"] for m in mounts(first) if m["fstype"] != "autofs"
               and m["target"] != "/proc/sys/fs/binfmt_misc"]
    assert sorted(targets) == sorted(set(targets))


def test_machine_id_is_the_running_one(first: Boot) -> None:
    in_etc, in_run, of_pid1 = first["machine_id"].out.split()
    assert re.fullmatch(r"[0-9a-f]{32}", in_etc)
    assert in_etc == in_run == of_pid1


def test_machine_id_is_a_plain_file_of_the_upper_layer(first: Boot) -> None:
    assert first["machine_id_mode"].out.split() == ["444"]
    assert first["machine_id_lower"].line == "0"


def test_journal_shows_this_boot(first: Boot) -> None:
    lines, kernel_lines = map(int, first["journal"].out.split())
    assert lines > kernel_lines > 100


def test_journal_lies_in_the_directory_of_the_machine_id(first: Boot) -> None:
    assert first["journal_files"].out.split() == [first["machine_id"].out.split()[0]]


def test_journal_takes_new_lines(first: Boot) -> None:
    assert first["log"].line == "hello"


def test_logind_works(first: Boot) -> None:
    assert first["logind"].status == 0, first["logind"]


def test_dbus_works(first: Boot) -> None:
    assert first["dbus"].out.split() == ["1", "active"]


def test_cron_runs(first: Boot) -> None:
    assert first["cron"].line == "active"


def test_timer_fires(first: Boot) -> None:
    assert first["timer"].status == 0


def test_services_have_their_state_directory(first: Boot) -> None:
    assert first["state"].out == "kept\nkept\n", first["state"].err


def test_dhcp_client_writes_resolv_conf(first: Boot) -> None:
    assert "inet 10.0.2.15" in first["dhcp"].out
    assert "nameserver 10.0.2.3" in first["dhcp"].out


def test_useradd_makes_a_user_with_a_home(first: Boot) -> None:
    assert first["useradd"].status == 0, first["useradd"]
    assert first["useradd"].out.split() == ["tester", "tester"]


def test_apt_installs_a_package_into_ram(first: Boot) -> None:
    assert first["apt"].status == 0, first["apt"]


@pytest.mark.parametrize("step", ["after", "edited"])
def test_reload_keeps_every_unit_byte_for_byte(outcome: Outcome, step: str) -> None:
    first = outcome.boots[0]
    assert first["reload"].status == 0
    assert first["edit"].status == 0, first["edit"].err
    before = first["early_before"].out
    for unit in emitted_units(outcome):
        assert f"  ./{unit}\n" in before
    assert first[f"early_{step}"].out == before


@pytest.mark.parametrize("step", ["after", "edited"])
def test_reload_keeps_every_fragment_and_state(first: Boot, step: str) -> None:
    assert units(first[f"units_{step}"].out) == units(first["units"].out)


@pytest.mark.parametrize("step", ["after", "edited"])
def test_system_still_runs_after_reload(first: Boot, step: str) -> None:
    assert first[f"running_{step}"].line == "running"


def test_hundred_megabytes_into_var_do_not_touch_the_root_device(outcome: Outcome) -> None:
    first = outcome.boots[0]
    assert first["load"].line.endswith(str(LOAD_BYTES))
    assert [boot["sectors"].line for boot in outcome.boots[:2]] == ["0", "0"]


def test_root_image_is_identical_after_power_off(outcome: Outcome) -> None:
    """At the end of the next boot, something is kept: see test_vm_commit.py."""
    assert outcome.identical[0]


def test_changes_are_forgotten_at_power_off(second: Boot) -> None:
    assert second["forgotten"].status == 0, second["forgotten"].err
    assert second["forgotten"].out == "flash\non flash\non flash\n127.0.0.1 localhost flash\n"
    assert second["gone"].status != 0
    assert second["gone"].out == ""


def test_what_is_on_the_partition_is_kept(outcome: Outcome) -> None:
    first, second = outcome.boots[:2]
    assert first["persist"].status == 0, first["persist"].err
    assert first["persist"].line == "kept"
    assert second["kept"].line == "kept"


def test_partition_is_clean_after_each_power_off(outcome: Outcome) -> None:
    assert outcome.data_state == ["clean"] * len(outcome.boots)
    assert {status for status, _ in outcome.data_fsck} == {0}, outcome.data_fsck


def test_second_boot_needs_no_journal_recovery(second: Boot) -> None:
    assert "recovery complete" not in second.console
    assert "recovering journal" not in second["persist_journal"].out


def test_each_boot_has_an_id_of_its_own(outcome: Outcome) -> None:
    first, second = outcome.boots[:2]
    assert re.fullmatch(r"[0-9a-f]{32}", second["machine_id"].line)
    assert second["machine_id"].line != first["machine_id"].out.split()[0]

"""The command and its services on booted machines: healthy, broken, and without rofs."""

from __future__ import annotations

import re
from typing import Any

import pytest
from support import parse_json
from vm.machine import Boot

pytestmark = pytest.mark.vm

GONE = "/var/local/gone is not on its partition gone (LABEL=gone): "
MISTAKE = "/etc/rofs.conf:6: unknown key Szie= in [Overlay]; did you mean Size=?"


def answer(boot: Boot, name: str, schema: str = "status.schema.json") -> Any:
    """The JSON of a section, validated against its schema."""
    return parse_json(boot[name].out, schema)


@pytest.mark.scenario("command")
def test_healthy_machine_is_protected(boot: Boot) -> None:
    assert boot["running"].line == "running", boot["failed"].out
    assert boot["healthy_status"].status == 0
    assert boot["healthy_status"].out.startswith(
        "protected: / read-only, /etc /home /var in RAM (")
    assert boot["healthy_status"].out.splitlines()[0].endswith(", /var/local/data on /dev/vdb")
    found = answer(boot, "healthy_json")
    assert (found["verdict"], found["boot"], found["problems"]) == ("protected", "normal", [])
    assert found["root"] == {"readonly": True, "superblock_writable": False,
                             "device": "/dev/vda", "devices": [], "sectors_written": 0}
    states = [x["state"] for kind in ("overlays", "partitions", "persists") for x in found[kind]]
    assert states == ["active"] * 5


@pytest.mark.scenario("command")
def test_healthy_machine_shows_nothing_in_red(boot: Boot) -> None:
    assert "\033[32mprotected" in boot["red"].out
    assert not [code for code in ("\033[1;31m", "\033[31m", "\033[33m") if code in boot["red"].out]


@pytest.mark.scenario("command")
def test_healthy_machine_says_so_to_everybody(boot: Boot) -> None:
    assert boot["healthy_verify"].status == 0
    assert "ActiveState=active" in boot["verify_at_boot"].out
    assert boot["healthy_motd"].out == (
        "changes to /etc /home /var are lost at power-off; see rofs diff\n")
    assert "protected: / read-only, " in boot["healthy_journal"].out


@pytest.mark.scenario("command")
@pytest.mark.parametrize("name", ["plan", "plan_unprivileged"])
def test_plan_is_what_was_generated(boot: Boot, name: str) -> None:
    assert boot[name].status == 0, boot[name]


@pytest.mark.scenario("command")
def test_ordinary_user_gets_the_answer(boot: Boot) -> None:
    assert boot["unprivileged"].status == 0, boot["unprivileged"]
    assert boot["unprivileged"].out.startswith("protected: ")
    assert "unavailable" not in boot["unprivileged"].out
    assert answer(boot, "unprivileged_json")["pools"] == answer(boot, "healthy_json")["pools"] or (
        answer(boot, "unprivileged_json")["pools"][0]["size"])


@pytest.mark.scenario("command")
def test_idle_machine_writes_and_logs_nothing(boot: Boot) -> None:
    assert "SubState=waiting" in boot["timer"].out
    assert boot["idle"].status == 0, boot["idle"]
    assert boot["idle_after"].out == boot["idle_before"].out


@pytest.mark.scenario("command")
def test_edited_configuration_is_noticed(boot: Boot) -> None:
    for name in ("edit", "edit_unprivileged"):
        assert boot[name].status == 0
        assert boot[name].out.startswith("protected: ")
        assert "warning: /etc/rofs.conf differs from the one in force" in boot[name].out


@pytest.mark.scenario("command")
def test_without_the_bus(boot: Boot) -> None:
    for name in ("bus_down", "bus_down_unprivileged", "alone"):
        assert boot[name].status == 0
        assert boot[name].out.startswith("protected: ")
        assert "unavailable" not in boot[name].out


# What a machine does by itself between switching on and the first question, and why.
IDLE = (
    r"= /etc/\.pwd\.lock",  # systemd-sysusers
    r"M /etc/resolv\.conf",  # dhclient
    r"A /var/lib/dhcp(/.*)?",
    r"A /var/lib/dbus/machine-id",  # systemd-tmpfiles
    r"A /var/lib/systemd/(linger|random-seed|timers(/stamp-.*)?)",
    r"[Am] /var/log/journal(/.*)?",  # systemd-journald
    r"M /var/log/(wtmp|btmp|lastlog)",
    r"A /var/tmp/systemd-private-.*",
    r"A /var/lib/(ticked|test(/.*)?|test-dynamic|private(/.*)?)",  # the services of the tests
)


@pytest.mark.scenario("command")
def test_diff_of_an_idle_machine_is_explained(boot: Boot) -> None:
    assert boot["diff_idle"].status == 0
    rows = [" ".join(line.split(" ")[0:3:2]) for line in boot["diff_idle"].out.splitlines()]
    assert [row for row in rows if not re.fullmatch("|".join(IDLE), row)] == []
    everything = boot["diff_idle_all"].out
    for path in ("M file /etc/machine-id", "A file /etc/.updated", "A file /var/.updated"):
        assert f"{path} made\\x20by\\x20rofs" in everything
        assert path not in boot["diff_idle"].out


@pytest.mark.scenario("command")
def test_diff_tells_each_kind_of_change(boot: Boot) -> None:
    assert boot["diff_made"].status == 0, boot["diff_made"]
    assert boot["diff"].status == 0
    assert boot["diff"].out.replace("\\x20", " ").splitlines() == [
        "m file /etc/debian_version same content; mode",
        "M file /etc/issue ",
        "D file /etc/issue.net ",
        "T dir /etc/motd was file",
        "= file /etc/profile same content",
        "A file /home/added ",
        "= dir /var/backups opaque: hides nothing"]
    found = answer(boot, "diff_json", "diff.schema.json")
    assert {row["pool"] for row in found} == {"ram"}


@pytest.mark.scenario("command")
@pytest.mark.parametrize("name", ["diff_unprivileged", "diff_nobody_as_root"])
def test_diff_is_for_root(boot: Boot, name: str) -> None:
    assert (boot[name].status, boot[name].out) == (3, "")
    assert boot[name].err == "rofs: only root can read the layers; run rofs diff as root\n"


@pytest.mark.scenario("command")
def test_user_namespace_gives_the_same_answer(boot: Boot) -> None:
    """Root in there, who is root outside too and has lost what root may do."""
    assert boot["status_rootless"].status == 0
    assert boot["status_rootless"].out.startswith("protected: ")
    assert boot["diff_rootless"].status == 0
    assert boot["diff_rootless"].err == ""


@pytest.mark.scenario("command")
@pytest.mark.parametrize("name", ["check", "check_unprivileged"])
def test_check_finds_nothing_on_a_healthy_machine(boot: Boot, name: str) -> None:
    assert boot[name].status == 0
    assert boot[name].out.endswith("0 errors, 0 warnings\n")


@pytest.mark.scenario("command")
def test_check_knows_the_device_of_the_root(boot: Boot) -> None:
    assert ("/etc/rofs.conf.d/self.conf:2: error: [Partition self]: LABEL=root holds the root file "
            "system, which must not be written to; expected a separate partition"
            in boot["check_root_device"].out.splitlines())


@pytest.mark.scenario("command")
def test_container_gets_an_answer(boot: Boot) -> None:
    """Made of the machine's own tree, first with its rofs.conf, then without."""
    declared, nothing = boot["container"].out.split("== NO CONFIGURATION\n")
    assert declared.startswith("== rofs status\npartial: nothing that rofs.conf declares is "
                               "mounted in this boot, and / is writable; ")
    assert re.findall(r"== (.*)\n(?:(?!==).*\n)*?exit (\d+)", declared) == [
        ("rofs status", "1"), ("rofs status --json", "1"), ("rofs diff", "4"), ("rofs check", "0")]
    assert nothing.startswith("== rofs status\noff: rofs does nothing in this boot: "
                              "rofs.conf declares nothing\n")
    assert re.findall(r"== (.*)\n(?:(?!==).*\n)*?exit (\d+)", nothing) == [
        ("rofs status", "4"), ("rofs diff", "4"), ("rofs check", "0"), ("rofs plan", "0"),
        ("/usr/lib/rofs/rofs-verify", "0")]


@pytest.mark.scenario("command")
def test_full_pool_is_a_warning_and_no_failure(boot: Boot) -> None:
    """All that is declared is in force: the status stays 0, and everybody says what is coming."""
    # Filled to 96%; the journal goes on.
    full = (r"the shared RAM pool /rofs is 9[6-9]% full \(4[67] MiB of 48 MiB\);"
            r" rofs diff --sort=size")
    assert boot["full_status"].status == 0
    assert boot["full_status"].out.startswith("protected: ")
    assert re.search(f"\n  warning: {full}", boot["full_status"].out)
    assert [p for p in answer(boot, "full_json")["problems"] if re.match(full, p["message"])]
    assert (boot["full_verify"].status, boot["full_failed"].out) == (0, "")
    assert re.search(f"^rofs: {full}", boot["full_motd"].out, re.MULTILINE)
    assert re.match(full, boot["full_message"].out)


@pytest.mark.scenario("broken")
def test_missing_partition_and_mistake_degrade_the_machine(boot: Boot) -> None:
    assert boot["running"].line == "degraded"
    assert boot["boot_failed"].line.startswith("rofs-verify.service ")
    for text in (GONE, MISTAKE):
        assert text in boot["boot_status"].out
        assert text in boot["boot_journal"].out
        assert [p for p in answer(boot, "boot_json")["problems"] if p["message"].startswith(text)]
    assert boot["boot_status"].status == 1
    assert boot["boot_motd"].out.startswith(f"rofs: partial: {GONE}")


@pytest.mark.scenario("broken")
def test_without_the_bus_states_are_not_seen(boot: Boot) -> None:
    assert boot["boot_alone"].status == 1
    assert f"error: {GONE}" in boot["boot_alone"].out
    assert "unavailable: unit states: " in boot["boot_alone"].out


@pytest.mark.scenario("broken")
def test_catalog_explains(boot: Boot) -> None:
    assert "Subject: Partial: something that rofs.conf declares is missing" in boot["catalog"].out
    assert "Subject: /rofs is nearly full: 99%" in boot["pool_message"].out


@pytest.mark.scenario("broken")
@pytest.mark.parametrize(("name", "sentence"), [
    ("overlay", "/srv has no overlay: writes there fail"),
    ("root", "/ is writable: writes to it wear out the flash; "),
    ("covered", "the persist on /var/local/data is covered: scratch (tmpfs) is mounted over it"),
])
def test_piece_that_is_taken_away_is_told_by_all(boot: Boot, name: str, sentence: str) -> None:
    assert boot[f"{name}_status"].status == 1
    assert f"error: {sentence}" in boot[f"{name}_status"].out
    assert [p for p in answer(boot, f"{name}_json")["problems"]
            if p["message"].startswith(sentence)]
    assert boot[f"{name}_verify"].status == 1
    assert boot[f"{name}_failed"].line.startswith("rofs-verify.service ")
    assert boot[f"{name}_motd"].out.startswith(f"rofs: partial: {sentence}")
    assert sentence in boot[f"{name}_journal"].out


@pytest.mark.scenario("broken")
def test_watch_asks_for_a_new_verdict(boot: Boot) -> None:
    assert "/srv has no overlay: writes there fail" in boot["overlay_watch"].out


@pytest.mark.scenario("broken")
def test_full_pool_is_told_once(boot: Boot) -> None:
    said = boot["pool_watch"].out.splitlines()
    assert len([line for line in said if "the shared RAM pool /rofs is 99% full" in line]) == 1
    assert "warning: the shared RAM pool /rofs is 99% full" in boot["pool_status"].out
    assert "rofs: the shared RAM pool /rofs is 99% full" in boot["pool_motd"].out
    assert "level" not in boot["pool_emptied"].out


@pytest.mark.scenario("off")
def test_everybody_says_that_rofs_is_off(boot: Boot) -> None:
    assert boot["off_status"].status == 4
    assert boot["off_status"].out.startswith(
        "off: rofs does nothing in this boot: rofs=off on the kernel command line")
    found = answer(boot, "off_json")
    assert (found["verdict"], found["boot"]) == ("off", "off")
    assert int(boot["off_plan"].line) > 10
    assert boot["off_unprivileged"].status == 4
    # The same, but for the sectors: / is written to in this boot.
    said, to_nobody = (re.sub(r"\d+", "N", boot[name].out).split()
                       for name in ("off_status", "off_unprivileged"))
    assert to_nobody == said
    assert boot["off_diff"].status == 4
    assert boot["off_diff"].err == (
        "rofs: rofs is off in this boot: rofs=off on the kernel command line\n")
    assert "rofs does nothing in this boot: rofs=off on the " in boot["off_check"].out
    assert boot["off_check"].status == 1  # the mistake, and the partition that is not there
    # No login notice: nobody is told of a protection that there is not.
    assert boot["off_verify"].out.splitlines()[0] == "0"
    assert "rofs" not in boot["off_verify"].out

"""rofs commit on a machine that is at work, on every suite; and the boot for maintenance."""

from __future__ import annotations

import dataclasses
import json
from typing import Dict, List

import pytest
from vm.lab import Outcome
from vm.machine import Boot
from vm.probe import Section
from vm.scenarios.commit import CLOSED, MANY

pytestmark = [pytest.mark.vm, pytest.mark.scenario("minimal")]

OFF = 4
READ_ONLY = ["ro ro", "ro ro"]
# What the transaction touches: paths and the directories they are in.
CHANGED = {
    "etc": ("etc/hostname", "etc/fstab", "etc/kept"),
    "home": ("home/user",),
    "var": ("var/kept",),
}


@pytest.fixture
def committed(outcome: Outcome) -> Boot:
    """The boot after the commit."""
    return outcome.boots[2]


@pytest.fixture
def maintained(outcome: Outcome) -> Boot:
    """The boot for maintenance."""
    return outcome.boots[3]


def is_changed(path: str) -> bool:
    """Whether it is one of those that were changed, or below one."""
    return any(path == top or path.startswith(f"{top}/") for tops in CHANGED.values()
               for top in tops)


def rows(section: Section) -> Dict[str, str]:
    """The letters of `rofs diff` by path."""
    return {path: letter for letter, path in
            (line.split(" ", 1) for line in section.out.splitlines())}


def test_services_hold_what_is_changed(second: Boot) -> None:
    """Without this, the others prove less."""
    assert second["commit_start"].out.split() == ["active"] * 3, second["commit_start"]
    assert second["commit_change"].status == 0, second["commit_change"]
    assert second["commit_held"].out.split() == ["active"] * 2


def test_dry_run_writes_nothing(second: Boot) -> None:
    assert second["commit_dry_run"].status == 0, second["commit_dry_run"]
    assert second["commit_dry_flash"].line == "flash"


def test_paths_are_committed_and_no_other(second: Boot) -> None:
    assert second["commit_paths"].status == 0, second["commit_paths"]
    assert second["commit_paths_flash"].out.splitlines() == [
        "committed", "on flash", "on flash", "committed"]


def test_everything_is_committed(second: Boot) -> None:
    assert second["commit_all"].status == 0, second["commit_all"]
    assert_content(second["commit_flash"])


def assert_content(seen: Section) -> None:
    """All the changes, and nothing of what they have replaced."""
    assert seen.out.splitlines() == [
        "committed", "on flash", "committed", "committed", "committed", "on flash", "committed",
        "committed", "committed", "etc/kept/mode 604 7:8", "text", "user:1:r--", "deep",
        "var/kept/tree/hard 2 10", "var/kept/tree/sparse 1 1048576", "var/kept/tree/fifo fifo",
        "same program"], seen


def test_programs_see_no_difference(second: Boot) -> None:
    assert second["commit_merged"].out.count("\n") > 1000
    assert second["commit_merged_after"].out == second["commit_merged"].out


def test_root_is_read_only_again(outcome: Outcome) -> None:
    """As mounts and as a file system, although services hold what was replaced."""
    second, third = outcome.boots[1:3]
    assert second["commit_flags"].out.splitlines() == READ_ONLY
    assert second["commit_refused"].err.count("Read-only file system") == len(CLOSED)
    assert second["commit_refused"].out == ""
    for name in ("flags_before", "flags", "flags_after"):
        assert third[name].out.splitlines() == READ_ONLY, name


def test_nobody_else_can_write_in_the_meantime(second: Boot) -> None:
    tries, *leaks = second["commit_leaks"].out.splitlines()
    assert int(tries) > 1000
    assert leaks == []


def test_machine_is_still_protected(second: Boot) -> None:
    assert second["commit_status"].status == 0, second["commit_status"]
    assert second["commit_running"].line == "running"


def test_diff_says_that_it_is_on_flash(second: Boot) -> None:
    found = rows(second["commit_diff"])
    assert found
    assert set(found.values()) == {"="}, found


def test_second_commit_has_nothing_to_do(second: Boot) -> None:
    assert second["commit_again"].line.splitlines()[-1] == "0", second["commit_again"]


def test_log_names_both_transactions(second: Boot, committed: Boot) -> None:
    for section in (second["commit_log"], committed["log"]):
        assert "rofs commit --all --yes" in section.out, section
        assert "rofs commit --yes /etc/hostname /etc/fstab /etc/kept" in section.out


def test_next_boot_has_what_was_committed(committed: Boot) -> None:
    assert_content(committed["content"])
    assert committed["status"].status == 0, committed["status"]


def test_next_boot_has_nothing_else(committed: Boot) -> None:
    assert committed["lost"].out == ""


def test_next_boot_shows_no_difference(committed: Boot) -> None:
    assert rows(committed["diff"]) == {}, committed["diff"]


def test_rest_of_the_root_is_untouched(committed: Boot) -> None:
    """Every inode number and time of change is as before, but for what machines write in /var."""
    changed = committed["others"].out.splitlines()
    assert {"etc/kept/mode", "var/kept/tree", "home/user/notes"} <= set(changed)
    assert [path for path in changed if path.split("/")[0] not in CHANGED] == []
    assert [path for path in changed if path.startswith("home/") and not is_changed(path)] == []


def test_file_system_is_clean(outcome: Outcome) -> None:
    assert {status for status, _ in outcome.root_fsck.values()} == {0}, outcome.root_fsck
    assert sorted(outcome.root_fsck) == [1, 2, 3]


def test_program_that_runs_is_replaced(committed: Boot, maintained: Boot) -> None:
    lines = committed["runs"].out.splitlines()
    assert lines[:2] == ["kept/tree/library.so", "kept/tree/program"], committed["runs"]
    assert lines[-5:] == ["0", "active", "another program", "another library.so", "another"]
    assert maintained["replaced"].out.splitlines() == lines[-3:]


def test_window_that_nobody_closes_is_told_and_closed(committed: Boot) -> None:
    """Once both the command and its guard have been killed."""
    opened, verdict, told, closed, after, *states = committed["orphan"].out.splitlines()
    assert (opened, closed) == ("rw", "ro"), committed["orphan"]
    assert '"partial"' in verdict and '"protected"' in after, committed["orphan"]
    assert "writable" in told
    assert states == ["inactive"] * 2
    assert "rofs-restore.service: Deactivated successfully." in committed["restored"].out or \
        "rofs-restore.service: Succeeded." in committed["restored"].out


def test_maintenance_is_asked_for(committed: Boot) -> None:
    assert committed["maintenance"].status == 0, committed["maintenance"]
    assert "maintenance" in committed["mark"].out


def test_maintenance_boot_is_an_ordinary_one(maintained: Boot) -> None:
    """Whatever fstab says of /: ro, rw, nothing, or defaults."""
    assert maintained["running"].line == "running", maintained["failed"]
    assert maintained["journal_trouble"].line == ""
    assert maintained["writable"].out.split() == ["/", "/usr", "/etc", "/var", "/home"]
    assert maintained["early"].out == ""
    assert not mounted(maintained, "overlay")


def mounted(boot: Boot, fstype: str) -> List[str]:
    """Where file systems of a type are mounted."""
    return [m["target"] for m in json.loads(boot["mounts"].out)["filesystems"]
            if m["fstype"] == fstype]


def test_maintenance_boot_says_so(maintained: Boot) -> None:
    for name in ("status", "status_after"):
        assert maintained[name].status == OFF
        assert maintained[name].out.startswith("off: ")
        assert "maintenance" in maintained[name].out.splitlines()[0]
    assert json.loads(maintained["json"].out)["boot"] == "maintenance"
    assert maintained["commit"].status == OFF, maintained["commit"]


def test_reload_does_not_bring_the_overlays_back(maintained: Boot) -> None:
    assert (maintained["reload"].status, maintained["reload"].out) == (0, "")
    states = [line.split() for line in maintained["reloaded"].out.splitlines()]
    assert [(fstype, options.split(",")[0]) for fstype, options in states] == [("ext4", "rw")] * 4
    assert maintained["running_after"].line == "running"


def test_mark_for_maintenance_is_gone(maintained: Boot) -> None:
    assert "maintenance" not in maintained["mark"].out.split()


def test_fstab_is_what_was_committed(committed: Boot, suite: str) -> None:
    """So that there is a maintenance boot with each."""
    options = {"bullseye": "ro", "bookworm": "rw,errors=remount-ro", "sid": "defaults"}
    line = f"LABEL=root / ext4 {options[suite]} 0 1" if suite in options else ""
    assert committed["fstab"].line == line


CUT = pytest.mark.scenario("commit-cut")


@dataclasses.dataclass(frozen=True)
class Round:
    """A commit that was to be killed; `kept`: how many files on flash say which round."""

    part: str
    moment: str
    number: str
    end: str
    again: str
    kept: List[str]


def rounds(boot: Boot) -> List[Round]:
    """All of them, in their order."""
    lines = [line.split() for part in ("cleaning", "staging", "switch")
             for line in boot[f"kill_{part}"].out.splitlines()]
    return [Round(*words[:5], kept=words[5:]) for words in lines]


@CUT
def test_commit_is_killed_in_all_its_parts(boot: Boot) -> None:
    killed = [r.part for r in rounds(boot) if r.end in ("killed", "marked")]
    assert len(killed) >= 20, rounds(boot)
    assert len(set(killed)) == 5, rounds(boot)
    assert [r.end for r in rounds(boot)].count("marked") == 1
    assert rounds(boot)[-1].end == "marked"


@CUT
def test_killed_commit_leaves_the_root_read_only(boot: Boot) -> None:
    assert {r.again for r in rounds(boot)} == {"ro"}, rounds(boot)


@CUT
def test_killed_commit_has_kept_all_or_nothing(boot: Boot) -> None:
    """After the switch all, and before it nothing. In between, the next boot completes it."""
    last = ""
    for r in rounds(boot)[:-1]:
        if r.part in ("cleaning", "switch") or r.end == "ended":
            last = r.number
        assert r.kept == [str(MANY), last], r


@CUT
def test_interrupted_switch_is_told_and_locks_out_others(boot: Boot) -> None:
    assert "commit" in boot["locked_out"].out.split(), boot["locked_out"]
    assert boot["locked_out"].line.splitlines()[-1] == "3"
    assert boot["status"].status == 1, boot["status"]
    assert boot["flags"].out.splitlines() == READ_ONLY


@CUT
def test_next_boot_finishes_the_commit_and_reboots_once(outcome: Outcome) -> None:
    unfinished, finished = outcome.boots[1:3]
    assert unfinished.sections == {}, unfinished["said"]
    assert "Restarting system" in unfinished.console
    assert "crash" not in outcome.boots[0].sections
    assert finished["many"].line.split() == [str(MANY), rounds(outcome.boots[0])[-1].number]
    assert finished["running"].line == "running", finished["failed"]
    assert finished["status"].status == 0, finished["status"]
    assert finished["diff"].out == ""
    assert finished["flags"].out.splitlines() == READ_ONLY
    assert "commit" not in finished["left"].out.split()


@CUT
def test_timer_commits(outcome: Outcome) -> None:
    finished, last = outcome.boots[2], outcome.boots[5]
    assert finished["timer"].out.splitlines()[-2:] == ["timed", "success"], finished["timer"]
    assert last["timed"].line == "timed"


@CUT
def test_changes_are_committed_at_shutdown(outcome: Outcome) -> None:
    finished, last = outcome.boots[2], outcome.boots[5]
    assert finished["at_shutdown"].line == "on flash"
    assert last["at_shutdown"].line == "at shutdown"
    assert rows(last["diff"]) == {}
    assert finished.trouble == [], finished.log


@CUT
def test_maintenance_can_be_cancelled(outcome: Outcome) -> None:
    finished = outcome.boots[2]
    assert "maintenance" not in finished["cancel"].out.splitlines()[-1].split()
    assert "maintenance" in finished["maintenance"].out.split()
    assert finished["flags_after"].out.splitlines() == READ_ONLY


@CUT
def test_crash_in_maintenance_does_not_leave_the_machine_unprotected(outcome: Outcome) -> None:
    """Before the mark is removed: one more boot for maintenance. After that: none."""
    before, after, last = outcome.boots[3:]
    assert before.sections == after.sections == {}
    assert last["status"].status == 0, last["status"]
    assert last["running"].line == "running", last["failed"]
    assert last["flags"].out.splitlines() == READ_ONLY
    assert "maintenance" not in last["left"].out.split()
    assert outcome.root_fsck[5][0] == 0, outcome.root_fsck[5][1]

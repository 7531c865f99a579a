"""Whatever fstab says, the machine comes up protected, and otherwise as fstab says."""

from __future__ import annotations

from typing import Dict, List

import pytest
from vm.lab import Outcome
from vm.machine import Boot

pytestmark = pytest.mark.vm

split = pytest.mark.scenario("fstab-split")
odd = pytest.mark.scenario("fstab-odd")
late = pytest.mark.scenario("fstab-late")
broken = pytest.mark.scenario("broken")
# What fstab names and does not exist, the console speaks of, with rofs or without; and our own
# messages about these fstabs are meant.
MEANT = ("rofs-verif", "Verify that", "the swap file /swapfile is not activated",
         "rofs-generator failed with exit status 1", "rofs-generator' failed with exit status 1",
         "by-partuuid/dead-01", "mnt-gone.mount", "mnt/gone", "label-absent", "ro-srv",
         "ro-media", "srv.mount", "media.mount", "rw-srv", "rw-media", "/srv", "/media")


def trouble(boot: Boot) -> List[str]:
    """What the console says of failures, but for what is absent on purpose."""
    return [line for line in boot.trouble if not any(word in line for word in MEANT)]


def sources(boot: Boot, section: str) -> Dict[str, List[str]]:
    """Source and options by mount point, from findmnt's TARGET,SOURCE,OPTIONS."""
    rows = [line.split() for line in boot[section].out.splitlines()]
    return {target: [source, *options.split(",")] for target, source, options in rows}


@pytest.mark.parametrize("scenario", [
    pytest.param(None, marks=mark, id=mark.args[0]) for mark in (split, odd)])
def test_system_is_running(boot: Boot, scenario: None) -> None:
    assert boot["running"].line == "running", boot["failed"].out


@pytest.mark.parametrize("scenario", [
    pytest.param(None, marks=mark, id=mark.args[0]) for mark in (split, odd, late)])
class TestEveryFstab:
    """What holds whatever fstab says."""

    def test_root_is_read_only(self, boot: Boot, scenario: None) -> None:
        mount, file_system = boot["root"].line.split()
        assert mount.split(",")[0] == file_system.split(",")[0] == "ro"
        assert "Read-only file system" in boot["write_root"].err

    def test_what_is_declared_is_writable(self, boot: Boot, scenario: None) -> None:
        assert boot["writable"].status == 0, boot["writable"]

    def test_nothing_is_written_to_the_root(self, outcome: Outcome, scenario: None) -> None:
        assert outcome.boots[0]["sectors"].line.split("\n")[0].split()[-1] == "0"
        assert outcome.identical == [True]

    def test_console_and_journal_show_no_trouble(self, outcome: Outcome, scenario: None) -> None:
        boot = outcome.boots[0]
        usr = [disk for disk in outcome.scenario.disks if disk.part == "usr"]
        # systemd-shutdown runs from /usr and cannot unmount it; it says so without rofs too.
        assert [line for line in trouble(boot) if not (usr and (
            "unmount /usr: " in line or "Failed to finalize file systems" in line))] == []
        assert not boot["journal_trouble"].out


@pytest.mark.parametrize("scenario", [
    pytest.param(None, marks=mark, id=mark.args[0]) for mark in (split, odd, late)])
def test_reload_changes_no_unit(boot: Boot, scenario: None) -> None:
    assert boot["early_before"].out == boot["early_after"].out
    assert "rofs-overlay-var.mount" in boot["early_before"].out
    assert boot["running_after"].line == boot["running"].line


@split
def test_usr_on_its_own_partition_is_read_only(boot: Boot) -> None:
    device, mount, file_system = boot["usr"].line.split()
    assert device == "/dev/vdc"
    assert mount.split(",")[0] == file_system.split(",")[0] == "ro"
    assert "Read-only file system" in boot["usr"].err


@split
def test_home_and_var_of_fstab_are_the_lowers(boot: Boot) -> None:
    lowers = sources(boot, "lowers")
    assert lowers["/rofs/ro/home"][:2] == ["/dev/vdf", "ro"]
    assert lowers["/rofs/ro/var"][:2] == ["/dev/vdd", "ro"]
    assert boot["home"].out == "at home\nat home\nnew\n"
    assert boot["var"].out == "on flash\non flash\n"


@split
def test_overlay_has_the_flags_of_fstab(boot: Boot) -> None:
    assert boot["flags"].out.split() == ["nosuid", "nosuid", "suid"]
    assert boot["set_user_id"].out.split() == ["1234", "0"]


@split
def test_mount_below_an_overlay_is_as_fstab_says(boot: Boot) -> None:
    assert {"/dev/vde", "rw", "nosuid", "nodev"} <= set(sources(boot, "lowers")["/var/log"])


@split
def test_packages_see_the_database_of_the_lower(boot: Boot) -> None:
    assert boot["apt"].status == 0, boot["apt"]


@split
def test_lowers_are_unchanged_and_what_is_writable_is_clean(outcome: Outcome) -> None:
    usr, var, log, home, swap = outcome.disks[0]
    assert [var.identical, home.identical, swap.identical] == [True, True, True]
    assert [disk.state for disk in (usr, var, log, home)] == ["clean"] * 4


@split
@pytest.mark.usefixtures("suite")
def test_tmp_of_fstab_is_kept(boot: Boot) -> None:
    assert boot["tmp"].line.split() == ["tmpfs", str(40 * 1024 * 1024)]


@pytest.mark.parametrize("scenario", [
    pytest.param(None, marks=mark, id=mark.args[0]) for mark in (split, odd)])
def test_swap_of_fstab_stays_off(boot: Boot, scenario: None) -> None:
    assert boot["swaps"].out == ""


@odd
def test_zram_swap_is_not_touched(boot: Boot) -> None:
    assert boot["zram"].status == 0, boot["zram"]
    assert boot["zram"].out.splitlines()[-1] == "/dev/zram0"


@odd
def test_bind_of_fstab_is_taken_from_the_untouched_disk(boot: Boot) -> None:
    assert boot["srv"].out.split() == ["shared", "new", "file", "file"], boot["srv"]


@odd
def test_bind_below_no_overlay_goes_on_top_of_what_it_binds(boot: Boot) -> None:
    picture, *listed = boot["pictures"].out.split()
    assert picture == "picture"
    assert listed == ["/rofs/rw/var/upper/lib/pictures:", "new", "/var/lib/pictures:", "new",
                      "one"]


@odd
def test_nothing_tries_to_grow_what_is_read_only(boot: Boot) -> None:
    assert boot["growfs"].out == ""


@odd
def test_disks_are_as_they_were(outcome: Outcome) -> None:
    home, efi, swap = outcome.disks[0]
    assert [home.identical, swap.identical] == [True, True]
    assert not efi.identical  # it is left to fstab, and was written to


@late
def test_home_with_automount_is_overlaid_from_the_start(boot: Boot) -> None:
    assert boot["home"].out == "at home\noverlay rofs\n"


@late
def test_automount_of_an_overlaid_path_is_not_active(boot: Boot) -> None:
    states = dict(line.split() for line in boot["states"].out.splitlines())
    assert states["home.automount"] == states["srv.automount"] == "inactive"
    assert states["home.mount"] == "active"


@late
def test_noauto_entry_does_not_count(boot: Boot) -> None:
    assert "notes" not in boot["opt"].out
    assert "new" in boot["opt"].out


@late
def test_overlay_without_its_disk_fails_alone(boot: Boot) -> None:
    states = dict(line.split() for line in boot["states"].out.splitlines())
    assert states["srv.mount"] == states["media.mount"] == "inactive"
    assert boot["absent"].err.count("Read-only file system") == 2, boot["absent"]


@late
def test_what_is_missing_is_told(boot: Boot) -> None:
    assert boot["running"].line == "degraded"
    assert boot["failed"].line.split()[0] == "rofs-verify.service"
    assert len(boot["failed"].out.splitlines()) == 1
    assert boot["verdict"].status == 1
    first = boot["verdict"].out.splitlines()[0]
    assert first.startswith("partial: ")
    for path in ("/srv", "/media"):
        assert path in boot["verdict"].out


@late
def test_swap_partition_is_used_when_asked_for_but_no_file_on_the_root(boot: Boot) -> None:
    assert [line.split() for line in boot["swaps"].out.splitlines()] == [["/dev/vdd", "partition"]]
    assert "swap file /swapfile is not activated" in boot["said"].out


@late
def test_swap_stays_until_the_ram_pools_are_unmounted(boot: Boot) -> None:
    swap = boot.console.index("Deactivating swap /dev/vdd.")
    assert boot.console.index("Unmounting '/rofs'.") < swap


@broken
def test_unreadable_fstab_is_told(boot: Boot) -> None:
    assert boot["running"].line == "degraded"
    assert boot["failed"].line.split()[0] == "rofs-verify.service"
    assert "/etc/fstab: cannot be read" in boot["said"].out
    assert boot["root"].line.split()[0].split(",")[0] == "ro"

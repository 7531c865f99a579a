"""`rofs maintenance`: the mark on the root file system, written through the window. What a boot
does with it, the golden trees and virtual machines show."""

from __future__ import annotations

import os
import random

import pytest
from window_system import WindowSystem, wait_until

pytestmark = pytest.mark.root

CONF = "printf '[Overlay /var]\\n' >etc/rofs.conf; mkdir var; : >etc/fstab;"
SET = ("the next boot, and only that, is an ordinary boot in which / is writable; "
       "rofs maintenance --cancel undoes this\n")
CANCELLED = "the next boot is a protected one, as this one is\n"


MARKED = "maintenance -rw------- 0:0 0\n"
SAMPLE = 40  # of the calls at which a run fails; ROFS_EVERY_FAULT=1 takes all


def boot(machine: WindowSystem, prepare: str = "", more: str = "") -> WindowSystem:
    machine.boot(machine.attach("ext4"), prepare=CONF + prepare, more=more)
    return machine


def maintenance(machine: WindowSystem, arguments: str = "",
                before: str = "") -> tuple[int, str, str]:
    done = machine.run(f"{before} exec /run/rofs-bin maintenance {arguments}")
    return done.returncode, done.stdout, done.stderr


def mark(machine: WindowSystem) -> str:
    return machine.run("cd /rofs/ro/rofs; stat -c '%n %A %u:%g %s' * .").stdout


def test_the_mark_is_made_and_removed(machine: WindowSystem) -> None:
    boot(machine)
    empty = mark(machine)
    assert maintenance(machine) == (0, SET, "")
    assert mark(machine) == MARKED + empty.splitlines(True)[-1]
    assert not machine.is_rw()
    assert maintenance(machine) == (0, "nothing to do: " + SET, "")
    assert maintenance(machine, "--cancel") == (0, CANCELLED, "")
    assert mark(machine) == empty
    assert maintenance(machine, "--cancel") == (0, "nothing to do: " + CANCELLED, "")
    assert not machine.is_rw()
    machine.stop()
    machine.check("ext4")


@pytest.mark.parametrize("user, status, text", [
    ("setpriv --reuid 1234 --clear-groups", 3,
     "rofs-bin: only root can write to flash; run rofs maintenance as root\n"),
    ("setpriv --bounding-set -sys_admin", 3, "must not mount anything"),
])
def test_only_root_can_ask_for_it(machine: WindowSystem, user: str, status: int,
                                  text: str) -> None:
    boot(machine)
    done = machine.run(f"exec {user} /run/rofs-bin maintenance")
    assert done.returncode == status
    assert text in done.stderr
    assert "maintenance" not in mark(machine)


def test_it_is_refused_while_a_transaction_runs(machine: WindowSystem) -> None:
    boot(machine)
    steps = machine.steps()
    assert steps.do("open") == "ok"
    status, out, err = maintenance(machine)
    assert (status, out) == (3, "")
    assert "another transaction is running" in err


def test_without_protection_there_is_nothing_to_ask_for(machine: WindowSystem) -> None:
    machine.boot(machine.attach("ext4"))
    status, out, err = maintenance(machine)
    assert (status, out) == (4, "")
    assert "rofs is off in this boot: rofs.conf declares nothing" in err


def test_a_configuration_that_is_not_in_force_yet(machine: WindowSystem) -> None:
    boot(machine, more="umount rofs/ro; umount rofs")
    status, out, err = maintenance(machine)
    assert (status, out) == (4, "")
    assert "/rofs is not mounted; rofs.conf takes effect at the next boot" in err


def test_in_a_maintenance_boot_it_says_so(machine: WindowSystem) -> None:
    boot(machine, more="mkdir -p -m 0755 run/rofs; : >run/rofs/maintenance")
    status, out, err = maintenance(machine)
    assert (status, out) == (4, "")
    assert "this is a maintenance boot; the next one is protected again" in err


def test_what_is_in_the_way_is_an_error(machine: WindowSystem) -> None:
    boot(machine, prepare="mkdir rofs/maintenance;")
    status, _, err = maintenance(machine, "--cancel")
    assert status == 1
    assert "/rofs/maintenance: Is a directory" in err
    assert not machine.is_rw()


def fails_at_each_call(machine: WindowSystem, library: str, fault: str) -> tuple[int, int]:
    """Fail at one call after the other. Afterwards, / is read-only or known to be left writable,
    and the mark is there or not. Returns the number of runs, and how many left it writable."""
    boot(machine)
    empty = mark(machine)
    before = machine.superblock()
    preload = f"LD_PRELOAD=/run/{library}"
    done = machine.run(f"FAULT_COUNT=/run/count {fault} {preload} /run/rofs-bin maintenance")
    assert done.returncode == 0, done.stderr
    count = int(machine.run("cat /run/count").stdout)
    assert maintenance(machine, "--cancel")[0] == 0
    numbers = list(range(1, count + 1))
    if not os.environ.get("ROFS_EVERY_FAULT"):
        numbers = sorted(random.Random(1).sample(numbers, min(SAMPLE, count)))
    left = 0
    for n in numbers:
        machine.run(f"FAULT_AT={n} {fault} {preload} /run/rofs-bin maintenance")
        wait_until(lambda: not machine.is_open(), f"the guard has ended after call {n}")
        left += machine.is_rw()
        assert machine.run("echo left | /run/steps /rofs/ro").stdout == (
            "ok 1\n" if machine.is_rw() else "ok\n"), n
        assert mark(machine) in (empty, MARKED + empty.splitlines(True)[-1]), n
        assert machine.run("/run/rofs-finish --restore").returncode == 0, n
        assert machine.superblock() == before, n
        assert maintenance(machine, "--cancel")[0] == 0, n
        assert mark(machine) == empty
        assert machine.superblock() == before, n
    machine.stop()
    machine.check("ext4")
    return len(numbers), left


@pytest.mark.plain
@pytest.mark.parametrize("library, fault", [
    ("fault.so", "FAULT_READ=1 FAULT_ERRNO=5"),
    ("fault-memory.so", ""),
    ("fault-memory.so", "FAULT_ALL=1"),
])
def test_a_call_that_fails_leaves_it_read_only(machine: WindowSystem, library: str,
                                               fault: str) -> None:
    runs, left = fails_at_each_call(machine, library, fault)
    assert runs > 10
    assert left == 0


@pytest.mark.plain
def test_a_kill_at_any_call_leaves_it_read_only_or_says_so(machine: WindowSystem) -> None:
    """The guard counts on from where it was forked, and can be killed in the same run."""
    runs, left = fails_at_each_call(machine, "fault.so", "FAULT_READ=1 FAULT_SIGNAL=9")
    print(f"{runs} runs, {left} of them left it writable")
    assert runs > 10

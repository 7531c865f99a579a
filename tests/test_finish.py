"""rofs-finish at boot: what a power cut has left of a transaction."""

from __future__ import annotations

import os
import shlex
from pathlib import Path

import pytest
from support import RUN_SECONDS_MAX, built
from window_system import WindowSystem

pytestmark = pytest.mark.root

# As it is right after the mark: a transaction whose two paths are exchanged again.
INTERRUPTED = """
echo new > /run/rofs-test-new; echo old > etc/b; mkdir etc/x; echo old > etc/x/c
printf '%s\\n' 'begin commit' 'new 0 etc/file /run/rofs-test-new' 'gone 0 etc/b' \\
    'new 0 etc/x/c /run/rofs-test-new' switch done |
    {steps} . > run/answers
rm /run/rofs-test-new
mv etc/file kept; mv rofs/kept.1/slots/1 etc/file; mv kept rofs/kept.1/slots/1
mv rofs/kept.1/gone/2 etc/b
mv rofs/kept.1 rofs/commit
{more}
"""
# Where systemd is when it starts the unit: nothing of rofs is mounted.
EARLY = "umount rofs/ro; umount rofs\ncp {finish} run/rofs-finish\n"


def boot(machine: WindowSystem, kind: str = "ext4", more: str = "", state: str = "ro") -> None:
    steps, finish = (shlex.quote(str(built(name))) for name in ("tests/rofs-transaction-steps",
                                                                "src/finish/rofs-finish"))
    machine.boot(machine.attach(kind), prepare=INTERRUPTED.format(steps=steps, more=more),
                 more=EARLY.format(finish=finish), state=state)


def files(machine: WindowSystem) -> str:
    return machine.run("cat /etc/file; ls /etc/b 2>/dev/null; ls /rofs").stdout


@pytest.mark.parametrize("state", ["ro", "rw"])
@pytest.mark.parametrize("kind", ["ext4", "xfs", "btrfs"])
def test_it_is_completed(machine: WindowSystem, kind: str, state: str) -> None:
    boot(machine, kind, state=state)
    assert files(machine) == "old\n/etc/b\ncommit\nlog\n"
    done = machine.run("/run/rofs-finish; echo $?")
    assert done.stdout == "0\n"
    assert done.stderr == ("completed the transaction that was interrupted; the system reboots, "
                           "since it has read old files\n")
    assert files(machine) == "new\nkept.1\nlog\n"
    assert machine.is_rw("/") == (state == "rw")
    # Where it ran a second time in one boot, it would have the machine boot for ever.
    again = machine.run("/run/rofs-finish; echo $?")
    assert (again.stdout, again.stderr) == ("1\n",
                                            "rofs-finish: there is no transaction to complete\n")
    machine.stop()
    machine.check(kind)


@pytest.mark.parametrize("more, reason", [
    ("echo garbage > rofs/commit/record",
     "cannot complete the transaction in /rofs/commit: its record is damaged"),
    ("chown 1 rofs", "/rofs"),
    ("rm rofs/commit/record",
     "cannot complete the transaction in /rofs/commit: its record is damaged; see rofs-finish(8)"),
], ids=["garbage", "owner", "no record"])
def test_what_cannot_be_completed_stays(machine: WindowSystem, more: str, reason: str) -> None:
    boot(machine, more=more)
    before = files(machine)
    done = machine.run("/run/rofs-finish; echo $?")
    assert done.stdout == "1\n"
    assert reason in done.stderr
    assert files(machine) == before
    assert not machine.is_rw("/")


def test_what_can_never_be_completed_is_undone(machine: WindowSystem) -> None:
    """Its first path can be switched, and the second one cannot."""
    boot(machine, more="mv rofs/commit/slots/1 rofs/kept; echo x > rofs/commit/slots/1")
    done = machine.run("/run/rofs-finish; echo $?")
    assert done.stdout == "1\n"
    assert ("cannot complete the transaction in /rofs/commit: the files are not as the record "
            "says; all files are as "
            "before it\n") in done.stderr
    assert files(machine) == "old\n/etc/b\nkept\ntrash.1\n"


def test_what_was_changed_meanwhile_is_left(machine: WindowSystem) -> None:
    """In a recovery boot, in which nothing is completed."""
    boot(machine, more="mv etc/file srv; mkdir etc/file; mv etc/b rofs/commit/gone/2")
    done = machine.run("/run/rofs-finish; echo $?; ls -d /etc/file/ /etc/b; ls /rofs")
    assert done.stdout == "1\n/etc/b\n/etc/file/\ntrash.1\n"
    assert "all files are as before it" in done.stderr


@pytest.mark.parametrize("more, left", [
    ("mv etc/file srv; echo mine > etc/file; rm -r etc/x", "mine\n/etc/b\n"),
    ("mv etc/file srv; echo mine > etc/file; rm etc/b", "mine\n"),
    ("mv etc/file srv; echo mine > etc/file; rm -r etc/x; echo mine > etc/x", "mine\n/etc/b\n"),
], ids=["directory", "file", "type"])
def test_what_was_removed_meanwhile_does_not_keep_it(machine: WindowSystem, more: str,
                                                     left: str) -> None:
    """Else no transaction would be possible any more."""
    boot(machine, more=more)
    done = machine.run("/run/rofs-finish; echo $?; cat /etc/file; ls /etc/b; ls /rofs")
    assert done.stdout == f"1\n{left}trash.1\n"
    assert "all files are as before it" in done.stderr


def test_it_waits_for_the_lock(machine: WindowSystem) -> None:
    boot(machine)
    steps = machine.steps("/")
    assert steps.do("open") == "ok"
    finish = machine.start("/run/rofs-finish")
    machine.run("sleep 0.5")
    assert finish.poll() is None
    assert steps.do("close") == "ok"
    assert finish.wait(timeout=RUN_SECONDS_MAX) == 0
    assert files(machine) == "new\nkept.1\nlog\n"


def test_what_was_only_staged_is_no_reason_to_write(machine: WindowSystem) -> None:
    """A run that died before the mark; in each boot until the next transaction."""
    finish = shlex.quote(str(built("src/finish/rofs-finish")))
    root = machine.attach("ext4")
    home = machine.attach("ext4", "home")
    machine.boot(root, more=f"""
mount {home} rofs/ro/home; mkdir -m 0700 -p rofs/ro/home/.rofs/staging.7
mount -o remount,ro rofs/ro/home
cp {finish} run/rofs-finish
""")
    stats = [f"/sys/class/block/{os.path.basename(device)}/stat" for device in (root, home)]

    def written() -> list[str]:
        return [Path(stat).read_text().split()[6] for stat in stats]

    os.sync()
    before = written()
    assert machine.run("/run/rofs-finish /rofs/ro/home; echo $?").stdout == "0\n"
    assert written() == before
    assert machine.run("ls /rofs/ro/home/.rofs").stdout == "staging.7\n"


def test_pending_is_found_below_the_pool(machine: WindowSystem) -> None:
    """It is mounted for a moment before /rofs/ro is."""
    finish = shlex.quote(str(built("src/finish/rofs-finish")))
    home = machine.attach("ext4", "home")
    machine.boot(machine.attach("ext4"), prepare="mkdir rofs/pending.7", more=f"""
mount {home} home; mkdir -m 0700 -p home/.rofs/staging.7; mount -o remount,ro home
cp {finish} run/rofs-finish; umount rofs/ro
""")
    done = machine.run("/run/rofs-finish /home; echo $?")
    assert done.stdout == "1\n"
    assert "cannot complete the transaction in /rofs/pending.7" in done.stderr


def test_wrong_arguments(machine: WindowSystem) -> None:
    boot(machine)
    assert machine.run("/run/rofs-finish home; echo $?").stdout == "2\n"
    assert machine.run("/run/rofs-finish / /home; echo $?").stdout == "2\n"
    # No file system of its own.
    assert machine.run("/run/rofs-finish /nowhere; echo $?").stdout == "1\n"
    assert files(machine) == "old\n/etc/b\ncommit\nlog\n"

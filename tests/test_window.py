"""The write window: who can write while it is open, and that the flash is read-only afterwards,
whatever happens to the process that opened it."""

from __future__ import annotations

import os
import random
import re
import signal
import subprocess
import time
from pathlib import Path

import pytest
from window_system import (
    KINDS,
    WindowSystem,
    children_of,
    kill_all,
    printable,
    steps_once,
    wait_until,
)

pytestmark = pytest.mark.root

KILLS = 60
# Those of f2fs are what a remount forgets, or refuses to change.
OPTIONS = {
    "ext4": ["noinit_itable", "init_itable=20", "nodiscard,commit=7"],
    "xfs": ["defaults", "inode32,discard,logbufs=4"],
    "btrfs": ["defaults", "notreelog", "noacl,compress=zstd:3,nodatacow,commit=7"],
    "f2fs": ["defaults", "noextent_cache", "discard_unit=section",
             "noacl,nodiscard,active_logs=2,fsync_mode=strict,background_gc=off,reserve_root=8,"
             "resuid=5,nobarrier,nocheckpoint_merge,noinline_data,memory=low"],
}
SUPERSEDED = {"init_itable=20"}  # in the window


WRITER = r"""
: >/run/tried
echo begin
while [ ! -e /run/stop ]; do
    for dir in / /etc /srv /rofs/ro /rofs/ro/etc; do
        if touch $dir/leak 2>/dev/null; then echo "leak in $dir"; fi
        if echo leak 2>/dev/null >>/etc/file; then echo "leak in a file"; fi
        echo tried >>/run/tried
    done
done
"""


@pytest.mark.parametrize("kind", KINDS)
def test_nobody_else_can_write_while_it_is_open(machine: WindowSystem, kind: str) -> None:
    machine.boot(machine.attach(kind))
    before = machine.superblock()
    writer = machine.start("/bin/sh", "-c", WRITER)
    assert writer.stdout and writer.stdout.readline() == "begin\n"
    steps = machine.steps()
    for _ in range(5):
        assert steps.do("open") == "ok"
        assert machine.is_rw()
        tries = int(machine.run("wc -l </run/tried").stdout)
        assert steps.do("write etc/new") == "ok"
        wait_until(lambda: int(machine.run("wc -l </run/tried").stdout) > tries + 10, "tries")
        assert machine.mountinfo("/")[5].startswith("ro,")
        assert machine.mountinfo("/rofs/ro")[5].startswith("ro,")
        assert steps.do("close") == "ok"
        assert machine.superblock() == before
    machine.run("touch /run/stop")
    assert writer.stdout.read() == ""
    assert machine.run("cat /etc/new /etc/file; ls /leak /etc/leak").stdout == "text\nold\n"
    machine.stop()
    machine.check(kind)


def test_a_service_that_started_before_the_root_was_read_only(machine: WindowSystem) -> None:
    """With rw on the kernel command line, its namespace has a copy of / without the flag ro."""
    machine.boot(machine.attach("ext4"), state="rw")
    service = machine.start("unshare", "--mount", "--propagation", "slave", "/bin/sh")
    assert service.stdin and service.stdout
    service.stdin.write("mount -o remount,bind,nosuid,noatime /; echo begin\n")
    service.stdin.flush()
    assert service.stdout.readline() == "begin\n"
    assert machine.run("mount -o remount,ro /").returncode == 0
    steps = machine.steps()
    assert steps.do("open") == "ok"
    service.stdin.write("touch /leak; grep -c ' / / ro,nosuid,noatime - ' /proc/self/mountinfo\n")
    service.stdin.flush()
    assert service.stdout.readline() == "1\n"
    assert steps.do("write etc/new") == "ok"
    assert steps.do("close") == "ok"
    assert machine.run("ls /leak").returncode != 0


def test_the_mount_that_can_be_written_is_seen_by_nobody_else(ext4: WindowSystem) -> None:
    steps = ext4.steps()
    assert steps.do("open") == "ok"
    assert steps.do("sh touch /run/rofs/window/0/srv/new") == "ok"
    assert ext4.run("ls /run/rofs/window/0; ls /srv").stdout == "new\n"
    assert ext4.run("touch /run/rofs/window/0/srv/new; ls /rofs/ro/srv").stdout == "new\n"


def test_what_the_system_unmounts_is_unmounted_in_the_window(machine: WindowSystem) -> None:
    machine.boot(machine.attach("ext4"), more="""
        mount --make-rshared .
        mount -t tmpfs -o mode=0755 data srv
        """)
    steps = machine.steps()
    assert steps.do("open") == "ok"
    assert steps.do("sh mountpoint -q /srv") == "ok"
    assert machine.run("umount /srv").returncode == 0
    assert steps.do("sh mountpoint -q /srv") != "ok"
    assert steps.do("sh mount -t tmpfs own /home") == "ok"
    assert machine.run("mountpoint -q /home").returncode != 0


def test_before_rofs_ro_is_mounted_it_is_opened_by_the_root(machine: WindowSystem) -> None:
    machine.boot(machine.attach("ext4"), more="umount rofs/ro; umount rofs")
    steps = machine.steps("/")
    assert [steps.do(step) for step in ("open", "write etc/new")] == ["ok", "ok"]
    assert machine.run("touch /etc/other").returncode != 0
    assert steps.do("close") == "ok"
    assert not machine.is_rw("/")
    assert machine.run("cat /etc/new").stdout == "text\n"


def test_afterwards_the_process_is_where_it_was(ext4: WindowSystem) -> None:
    steps = ext4.steps()
    look = "sh readlink /proc/$PPID/ns/mnt /proc/$PPID/cwd >>/run/seen"
    for step in (look, "open", "close", look, "open", "close", look):
        assert steps.do(step) == "ok"
    seen = ext4.run("sort /run/seen | uniq -c").stdout.split()
    assert seen[0::2] == ["3", "3"]
    assert seen[1] == "/"
    assert not ext4.run("ls /run/rofs/window/0").stdout


@pytest.mark.parametrize("kind", KINDS)
def test_several_file_systems(machine: WindowSystem, kind: str) -> None:
    home = machine.attach(kind, "home")
    machine.boot(machine.attach("ext4"), more=f"""
        mkdir rofs/ro-home
        mount {home} home
        mount -o remount,ro home
        """)
    steps = machine.steps("/rofs/ro", "/home")
    assert steps.do("open") == "ok"
    assert machine.is_rw("/rofs/ro") and machine.is_rw("/home")
    assert steps.do("sh touch /run/rofs/window/1/new") == "ok"
    assert machine.run("touch /home/other").returncode != 0
    assert steps.do("close") == "ok"
    assert not machine.is_rw("/rofs/ro") and not machine.is_rw("/home")
    assert machine.run("ls /home").stdout.split()[-1] == "new"


def test_a_root_that_is_writable_stays_so(machine: WindowSystem) -> None:
    machine.boot(machine.attach("ext4"), state="rw")
    steps = machine.steps()
    assert [steps.do(step) for step in ("open", "write etc/new", "close")] == ["ok"] * 3
    assert machine.run("touch /etc/other").returncode == 0
    assert steps.do("open") == "ok"
    steps.kill()
    wait_until(lambda: not machine.is_open(), "the guard has ended")
    assert machine.is_rw()
    assert steps_once(machine, "left") == "ok"


def test_another_subvolume_stays_writable(machine: WindowSystem) -> None:
    device = machine.attach("btrfs")
    machine.boot(device, prepare="btrfs -q subvolume create data", more=f"""
        mount -o subvol=data {device} srv
        mount -o remount,bind,ro .
        """, state="rw")
    assert machine.run("touch /x").returncode != 0
    assert machine.run("touch /srv/before").returncode == 0
    steps = machine.steps()
    assert [steps.do(step) for step in ("open", "write etc/new", "close")] == ["ok"] * 3
    assert machine.run("touch /srv/after").returncode == 0
    assert machine.run("touch /x").returncode != 0


def test_ext4_does_not_begin_to_initialize_its_tables(ext4: WindowSystem) -> None:
    steps = ext4.steps()
    assert steps.do("open") == "ok"
    assert "noinit_itable" in ext4.superblock().split(",")
    assert steps.do("close") == "ok"
    assert "noinit_itable" not in ext4.superblock().split(",")


def test_btrfs_writes_no_log_tree(machine: WindowSystem) -> None:
    """Somebody else's fsync is a commit of the file system, which a mount need not replay."""
    device = machine.attach("btrfs")
    machine.boot(device)
    steps = machine.steps()
    assert steps.do("open") == "ok"
    assert steps.do("sh echo new >/run/rofs/window/0/srv/new; sync /run/rofs/window/0/srv/new "
                    "/run/rofs/window/0/srv") == "ok"
    done = subprocess.run(["btrfs", "inspect-internal", "dump-super", device], check=True,
                          text=True, stdout=subprocess.PIPE)
    assert re.findall(r"^log_root\t+(.*)$", done.stdout, re.M) == ["0"]
    assert steps.do("close") == "ok"
    assert "notreelog" not in machine.superblock().split(",")


@pytest.mark.parametrize(("kind", "options"), [
    (kind, options) for kind in KINDS for options in OPTIONS[kind]])
def test_options_of_the_file_system_stay(machine: WindowSystem, kind: str, options: str) -> None:
    """While it is open, and afterwards."""
    machine.boot(machine.attach(kind), options=options)
    before = machine.superblock().split(",")
    steps = machine.steps()
    for _ in range(2):
        assert steps.do("open") == "ok"
        assert set(before[1:]) - SUPERSEDED <= set(machine.superblock().split(","))
        assert steps.do("close") == "ok"
        assert machine.superblock().split(",") == before


@pytest.mark.parametrize("step, how", [("keep", "still uses"), ("writer", "can write to")])
def test_what_is_in_use_is_named_and_the_guard_goes_on(ext4: WindowSystem, step: str,
                                                       how: str) -> None:
    steps = ext4.steps()
    assert steps.do("open") == "ok"
    assert steps.do(f"{step} etc/used") == "ok"
    answer = printable(steps.do("close"))
    assert answer.startswith("-16: still writable, until what uses it ends: steps (PID N) "
                             f"{how} /etc/used")
    assert ext4.is_rw() and ext4.is_open()
    steps.kill()
    ext4.wait_ro()
    wait_until(lambda: not ext4.is_open(), "the guard has ended")
    ext4.stop()
    ext4.check("ext4")


def test_who_reads_the_output_does_not_wait_for_the_guard(ext4: WindowSystem) -> None:
    done = ext4.run("printf 'open\\nsh exec 9>/run/rofs/window/0/used; sleep 1000 >/dev/null 2>&1 &"
                    "\\nclose\\n' | /run/steps /rofs/ro")
    assert "sleep" in done.stdout.splitlines()[-1]
    assert ext4.is_rw() and ext4.is_open()
    steps = ext4.steps()
    assert printable(steps.do("open")) == (
        "-1: a file system is still writable after steps (PID N), because it is in use; "
        "wait until it is not")


def can_lower_score() -> bool:
    """It takes CAP_SYS_RESOURCE, which containers lack."""
    text = Path("/proc/self/status").read_text()
    return bool(int(re.search(r"^CapEff:\s*(\w+)$", text, re.M)[1], 16) & 1 << 24)


def test_the_guard_has_only_what_it_needs(ext4: WindowSystem) -> None:
    steps = ext4.steps()
    assert steps.do("open") == "ok"
    guard = steps.children()[0]
    links = [os.readlink(path) for path in Path(f"/proc/{guard}/fd").iterdir()]
    # Of the system: its root, the lock, a socket, /rofs/ro, and /dev/null three times.
    assert len(links) == 7
    assert not [link for link in links if link.startswith("pipe:")]
    assert os.stat(f"/proc/{guard}/fd/1").st_rdev == os.stat("/dev/null").st_rdev
    assert os.readlink(f"/proc/{guard}/cwd") == str(ext4.directory / "sys")
    assert os.getsid(guard) == guard
    if can_lower_score():
        assert Path(f"/proc/{guard}/oom_score_adj").read_text() == "-1000\n"
    assert Path(f"/proc/{guard}/comm").read_text() == "rofs-guard\n"


def test_the_guard_ignores_signals(ext4: WindowSystem) -> None:
    steps = ext4.steps()
    assert steps.do("open") == "ok"
    guard = steps.children()[0]
    for number in set(signal.valid_signals()) - {signal.SIGKILL, signal.SIGSTOP}:
        os.kill(guard, number)
    os.kill(steps.pid, signal.SIGKILL)
    ext4.wait_ro()


def test_the_second_window_is_refused(ext4: WindowSystem) -> None:
    first, second = ext4.steps(), ext4.steps()
    assert first.do("open") == "ok"
    assert printable(second.do("open")) == (
        "-1: another transaction is running (steps, PID N); wait until it has ended")
    assert second.do("is-open") == "ok 1"
    assert first.do("close") == "ok"
    assert second.do("is-open") == "ok"
    assert second.do("open") == "ok"


def test_ordinary_users_see_whether_it_is_open(ext4: WindowSystem) -> None:
    ask = ("setpriv --reuid 1234 --clear-groups /bin/sh -c "
           "'printf \"is-open\\nleft\\n\" | /run/steps /rofs/ro; flock -n /run/rofs/*.lock true'")
    steps = ext4.steps()
    assert ext4.run(ask).stdout == "ok\nok\n"
    assert steps.do("open") == "ok"
    done = ext4.run(ask)
    assert done.stdout == "ok 1\nok\n"
    assert done.returncode != 0
    assert steps.do("close") == "ok"
    assert ext4.run(ask).stdout == "ok\nok\n"


def kill_at(machine: WindowSystem, seconds: float) -> float:
    """Kill a run after so many seconds. Returns how long the root was writable afterwards."""
    process = machine.start("/run/steps", "/rofs/ro")
    assert process.stdin
    script = "open\n" + "write etc/new\nwrite srv/new\n" * 20 + "close\n"
    process.stdin.write(script)
    process.stdin.flush()
    time.sleep(seconds)
    for pid in children_of(process.pid):
        os.kill(pid, signal.SIGKILL)
    process.communicate()
    machine.processes.remove(process)
    took = machine.wait_ro()
    wait_until(lambda: not machine.is_open(), "the guard has ended")
    return took


@pytest.mark.parametrize("kind", KINDS)
def test_a_process_that_is_killed_leaves_it_read_only(machine: WindowSystem, kind: str) -> None:
    seed = random.randrange(1 << 32)
    print(f"seed {seed}")
    moments = random.Random(seed)
    machine.boot(machine.attach(kind))
    before = machine.superblock()
    was_open = 0
    for _ in range(KILLS if kind == "ext4" else KILLS // 4):
        took = kill_at(machine, moments.uniform(0, 0.08))
        was_open += took > 0.002
        assert machine.superblock() == before
        assert steps_once(machine, "left") == "ok"
    print(f"writable at {was_open} of the kills")
    machine.stop()
    machine.check(kind)


def test_without_its_guard_it_is_closed_all_the_same(ext4: WindowSystem) -> None:
    steps = ext4.steps()
    assert steps.do("open") == "ok"
    os.kill(steps.children()[0], signal.SIGKILL)
    assert steps.do("write etc/new") == "ok"
    assert steps.do("close") == "ok"
    assert not ext4.is_rw()
    assert not ext4.is_open()


def test_what_was_left_writable_is_found_and_restored(ext4: WindowSystem) -> None:
    before = ext4.superblock()
    steps = ext4.steps()
    assert steps.do("open") == "ok"
    assert steps.do("left") == "ok"
    kill_all(steps)
    assert ext4.is_rw()
    later = ext4.steps()
    assert later.do("is-open") == "ok"
    assert later.do("left") == "ok 1"
    assert later.do("restore") == "ok 1"
    assert ext4.superblock() == before
    assert [later.do("left"), later.do("restore")] == ["ok", "ok"]


def test_the_service_restores_what_was_left(ext4: WindowSystem) -> None:
    """With the privileges of rofs-restore.service, in a mount namespace of its own as there."""
    run = ("setpriv --bounding-set -all,+dac_read_search,+sys_admin --no-new-privs "
           "/run/rofs-finish --restore")
    before = ext4.superblock()
    steps = ext4.steps()
    assert steps.do("open") == "ok"
    assert ext4.run(f"unshare --mount {run}").returncode == 0
    assert ext4.is_rw()  # it is in use
    kill_all(steps)
    done = ext4.run(f"unshare --mount {run}")
    assert (done.returncode, done.stderr) == (
        0, "rofs-finish: made read-only what a command that was killed had left writable\n")
    assert ext4.superblock() == before
    done = ext4.run(f"unshare --mount {run}")
    assert (done.returncode, done.stderr) == (0, "")


def test_the_next_window_restores_what_was_left(ext4: WindowSystem) -> None:
    before = ext4.superblock()
    steps = ext4.steps()
    assert steps.do("open") == "ok"
    kill_all(steps)
    later = ext4.steps()
    assert [later.do("open"), later.do("close")] == ["ok", "ok"]
    assert ext4.superblock() == before


def test_an_option_that_is_not_accepted_keeps_nothing_writable(machine: WindowSystem) -> None:
    machine.boot(machine.attach("btrfs"), options="noacl")
    steps = machine.steps()
    assert steps.do("open") == "ok"
    kill_all(steps)
    assert machine.run("sed -i s/noacl/noacl=x/ /run/rofs/transaction").returncode == 0
    assert steps_once(machine, "restore") == "ok 1"
    assert not machine.is_rw()


def test_what_was_left_and_is_in_use_is_no_state_to_restore(ext4: WindowSystem) -> None:
    steps = ext4.steps()
    assert steps.do("open") == "ok"
    assert steps.do("sh exec 9>/run/rofs/window/0/used; sleep 1000 >/dev/null 2>&1 & "
                    "echo $! >/run/user") == "ok"
    kill_all(steps)
    later = ext4.steps()
    answer = printable(later.do("open"))
    assert answer.startswith("-1: a transaction that was killed has left a file system writable: "
                             "sleep (PID N) can write to /")
    assert later.do("left") == "ok 1"
    assert ext4.run("kill $(cat /run/user)").returncode == 0
    wait_until(lambda: later.do("open") == "ok", "nothing uses it")
    assert later.do("close") == "ok"
    assert not ext4.is_rw()


def test_the_directory_is_closed_to_others(machine: WindowSystem) -> None:
    """It will hold older copies of files whose permissions have been tightened since."""
    machine.boot(machine.attach("ext4"), prepare="chmod 0755 rofs")
    steps = machine.steps()
    assert [steps.do("open"), steps.do("close")] == ["ok", "ok"]
    assert machine.run("stat -c %a /rofs/ro/rofs").stdout == "700\n"


def test_signals_wait_while_they_are_blocked(ext4: WindowSystem) -> None:
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT):
        steps = ext4.steps()
        assert steps.do("block") == "ok"
        assert steps.do("pending") == "ok"
        os.kill(steps.pid, number)
        assert steps.do("pending") == "ok 1"
        assert steps.do("raise") == ""
        assert steps.process.wait() in (-number, 128 + number)


def test_a_signal_that_was_ignored_before_interrupts_nothing(ext4: WindowSystem) -> None:
    done = ext4.run("trap '' HUP; printf 'block\\nsh kill -HUP $PPID\\npending\\nraise\\n"
                    "is-open\\n' | /run/steps /rofs/ro")
    assert done.stdout == "ok\n" * 5


def blocked(pid: int) -> int:
    status = Path(f"/proc/{pid}/status").read_text()
    return int(re.search(r"^SigBlk:\s*(\w+)$", status, re.M)[1], 16)


def test_a_child_gets_the_signals_again(ext4: WindowSystem) -> None:
    steps = ext4.steps()
    assert steps.do("block") == "ok"
    assert blocked(steps.pid) != 0
    assert steps.do("unblock") == "ok"
    assert blocked(steps.pid) == 0

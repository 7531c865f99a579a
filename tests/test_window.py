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
from commit.system import can_mount
from support import need_programs
from window_system import MAKE, WindowSystem, children_of, printable, wait_until

pytestmark = pytest.mark.root

KILLS = 60
KINDS = tuple(kind for kind in MAKE if kind != "f2fs" or can_mount(kind))
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


@pytest.fixture
def ext4(machine: WindowSystem) -> WindowSystem:
    machine.boot(machine.attach("ext4"))
    return machine


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


def steps_once(machine: WindowSystem, step: str) -> str:
    steps = machine.steps()
    answer = steps.do(step)
    steps.kill()
    return answer


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


def has_ended(pid: int) -> bool:
    """Or is a zombie, which has no files."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] in "ZX"
    except (FileNotFoundError, ProcessLookupError):
        return True


def kill_all(steps) -> None:
    """As systemd does with a service that does not end."""
    pids = (*steps.children(), steps.pid)
    for pid in pids:
        os.kill(pid, signal.SIGKILL)
    steps.process.communicate()
    # Until then it may still have the lock.
    for pid in pids:
        wait_until(lambda pid=pid: has_ended(pid), f"end of {pid}")


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


def refused(machine: WindowSystem, *where: str) -> str:
    """Why a window is refused; both calls say the same, and nothing is changed."""
    steps = machine.steps(*where)
    before = machine.superblock()
    answer = steps.do("check")
    assert steps.do("open") == answer
    assert machine.superblock() == before
    assert not machine.is_open()
    return answer


def test_only_root_can_open_it(ext4: WindowSystem) -> None:
    done = ext4.run("printf 'check\\nopen\\n' | setpriv --reuid 1234 --clear-groups "
                    "/run/steps /rofs/ro")
    assert done.stdout == "-1: only root can do this; use sudo\n" * 2


def test_a_process_that_may_not_mount_is_refused(ext4: WindowSystem) -> None:
    done = ext4.run("printf 'open\\nis-open\\n' | setpriv --bounding-set -sys_admin "
                    "/run/steps /rofs/ro")
    assert done.stdout == ("-1: this process must not mount anything; run it outside of the "
                           "container or the service\nok\n")
    assert not ext4.is_open()


def test_with_the_privileges_of_a_service(ext4: WindowSystem) -> None:
    """Those that unit/unit-sandbox.c gives what opens a window, without CAP_SYS_CHROOT."""
    kept = ("chown dac_override dac_read_search fowner fsetid lease linux_immutable mknod setfcap "
            "sys_admin sys_resource").split()
    before = ext4.superblock()
    done = ext4.run("printf 'open\\nwrite etc/new\\nclose\\n' | setpriv --bounding-set -all,"
                    + ",".join(f"+{name}" for name in kept)
                    + " --no-new-privs /run/steps /rofs/ro")
    assert done.stdout == "ok\n" * 3, done.stderr
    assert ext4.superblock() == before
    assert ext4.run("cat /etc/new").stdout == "text\n"


@pytest.mark.parametrize("where", ["/etc", "/none", "/etc/file", "/bin"])
def test_a_path_where_nothing_is_mounted_is_refused(ext4: WindowSystem, where: str) -> None:
    assert refused(ext4, "/rofs/ro", where) == (
        f"-1: nothing is mounted on {where}; see rofs status")


def test_another_directory_on_rofs_ro_is_refused(machine: WindowSystem) -> None:
    machine.boot(machine.attach("ext4"), more="mount --bind etc rofs/ro")
    assert refused(machine) == "-1: /rofs/ro shows another directory than /; see rofs status"


@pytest.mark.parametrize("kind", KINDS)
def test_a_write_protected_device_is_refused(machine: WindowSystem, kind: str) -> None:
    device = machine.attach(kind)
    machine.boot(device)
    subprocess.run(["blockdev", "--setro", device], check=True)
    assert refused(machine) == (f"-1: the device of /rofs/ro is write-protected ({device}); "
                                "remove the protection")
    subprocess.run(["blockdev", "--setrw", device], check=True)
    assert steps_once(machine, "check") == "ok"


# What /sys has of a device of dm-verity, in place of another's: there may be no device mapper.
VERITY = """
shown=sys/devices/virtual/block/{name}
mkdir -p run/shown/dm
cp $shown/dev $shown/uevent run/shown
echo 1 >run/shown/ro
echo CRYPT-VERITY-0123456789abcdef-root >run/shown/dm/uuid
mount --bind run/shown $shown
"""


def boot_with_verity(machine: WindowSystem, prepare: str = "") -> str:
    device = machine.attach("ext4")
    machine.boot(device, prepare=prepare, more=VERITY.format(name=Path(device).name))
    return device


def test_dm_verity_is_refused(machine: WindowSystem) -> None:
    """Its protection cannot be removed: without it, the root would not be the one that was made."""
    device = boot_with_verity(machine)
    assert refused(machine) == (f"-1: /rofs/ro is on dm-verity ({device}), which cannot be "
                                "written; make a new image")


def check_of_commits(machine: WindowSystem) -> str:
    said = machine.run("/run/rofs-bin check").stdout
    return "\n".join(line for line in said.splitlines() if "nothing can be committed" in line)


COMMIT_CONF = """
mkdir -p var
printf '[Overlay /var]\\nCommitAt=daily\\n' >etc/rofs.conf
"""


def test_check_knows_that_nothing_can_be_committed(machine: WindowSystem) -> None:
    boot_with_verity(machine, prepare=COMMIT_CONF)
    assert check_of_commits(machine) == (
        "/etc/rofs.conf:2: warning: [Overlay /var]: nothing can be committed to its lower, which "
        "is on dm-verity; use Partition= instead of CommitAt=")


def test_check_knows_of_write_protection(machine: WindowSystem) -> None:
    device = machine.attach("ext4")
    machine.boot(device, prepare=COMMIT_CONF)
    assert check_of_commits(machine) == ""
    subprocess.run(["blockdev", "--setro", device], check=True)
    assert check_of_commits(machine) == (
        "/etc/rofs.conf:2: warning: [Overlay /var]: nothing can be committed to its lower, whose "
        f"device is write-protected ({device}); use Partition= instead of CommitAt=")


def test_a_partition_of_a_write_protected_disk_is_refused(machine: WindowSystem) -> None:
    need_programs("sfdisk")
    device = machine.attach("ext4", "disk")
    subprocess.run(["sfdisk", "-q", device], input="start=1MiB, type=L\n", text=True, check=True,
                   stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    subprocess.run(["partx", "-a", device], check=False, capture_output=True)
    part = f"{device}p1"
    wait_until(Path(part).exists, part)
    subprocess.run(["mkfs.ext4", "-q", "-F", part], check=True)
    machine.boot(part)
    assert steps_once(machine, "check") == "ok"
    subprocess.run(["blockdev", "--setro", device], check=True)
    assert "is write-protected" in refused(machine)
    subprocess.run(["blockdev", "--setrw", device], check=True)
    machine.stop()
    subprocess.run(["partx", "-d", device], check=True)


def make_device_read_only(machine: WindowSystem, *devices: str) -> None:
    """As rofs-device does."""
    text = ""
    for device in devices:
        number = Path(f"/sys/class/block/{Path(device).name}/dev").read_text().strip()
        text += f"set {number} {device}\n"
        subprocess.run(["blockdev", "--setro", device], check=True)
    machine.run(f"mkdir -p /run/rofs && printf %s '{text}' >/run/rofs/root-devices")


def flags(*devices: str) -> list[bool]:
    return [Path(f"/sys/class/block/{Path(device).name}/ro").read_text() == "1\n"
            for device in devices]


@pytest.mark.parametrize("kind", KINDS)
def test_a_device_that_rofs_made_read_only_is_so_again(machine: WindowSystem, kind: str) -> None:
    device = machine.attach(kind)
    machine.boot(device)
    make_device_read_only(machine, device)
    # What Device=read-only is for. The remount of btrfs does not look at the device.
    assert kind == "btrfs" or machine.run("mount -o remount,rw /").returncode != 0
    assert machine.run(f"dd if=/dev/zero of={device} bs=4096 count=1 seek=9").returncode != 0
    before = machine.superblock()
    steps = machine.steps()
    for _ in range(2):
        assert [steps.do("check"), steps.do("open")] == ["ok", "ok"]
        assert flags(device) == [False]
        assert steps.do("write etc/new") == "ok"
        assert steps.do("close") == "ok"
        assert flags(device) == [True]
        assert machine.superblock() == before
    subprocess.run(["blockdev", "--setrw", device], check=True)
    machine.stop()
    machine.check(kind)


def test_a_disk_that_rofs_made_read_only_is_so_again(machine: WindowSystem) -> None:
    need_programs("sfdisk")
    device = machine.attach("ext4", "disk")
    subprocess.run(["sfdisk", "-q", device], input="start=1MiB, type=L\n", text=True, check=True,
                   stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    subprocess.run(["partx", "-a", device], check=False, capture_output=True)
    part = f"{device}p1"
    wait_until(Path(part).exists, part)
    subprocess.run(["mkfs.ext4", "-q", "-F", part], check=True)
    machine.boot(part)
    make_device_read_only(machine, part, device)
    steps = machine.steps()
    assert [steps.do("open"), steps.do("write etc/new")] == ["ok", "ok"]
    assert flags(part, device) == [False, False]
    assert steps.do("close") == "ok"
    assert flags(part, device) == [True, True]
    steps.kill()
    machine.run("cp /run/rofs/root-devices /run/both")
    # Another partition of this disk.
    machine.run("sed 1d /run/both >/run/rofs/root-devices")
    assert steps_once(machine, "check") == "ok"
    # One whose disk is not ours.
    machine.run("sed 2d /run/both >/run/rofs/root-devices")
    assert "is write-protected" in refused(machine)
    subprocess.run(["blockdev", "--setrw", device, part], check=True)
    machine.stop()
    subprocess.run(["partx", "-d", device], check=True)


def test_who_is_killed_leaves_the_device_read_only(ext4: WindowSystem) -> None:
    device = ext4.devices[0]
    make_device_read_only(ext4, device)
    for everything in (False, True):
        steps = ext4.steps()
        assert steps.do("open") == "ok"
        if everything:
            kill_all(steps)
            assert flags(device) == [False]
            assert steps_once(ext4, "left") == "ok 1"
            assert steps_once(ext4, "restore") == "ok 1"
        else:
            steps.kill()
            ext4.wait_ro()
        wait_until(lambda: flags(device) == [True], "the device is read-only")
        wait_until(lambda: not ext4.is_open(), "the guard has ended")
        assert steps_once(ext4, "left") == "ok"


def test_who_is_killed_between_the_two(ext4: WindowSystem) -> None:
    """The file system is read-only, but not its device yet."""
    device = ext4.devices[0]
    make_device_read_only(ext4, device)
    steps = ext4.steps()
    assert steps.do("open") == "ok"
    kill_all(steps)
    assert ext4.run("mount -o remount,ro /").returncode == 0
    assert not ext4.is_rw() and flags(device) == [False]
    assert steps_once(ext4, "left") == "ok 1"
    assert steps_once(ext4, "restore") == "ok"
    assert flags(device) == [True]
    assert steps_once(ext4, "left") == "ok"


def test_a_device_that_is_gone_is_not_waited_for(ext4: WindowSystem) -> None:
    ext4.run("mkdir -p /run/rofs && echo 'set 7:250 /dev/loop250' >/run/rofs/root-devices")
    steps = ext4.steps()
    assert [steps.do("open"), steps.do("close")] == ["ok", "ok"]


def test_a_read_only_subvolume_is_refused(machine: WindowSystem) -> None:
    need_programs("btrfs")
    machine.boot(machine.attach("btrfs"))
    machine.run("mount -o remount,rw / && btrfs property set / ro true && mount -o remount,ro /")
    assert refused(machine) == ("-1: the subvolume on /rofs/ro is read-only; "
                                "btrfs property set makes it writable")


def test_a_file_system_that_cannot_be_written_is_refused(machine: WindowSystem) -> None:
    need_programs("mksquashfs")
    image = machine.directory / "image"
    (machine.directory / "empty").mkdir()
    subprocess.run(["mksquashfs", str(machine.directory / "empty"), str(image), "-quiet"],
                   check=True, stdout=subprocess.PIPE)
    if "squashfs" not in Path("/proc/filesystems").read_text():
        pytest.skip("this kernel has no squashfs")
    machine.boot(machine.attach("ext4"), more=f"mount -o loop,ro {image} srv")
    assert refused(machine, "/rofs/ro", "/srv") == (
        "-1: /srv is squashfs, which cannot be written; make a new image")


@pytest.mark.parametrize("prepare", [
    "rmdir .rofs; mkdir -m 0700 other; ln -s other .rofs",
    "chmod 0770 .rofs",
    "chown 1234 .rofs",
])
def test_a_directory_that_others_may_use_is_refused(machine: WindowSystem, prepare: str) -> None:
    """Below /rofs is what a later run, as root, takes for its own."""
    machine.boot(machine.attach("ext4"))
    home = machine.attach("ext4", "home")
    machine.run(f"mount {home} /home && cd /home && mkdir -m 0700 .rofs && {{ {prepare}; }};"
                "mount -o remount,ro /home")
    assert refused(machine, "/rofs/ro", "/home") == (
        "-1: /home/.rofs is not a directory that is owned by root and writable only by it; "
        "remove it in a maintenance boot")


def test_the_directory_is_closed_to_others(machine: WindowSystem) -> None:
    """It will hold older copies of files whose permissions have been tightened since."""
    machine.boot(machine.attach("ext4"), prepare="chmod 0755 rofs")
    steps = machine.steps()
    assert [steps.do("open"), steps.do("close")] == ["ok", "ok"]
    assert machine.run("stat -c %a /rofs/ro/rofs").stdout == "700\n"


def test_a_mount_that_would_become_writable_is_refused(machine: WindowSystem) -> None:
    machine.boot(machine.attach("ext4"), more="""
        mount --bind srv home
        mount -o remount,bind,rw home
        """)
    top = machine.directory / "sys"
    assert machine.mountinfo("/home")[5].startswith("rw")
    assert refused(machine) == ("-1: the mount on /home would become writable with /rofs/ro; "
                                "remount it read-only first"), top


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

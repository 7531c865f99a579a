"""Whatever fails while units are written, half a tree of mounts is never enabled."""

from __future__ import annotations

import errno
import os
import re
import random
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Optional

import pytest
from support import (
    RUN_SECONDS_MAX,
    Namespace,
    environment,
    is_sanitized,
    make_tree,
    run_generator,
    snapshot,
)

TARGETS = ("local-fs.target.wants", "local-fs.target.requires")
# Also those that are masked, of growfs services and swap.
LINKS = re.compile(r"[^/]+\.(wants|requires)(/|$)")
CONF = """\
[Overlay /var]
[Overlay /etc]
[Overlay /home]
Size=64M
[Partition data]
Device=LABEL=data
[Persist /var/local/data]
Partition=data
Directory=/data
[Persist /var/a]
Partition=data
Directory=/a
IfMissing=emergency
"""

FSTAB = "/dev/sda2 none swap sw 0 0\nLABEL=home /home ext4 defaults 0 2\n"
# Of the image: a lower, what changes a line of fstab, that of /tmp, and what a partition waits for.
MOUNT = "[Mount]\nWhat=/dev/sdb1\nWhere=/srv\n"
UNITS = {
    "etc/systemd/system/srv.mount": MOUNT,
    "etc/systemd/system/local-fs.target.wants/srv.mount": MOUNT,
    "etc/systemd/system/home.mount.d/a.conf": "[Mount]\nOptions=noexec\n",
    "usr/lib/systemd/system/tmp.mount": "[Mount]\nWhat=tmpfs\nWhere=/tmp\nType=tmpfs\n",
    "usr/lib/systemd/system/local-fs.target.wants/tmp.mount": "[Mount]\n",
    "usr/lib/systemd/system/unlock.service":
        "[Unit]\nDefaultDependencies=no\nBefore=local-fs-pre.target\n",
}


@pytest.fixture
def system(tmp_path: Path) -> Path:
    """A system with every kind of unit."""
    return make_tree(tmp_path / "root", {"etc/rofs.conf": CONF, "etc/fstab": FSTAB})


@pytest.fixture
def system_with_units(tmp_path: Path) -> Path:
    """A system with units that change what is written."""
    conf = CONF.replace("LABEL=data", "LABEL=data\nRequires=unlock.service") + "[Overlay /srv]\n"
    return make_tree(tmp_path / "units", {"etc/rofs.conf": conf, "etc/fstab": FSTAB, **UNITS})


@pytest.fixture
def complete(system: Path, generator: Path, tmp_path: Path) -> dict[str, str]:
    """What is written when nothing fails."""
    run = run_generator(generator, system, tmp_path / "complete")
    assert run.status == 0, run.stderr
    return run.early


def enabled(found: Mapping[str, str]) -> list[str]:
    """What targets pull in, or no longer do."""
    return [name for name in found if LINKS.match(name) and "/" in name]


def check_whole_or_off(found: Mapping[str, str], complete: Mapping[str, str]) -> None:
    """Nothing is enabled, or every file is there with its whole text."""
    if not enabled(found):
        return
    for name, text in complete.items():
        if not LINKS.match(name):
            assert found.get(name) == text, name


def called(generator: Path, out: Path) -> list[str]:
    """As by systemd: the second directory is written to."""
    return [str(generator), f"{out}.normal", str(out), f"{out}.late"]


def run(generator: Path, system: Path, out: Path, extra: Optional[Mapping[str, str]] = None
        ) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        called(generator, out), env=environment(system, extra), stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, check=False,
        timeout=RUN_SECONDS_MAX)


# The directory.


def test_directory_is_made(generator: Path, system: Path, tmp_path: Path,
                           complete: dict[str, str]) -> None:
    assert run(generator, system, tmp_path / "new").returncode == 0
    assert snapshot(tmp_path / "new") == complete


def test_missing_parent_of_the_directory_is_told(
    generator: Path, system: Path, tmp_path: Path
) -> None:
    done = run(generator, system, tmp_path / "no" / "out")
    assert done.returncode == 1
    assert f"{tmp_path}/no/out: No such file or directory" in done.stderr
    assert not (tmp_path / "no").exists()


def test_directory_that_is_a_file_is_told(generator: Path, system: Path, tmp_path: Path) -> None:
    (tmp_path / "out").write_text("mine")
    done = run(generator, system, tmp_path / "out")
    assert done.returncode == 1
    assert "nothing is protected in this boot" in done.stderr
    assert (tmp_path / "out").read_text() == "mine"


UNWRITABLE = """
mkdir out; mount -t tmpfs -o ro out out
status=0; ROFS_LOG=stderr ROFS_ROOT=root {generator} normal out late || status=$?
echo $status
"""


@pytest.mark.root
def test_read_only_directory_is_told(
    in_namespace: Namespace, generator: Path, system: Path
) -> None:
    done = in_namespace(UNWRITABLE.format(generator=generator))
    assert done.stdout == "1\n"
    assert "Read-only file system" in done.stderr


# Other generators.


def test_unit_of_another_generator_is_kept(generator: Path, system: Path, tmp_path: Path,
                                           complete: dict[str, str]) -> None:
    for number, name in enumerate(sorted(complete)):
        if LINKS.match(name):
            continue
        out = tmp_path / str(number)
        (out / name).parent.mkdir(parents=True)
        (out / name).write_text("another's")
        done = run(generator, system, out)
        assert done.returncode == 1, name
        assert f"{name}: File exists" in done.stderr
        assert snapshot(out) == {name: "another's"}


def test_links_of_other_generators_are_kept(generator: Path, system: Path, tmp_path: Path,
                                            complete: dict[str, str]) -> None:
    out = tmp_path / "out"
    others = {f"{target}/other.mount": "-> ../other.mount" for target in TARGETS}
    for target in TARGETS:
        (out / target).mkdir(parents=True)
        (out / target / "other.mount").symlink_to("../other.mount")
    done = run(generator, system, out)
    assert done.returncode == 0, done.stderr
    assert snapshot(out) == {**complete, **others}


# Every call that makes or writes something.


@pytest.fixture
def fault(fault_library: Path) -> dict[str, str]:
    """The environment in which the n-th call fails."""
    return {"LD_PRELOAD": str(fault_library),
            "ASAN_OPTIONS": "verify_asan_link_order=0:detect_leaks=0"}


@pytest.fixture
def n_calls(fault: dict[str, str], generator: Path, system: Path, tmp_path: Path) -> int:
    """The number of calls that can fail."""
    count = tmp_path / "count"
    done = run(generator, system, tmp_path / "counted", {**fault, "FAULT_COUNT": str(count)})
    assert done.returncode == 0, done.stderr
    calls = int(count.read_text())
    assert calls > 40
    return calls


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EIO, errno.ENOMEM],
                         ids=errno.errorcode.get)
def test_each_failing_call_enables_and_leaves_nothing(
    number: int, fault: dict[str, str], n_calls: int, generator: Path, system: Path, tmp_path: Path
) -> None:
    for at in range(1, n_calls + 1):
        out = tmp_path / f"out-{at}"
        done = run(generator, system, out,
                   {**fault, "FAULT_AT": str(at), "FAULT_ERRNO": str(number)})
        assert done.returncode == 1, f"call {at}: {done.stderr}"
        assert os.strerror(number) in done.stderr, f"call {at}: {done.stderr}"
        assert not out.exists() or snapshot(out) == {}, f"call {at}"


@pytest.mark.parametrize("number", [errno.EIO, errno.ENOMEM], ids=errno.errorcode.get)
def test_whatever_cannot_be_read_is_told_or_changes_nothing(
    number: int, fault: dict[str, str], generator: Path, system_with_units: Path, tmp_path: Path
) -> None:
    count = tmp_path / "count"
    reading = {**fault, "FAULT_READ": "1"}
    complete = run_generator(generator, system_with_units, tmp_path / "complete").early
    run(generator, system_with_units, tmp_path / "counted", {**reading, "FAULT_COUNT": str(count)})
    for at in range(1, int(count.read_text()) + 1):
        out = tmp_path / f"out-{at}"
        done = run(generator, system_with_units, out,
                   {**reading, "FAULT_AT": str(at), "FAULT_ERRNO": str(number)})
        if done.returncode == 0:
            assert snapshot(out) == complete, f"call {at}: {done.stderr}"
        else:
            assert done.returncode == 1, f"call {at}: {done.stderr}"
            assert os.strerror(number) in done.stderr, f"call {at}: {done.stderr}"


@pytest.mark.sanitized
@pytest.mark.parametrize("reads", [False, True], ids=["writes", "reads"])
def test_failing_calls_with_sanitizers(
    reads: bool, fault: dict[str, str], generator: Path, system_with_units: Path, tmp_path: Path
) -> None:
    """A sample, since a run takes tens of times as long; the tests above fail every call."""
    count = tmp_path / "count"
    env = {**fault, **({"FAULT_READ": "1"} if reads else {})}
    run(generator, system_with_units, tmp_path / "counted", {**env, "FAULT_COUNT": str(count)})
    for at in range(1, int(count.read_text()) + 1, 7):
        number = (errno.ENOMEM, errno.EIO)[at % 2]
        done = run(generator, system_with_units, tmp_path / f"out-{at}",
                   {**env, "FAULT_AT": str(at), "FAULT_ERRNO": str(number)})
        assert done.returncode in (0, 1), f"call {at}: {done.stderr}"


def test_short_writes_are_finished(
    fault: dict[str, str], n_calls: int, generator: Path, system: Path, tmp_path: Path,
    complete: dict[str, str]
) -> None:
    for at in range(1, n_calls + 1, 3):
        out = tmp_path / f"out-{at}"
        done = run(generator, system, out, {**fault, "FAULT_AT": str(at), "FAULT_SHORT": "1"})
        assert done.returncode == 0, done.stderr
        assert snapshot(out) == complete


def test_interrupted_write_is_repeated(
    fault: dict[str, str], generator: Path, system: Path, tmp_path: Path, complete: dict[str, str]
) -> None:
    """The second file's write: calls are mkdir, openat, write, ..."""
    out = tmp_path / "out"
    done = run(generator, system, out,
               {**fault, "FAULT_AT": "3", "FAULT_ERRNO": str(errno.EINTR)})
    assert done.returncode == 0, done.stderr
    assert snapshot(out) == complete


def kill_at(fault: dict[str, str], at: int) -> dict[str, str]:
    """The environment in which the generator is killed at one of its calls."""
    return {**fault, "FAULT_AT": str(at), "FAULT_SIGNAL": str(int(signal.SIGKILL))}


def test_kill_at_each_call_leaves_all_or_nothing_enabled(
    fault: dict[str, str], n_calls: int, generator: Path, system: Path, tmp_path: Path,
    complete: dict[str, str]
) -> None:
    for at in range(1, n_calls + 1):
        out = tmp_path / f"out-{at}"
        done = run(generator, system, out, kill_at(fault, at))
        assert done.returncode == -signal.SIGKILL
        if out.exists():
            check_whole_or_off(snapshot(out), complete)


def test_kill_at_each_call_beside_another_generator(
    fault: dict[str, str], n_calls: int, generator: Path, system: Path, tmp_path: Path,
    complete: dict[str, str]
) -> None:
    for at in range(1, n_calls + 8):
        out = tmp_path / f"out-{at}"
        for target in TARGETS:
            (out / target).mkdir(parents=True)
            (out / target / "other.mount").symlink_to("../other.mount")
        run(generator, system, out, kill_at(fault, at))
        found = snapshot(out)
        for target in TARGETS:
            assert found.pop(f"{target}/other.mount") == "-> ../other.mount"
        check_whole_or_off(found, complete)


@pytest.mark.parametrize("number", [signal.SIGSEGV, signal.SIGBUS, signal.SIGFPE, signal.SIGILL,
                                    signal.SIGABRT, signal.SIGALRM], ids=lambda s: s.name)
def test_crash_and_hang_leave_nothing_and_are_status_1(
    number: signal.Signals, fault: dict[str, str], n_calls: int, generator: Path, system: Path,
    tmp_path: Path, complete: dict[str, str], build_dir: Path
) -> None:
    for at in range(1, n_calls + 1, 5):
        out = tmp_path / f"out-{at}"
        done = run(generator, system, out,
                   {**fault, "FAULT_AT": str(at), "FAULT_SIGNAL": str(int(number))})
        # A sanitizer handles signals itself, and tells more than our own handler would.
        assert done.returncode == 1 or is_sanitized(build_dir), f"call {at}"
        if is_sanitized(build_dir):
            check_whole_or_off(snapshot(out) if out.exists() else {}, complete)
        else:
            assert not out.exists() or snapshot(out) == {}, f"call {at}"


@pytest.fixture
def heeded(number: signal.Signals) -> Iterator[None]:
    """Programs inherit what is ignored, as the jobs do that a shell runs in the background."""
    before = signal.signal(number, signal.default_int_handler)
    yield
    signal.signal(number, before)


@pytest.mark.usefixtures("heeded")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP],
                         ids=lambda s: s.name)
def test_signal_while_writing_comes_when_all_is_written(
    number: signal.Signals, fault: dict[str, str], n_calls: int, generator: Path, system: Path,
    tmp_path: Path, complete: dict[str, str]
) -> None:
    """systemd ends generators with SIGTERM when one of them has died."""
    for at in range(2, n_calls + 1, 5):
        out = tmp_path / f"out-{at}"
        done = run(generator, system, out,
                   {**fault, "FAULT_AT": str(at), "FAULT_SIGNAL": str(int(number))})
        assert done.returncode == -number
        assert snapshot(out) == complete


def test_kill_at_random_moments(generator: Path, system: Path, tmp_path: Path,
                                complete: dict[str, str]) -> None:
    numbers = random.Random(2)
    began = time.monotonic()
    run(generator, system, tmp_path / "timed")
    usual = time.monotonic() - began
    for number in range(60):
        out = tmp_path / f"out-{number}"
        with subprocess.Popen(called(generator, out), env=environment(system),
                              stderr=subprocess.DEVNULL) as process:
            time.sleep(numbers.uniform(0, usual))
            process.kill()
        if out.exists():
            check_whole_or_off(snapshot(out), complete)


# Real file systems that fill up.

FULL = """
mkdir out; mount -t tmpfs -o {options} out out
status=0; ROFS_LOG=stderr ROFS_ROOT=root {generator} out/early || status=$?
echo $status; cp -a out copy
"""


@pytest.mark.root
@pytest.mark.parametrize("options", [f"nr_inodes={n}" for n in (2, 3, 5, 9, 17, 20, 25, 28, 30, 33)]
                         + [f"size={n}k" for n in (4, 8, 16, 32, 60)])
def test_full_file_system_enables_and_leaves_nothing(
    in_namespace: Namespace, options: str, generator: Path, system: Path,
    tmp_path: Path, complete: dict[str, str]
) -> None:
    done = in_namespace(FULL.format(options=options, generator=generator))
    found = snapshot(tmp_path / "copy")
    found = {name[len("early/"):]: text for name, text in found.items() if name != "early"}
    if done.stdout == "0\n":
        assert found == complete
    else:
        assert done.stdout == "1\n", done.stderr
        assert "No space left on device" in done.stderr
        assert found == {}


@pytest.mark.parametrize("megabytes", [4, 5, 6, 8])
def test_out_of_memory_enables_nothing(
    megabytes: int, generator: Path, system: Path, tmp_path: Path, build_dir: Path
) -> None:
    """A limit of the address space, and a configuration that needs more."""
    names = [f"srv/{number}" for number in range(8000)]
    make_tree(system, {"etc/rofs.conf": "".join(f"[Overlay /{name}]\n" for name in names)}, names)
    out = tmp_path / "out"
    # Sanitizers need terabytes of address space: with them it only runs.
    limit = [] if is_sanitized(build_dir) else ["prlimit", f"--as={megabytes << 20}"]
    done = subprocess.run(
        [*limit, *called(generator, out)], env=environment(system), stdin=subprocess.DEVNULL,
        stderr=subprocess.PIPE, check=False, timeout=RUN_SECONDS_MAX)
    if limit:
        assert done.returncode == 1, done.stderr[-500:]
        assert b"Cannot allocate memory" in done.stderr
        assert not out.exists() or snapshot(out) == {}


@pytest.mark.parametrize("size", [1, 1000, 20000])
def test_large_configuration_is_written(
    size: int, generator: Path, tmp_path: Path
) -> None:
    names = [f"/srv/{n}" for n in range(size)]
    root = make_tree(tmp_path / "root",
                     {"etc/rofs.conf": "".join(f"[Overlay {name}]\n" for name in names)},
                     [name[1:] for name in names])
    done = run_generator(generator, root, tmp_path)
    assert done.status == 0, done.stderr[-500:]
    # And /, /tmp, rofs-verify.service, rofs-watch.timer.
    assert len(enabled(done.early)) == size + 4

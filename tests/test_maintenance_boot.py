"""The boot that `rofs maintenance` asks for: the generator in it, and what ends it."""

from __future__ import annotations

import errno
import os
import shutil
import signal
import subprocess
from pathlib import Path

import pytest
from support import Namespace, environment, make_tree, run_generator
from vm.scenario import MINIMAL_CONF

MARK, IN_RUN, PUBLISHED = "rofs/maintenance", "run/rofs/maintenance", "run/rofs-watch/in-force"
SERVICE = "rofs-maintenance.service"


@pytest.fixture
def marked(tmp_path: Path) -> Path:
    """A system in which a maintenance boot is asked for."""
    return make_tree(tmp_path / "root", {"etc/rofs.conf": MINIMAL_CONF, MARK: ""}, ["run"])


def is_maintenance(generator: Path, root: Path, work: Path) -> bool:
    """Does the generator take this boot for a maintenance boot?"""
    run = run_generator(generator, root, work)
    return SERVICE in run.early


def end(prepare: Path, root: Path, **extra: str) -> subprocess.CompletedProcess[str]:
    """What rofs-maintenance.service runs."""
    # A sanitizer wants to be loaded first.
    extra = {"ASAN_OPTIONS": "verify_asan_link_order=0:detect_leaks=0", **extra}
    return subprocess.run([str(prepare), "maintenance"], env=environment(root, extra), text=True,
                          check=False, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def test_only_one_boot_is_a_maintenance_boot(
    generator: Path, prepare: Path, marked: Path, tmp_path: Path
) -> None:
    boot = run_generator(generator, marked, tmp_path / "boot")
    assert SERVICE in boot.early
    assert end(prepare, marked).returncode == 0
    assert not (marked / MARK).exists()
    # A daemon-reload in this boot.
    assert run_generator(generator, marked, tmp_path / "reload") == boot
    assert end(prepare, marked).returncode == 0
    # The next boot has another /run.
    (marked / IN_RUN).unlink()
    assert not is_maintenance(generator, marked, tmp_path / "next")


def test_crash_leaves_a_maintenance_boot_or_an_ordinary_one(
    generator: Path, prepare: Path, marked: Path, tmp_path: Path, fault_library: Path
) -> None:
    """And never a boot that is a maintenance boot, but not after a daemon-reload."""
    outcomes = []
    for at in range(1, 20):
        (marked / MARK).touch()
        shutil.rmtree(marked / "run/rofs", ignore_errors=True)
        done = end(prepare, marked, LD_PRELOAD=str(fault_library), FAULT_AT=str(at),
                   FAULT_SIGNAL=str(int(signal.SIGKILL)))
        outcomes.append(((marked / MARK).exists(), (marked / IN_RUN).exists()))
        if done.returncode == 0:
            break
        assert done.returncode == -signal.SIGKILL
        assert is_maintenance(generator, marked, tmp_path / f"reload-{at}")
    assert done.returncode == 0
    assert outcomes[-1] == (False, True)
    assert (True, False) in outcomes and (True, True) in outcomes
    assert (False, False) not in outcomes


def test_mark_that_cannot_be_removed_is_told(
    generator: Path, prepare: Path, marked: Path, tmp_path: Path, fault_library: Path
) -> None:
    told = []
    for at in range(1, 20):
        done = end(prepare, marked, LD_PRELOAD=str(fault_library), FAULT_AT=str(at),
                   FAULT_ERRNO=str(errno.EROFS))
        if done.returncode == 0:
            break
        assert done.returncode == 1 and done.stderr.count("\n") == 1
        told.append("/rofs/maintenance cannot be removed: Read-only file system" in done.stderr)
        assert is_maintenance(generator, marked, tmp_path / f"reload-{at}")
    assert any(told)


def test_mark_made_in_a_boot_that_is_protected_is_for_the_next(
    generator: Path, marked: Path, tmp_path: Path
) -> None:
    """Without a pool nothing covers /rofs."""
    (marked / PUBLISHED).mkdir(parents=True)
    assert not is_maintenance(generator, marked, tmp_path / "reload")
    (marked / PUBLISHED).rmdir()
    assert is_maintenance(generator, marked, tmp_path / "boot")


def test_mark_below_the_untouched_root_is_for_the_next_boot(
    generator: Path, tmp_path: Path
) -> None:
    root = make_tree(tmp_path / "root",
                     {"etc/rofs.conf": MINIMAL_CONF, f"rofs/ro/{MARK}": ""}, ["run"])
    assert not is_maintenance(generator, root, tmp_path)


@pytest.mark.parametrize("mode", [0o770, 0o707, 0o1777])
def test_mark_where_others_may_write_is_none(
    generator: Path, prepare: Path, marked: Path, tmp_path: Path, mode: int
) -> None:
    (marked / "rofs").chmod(mode)
    assert not is_maintenance(generator, marked, tmp_path)
    assert end(prepare, marked).returncode == 0
    assert (marked / MARK).exists()


@pytest.mark.root
@pytest.mark.parametrize("name", ["rofs", MARK])
def test_mark_of_another_user_is_none(
    generator: Path, marked: Path, tmp_path: Path, name: str
) -> None:
    os.chown(marked / name, 1000, 1000)
    assert not is_maintenance(generator, marked, tmp_path)


@pytest.mark.root
def test_mark_in_the_pool_is_none(
    generator: Path, marked: Path, tmp_path: Path, in_namespace: Namespace
) -> None:
    done = in_namespace("""
        mount -t tmpfs -o mode=0700 rofs root/rofs
        touch root/rofs/maintenance
        mkdir early
        ROFS_ROOT=$PWD/root ROFS_LOG=stderr "$1" early
        ls early
    """, generator)
    assert done.returncode == 0, done.stderr
    assert SERVICE not in done.stdout and "var.mount" in done.stdout

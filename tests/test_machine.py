"""Machines and their queue with a script in the place of QEMU."""

from __future__ import annotations

import fcntl
import inspect
import io
import threading
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Callable, Iterator

import pytest
from vm import lab, machine
from vm.image import Base
from vm.machine import Machine, MachineError
from vm.progress import Progress
from vm.scenarios import SCENARIOS

QEMU = """\
#!/bin/sh
for argument; do
    case $argument in
    file:*.console) console=${argument#file:} ;;
    file:*.results) results=${argument#file:} ;;
    esac
done
echo booting >$console
"""
ANSWERS = """\
i=0; while [ $i -lt 100000 ]; do i=$((i + 1)); done
printf 'HELLO 1\\nSECTION asked 3 1250 O%s E\\nDONE\\n' "$(printf 'answer\\n' | base64)" >$results
"""

Start = Callable[[str], Machine]


@pytest.fixture
def start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Start:
    """Makes a machine that is this script."""
    def make(script: str) -> Machine:
        qemu = tmp_path / "qemu"
        qemu.write_text(QEMU + script)
        qemu.chmod(0o755)
        monkeypatch.setattr(machine, "processor", lambda *unused: (str(qemu),))
        base = Base("sid", *(tmp_path / name for name in ("image", "kernel", "initrd")), True)
        return Machine(base, [], "test", tmp_path / "logs")

    return make


def test_results_and_what_they_took(start: Start) -> None:
    with start(ANSWERS) as running:
        boot = running.wait_for_power_off()
    assert (boot["asked"].out, boot["asked"].status, boot["asked"].milliseconds) == (
        "answer\n", 3, 1250)
    assert boot.console == "booting\n"
    assert boot.seconds >= boot.processor_seconds > 0


def test_qemu_that_fails(start: Start) -> None:
    with start(ANSWERS + "echo no such device >&2; exit 7\n") as running:
        with pytest.raises(MachineError, match="exited with status 7\nno such device"):
            running.wait_for_power_off()


def test_probe_that_does_not_end(start: Start) -> None:
    with start("echo HELLO 1 >$results\n") as running:
        with pytest.raises(MachineError, match="ended before the probe did"):
            running.wait_for_power_off()


def test_power_is_cut(start: Start) -> None:
    with start("echo HELLO 1 >$results; exec sleep 1000\n") as running:
        running.wait_for("HELLO")
        assert not running.ended()
        running.kill()
        assert running.ended()
        boot = running.wait_for_end()
    assert boot.sections == {} and boot.console == "booting\n"


@pytest.fixture
def busy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file that says whether other tests use a processor."""
    path = tmp_path / "busy"
    path.touch()
    monkeypatch.setattr(lab, "BUSY", str(path))
    return path


@pytest.fixture
def polled(monkeypatch: pytest.MonkeyPatch) -> threading.Event:
    """Set when a thread of the lab has found that it has to wait."""
    event = threading.Event()

    def sleep(unused: float) -> None:
        event.set()
        time.sleep(0.01)

    monkeypatch.setattr(lab, "time", SimpleNamespace(sleep=sleep, monotonic=time.monotonic))
    return event


@pytest.fixture
def queue(tmp_path: Path, busy: Path) -> Iterator[lab.Lab]:
    """A queue whose first thread has its turn."""
    made = lab.Lab(tmp_path, tmp_path, Progress(tmp_path, io.StringIO()))
    with busy.open() as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        made._await_turn()
    yield made
    made.close()


@pytest.mark.parametrize("end", ["unlocked", "closed"])
def test_second_machine_waits_for_other_tests(
        queue: lab.Lab, busy: Path, polled: threading.Event, end: str) -> None:
    second = threading.Thread(target=queue._await_turn, daemon=True)
    with busy.open() as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        second.start()
        assert polled.wait(60)
        assert second.is_alive()
        if end == "closed":
            queue.close()
            second.join(60)
            assert not second.is_alive()
    second.join(60)
    assert not second.is_alive()


def test_nothing_to_wait_for(queue: lab.Lab, polled: threading.Event,
                             monkeypatch: pytest.MonkeyPatch) -> None:
    queue._await_turn()
    monkeypatch.setattr(lab, "BUSY", None)
    queue._await_turn()
    assert not polled.is_set()


def test_disks_of_all_scenarios_are_made_from_path_and_suite() -> None:
    """Nothing else looks at `AnyDisk` before a machine boots."""
    makers = [what for scenario in SCENARIOS.values() for what in scenario.disks
              if callable(what)]
    assert makers
    for make in makers:
        inspect.signature(make).bind(Path("disk.img"), "bookworm")

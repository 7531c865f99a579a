"""Fixtures and options shared by all tests.

Plain `pytest` runs what needs neither root nor virtual machines; `-m root`, `-m vm` select the
others (tools/test does). The programs under test come from the build directory.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
from pathlib import Path
from typing import Any, Dict, Generator, Iterator, List, Optional, Set, Tuple

import pytest
from chroot_system import Chroot, chroot_in, make_image
from mounted_status import CHECKS, CONF, attach
from mounted_system import BOOT, SETUP, TMPFS, System
from overlay_commit import Commit, commit_in
from overlay_diff import Diff, diff_in
from packaged import install
from support import (
    SOURCE,
    Namespace,
    build_directory,
    built,
    need_programs,
    need_root,
    program,
    programs_in,
)
from vm import image
from vm.lab import Lab, Outcome, missing_tools
from vm.machine import Boot, MachineError
from vm.progress import Progress, StepFailed
from vm.scenarios import BOOTS, SCENARIOS, chosen, within
from vm.table import Table
from window_system import WindowSystem


# A script that hangs, not one that is slow: the slowest take ten on an idle machine.
NAMESPACE_SECONDS_MAX = 1200


class Running:
    """State that is kept from the collection to the end of the session."""

    lab: Optional[Lab] = None
    told: Set[int] = set()
    shown: Set[Tuple[str, str]] = set()
    table = Table()


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("rofs")
    group.addoption("--suites", default=image.DEFAULT_SUITE, metavar="LIST",
                    help="Debian suites to boot, separated by commas, or 'all' (%(default)s)")
    group.addoption("--boots", choices=BOOTS, default="routine",
                    help="which scenarios to boot on each suite: one of each kind, the routine ones"
                         " (default), or every one that can be booted")
    group.addoption("--boot-seconds", type=int, metavar="SECONDS",
                    help="boot only what is likely to end in this time")
    group.addoption("--update-golden", action="store_true",
                    help="rewrite the expected output of the golden tests")


def suites(config: pytest.Config) -> List[str]:
    """The suites of --suites. Raises UsageError for an unknown name."""
    text = config.getoption("--suites")
    names = list(image.SUITES) if text == "all" else text.split(",")
    unknown = [name for name in names if name not in image.SUITES]
    if unknown:
        raise pytest.UsageError(f"--suites: {unknown[0]} is none of {', '.join(image.SUITES)}")
    return names


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "suite" in metafunc.fixturenames:
        metafunc.parametrize("suite", suites(metafunc.config), scope="session")


def boot_of(item: pytest.Item) -> Optional[Tuple[str, str]]:
    """The (scenario, suite) pair that a test reads."""
    marker = item.get_closest_marker("scenario")
    if marker is None:
        return None
    assert isinstance(item, pytest.Function)
    return marker.args[0], item.callspec.params["suite"]


def wanted_boots(items: List[pytest.Item]) -> List[Tuple[str, str]]:
    """The (scenario, suite) pairs that the collected tests read, each once, the longest first.

    Boots of one scenario follow each other: of one that comes last, all but one machine would wait
    for the end. Otherwise in the order of the tests.
    """
    pairs = dict.fromkeys(pair for pair in map(boot_of, items) if pair is not None)
    return sorted(pairs, key=lambda pair: -SCENARIOS[pair[0]].weight)


def pytest_itemcollected(item: pytest.Item) -> None:
    """Mark what preloads the library of faults."""
    if "fault_library" in getattr(item, "fixturenames", ()):
        item.add_marker("unemulated")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: List[pytest.Item]) -> None:
    """Deselect what is not booted in a suite; the table says why, if that suite cannot boot it."""
    boots = config.getoption("--boots")
    booted = [(wanted.name, suite) for suite in suites(config) for wanted in chosen(suite, boots)]
    seconds = config.getoption("--boot-seconds")
    if seconds is not None:
        every, booted = booted, within(seconds, booted)
        for pair in every:
            if pair not in booted:
                Running.table.cannot(*pair, "no time was left for it")
    left_out = []
    for item in items:
        scenario, suite = boot_of(item) or ("", "")
        if not scenario:
            continue
        wanted = SCENARIOS[scenario]
        if suite in wanted.cannot:
            Running.table.cannot(scenario, suite, wanted.cannot[suite])
        if (scenario, suite) not in booted:
            left_out.append(item)
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item not in left_out]


def pytest_collection_finish(session: pytest.Session) -> None:
    """Start all boots at once, so that two machines are always busy while tests read results."""
    pairs = wanted_boots(session.items)
    if not pairs or session.config.option.collectonly or missing_tools():
        return
    # Leave as after Ctrl-C: no machine running, no image in the way.
    signal.signal(signal.SIGTERM, lambda *unused: pytest.exit("terminated", returncode=143))
    capture = session.config.pluginmanager.getplugin("capturemanager")
    with capture.global_and_fixture_disabled():
        Running.lab = Lab(SOURCE, build_directory() / "vm-logs", Progress(image.logs_dir()))
        Running.lab.start(pairs)
    for pair in pairs:
        Running.table.expect(*pair)


def pytest_unconfigure() -> None:
    if Running.lab is not None:
        Running.lab.close()


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """The table of boots, for terminals and for logs."""
    if Running.lab is None:
        return
    for outcome in Running.lab.outcomes():
        for boot in outcome.boots:
            Running.table.saw(outcome.suite, boot)
        Running.table.took(outcome.scenario.name, outcome.suite, outcome.seconds, outcome.boots)
    terminalreporter.section("booted systems")
    for line in [*Running.table.lines(), "", *Running.table.times()]:
        terminalreporter.write_line(line)
    for outcome in Running.lab.outcomes():
        if outcome.cuts is not None:
            terminalreporter.section("power cuts")
            for line in outcome.cuts.lines():
                terminalreporter.write_line(line)


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, None, None]:
    """On CI nothing may be missing: there a skip is a failure."""
    result = yield
    report = result.get_result()
    if report.skipped and os.environ.get("CI") and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = f"skipped, which CI does not allow: {report.longrepr}"
    pair = boot_of(item)
    if pair is not None:
        Running.table.count(*pair, item.nodeid, report.outcome)


@pytest.fixture(scope="session")
def source() -> Path:
    """The top of the checkout."""
    return SOURCE


@pytest.fixture(scope="session")
def build_dir() -> Path:
    """The build directory of the programs under test."""
    return build_directory()


@pytest.fixture(scope="session")
def generator() -> Path:
    """The generator that was built."""
    return program("rofs-generator")


@pytest.fixture(scope="session")
def prepare() -> Path:
    """The helper that was built."""
    return program("rofs-prepare")


@pytest.fixture(scope="session")
def rofs() -> Path:
    """The command that was built."""
    return program("rofs")


@pytest.fixture(scope="session")
def verify() -> Path:
    """The program of the services that was built."""
    return program("rofs-verify")


@pytest.fixture
def outcome(request: pytest.FixtureRequest, suite: str) -> Outcome:
    """The results of the scenario that the test's mark names, in one suite."""
    lacking = missing_tools()
    if lacking:
        pytest.skip(f"booting needs {', '.join(lacking)}: tools/test installs them")
    marker = request.node.get_closest_marker("scenario")
    assert Running.lab is not None
    if (marker.args[0], suite) not in Running.shown:
        # Boots take minutes: say what the tests wait for.
        Running.shown.add((marker.args[0], suite))
        plugins = request.config.pluginmanager
        with plugins.getplugin("capturemanager").global_and_fixture_disabled():
            reporter = plugins.getplugin("terminalreporter")
            reporter.ensure_newline()
            reporter.write(f"{suite}, {marker.args[0]}: ", flush=True)
    result = Running.lab.result(marker.args[0], suite)
    if isinstance(result, Outcome):
        return result
    # The end of a console is told once, not for each test that reads the boot.
    full = id(result) not in Running.told
    Running.told.add(id(result))
    if full and not isinstance(result, (MachineError, StepFailed)):
        raise result
    pytest.fail(str(result) if full else str(result).splitlines()[0], pytrace=False)


@pytest.fixture
def boot(outcome: Outcome) -> Boot:
    """The first boot, of most scenarios the only one."""
    return outcome.boots[0]


@pytest.fixture
def first(boot: Boot) -> Boot:
    """The first boot, where there is a second."""
    return boot


@pytest.fixture
def second(outcome: Outcome) -> Boot:
    """The boot after the first one, of the same disks."""
    return outcome.boots[1]


@pytest.fixture(scope="session")
def fault_library() -> Path:
    """For LD_PRELOAD: makes the n-th call fail; see tests/fault.c."""
    return built("tests/fault.so")


@pytest.fixture
def with_fault(fault_library: Path) -> str:
    """Puts that library into the system of `system`, as lower."""
    return f"cp {fault_library} fault.so\n"


@pytest.fixture
def in_namespace(tmp_path: Path) -> Namespace:
    """Runs a shell script in a mount namespace of its own, in the test's directory.

    What it mounts is gone when it ends, and never seen outside. The shell is process 1, whose
    mounts are those of the system. stdout and stderr are text. The test is skipped where the
    script needs a program that is not installed.
    """
    need_root()

    def run(script: str, *arguments: object) -> subprocess.CompletedProcess[str]:
        need_programs(*programs_in(script))
        return subprocess.run(
            ["unshare", "--mount", "--propagation", "private", "--pid", "--fork", "--kill-child",
             "--mount-proc", "setsid", "/bin/sh", "-ec", script, "sh", *map(str, arguments)],
            cwd=tmp_path, text=True, check=False, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=NAMESPACE_SECONDS_MAX)

    return run


@pytest.fixture
def system(in_namespace: Namespace, generator: Path, prepare: Path, tmp_path: Path) -> System:
    """Runs checks in a system with a configuration and what `lower` puts on its root."""
    def run(conf: str, checks: str, lower: str = "",
            root: str = TMPFS) -> subprocess.CompletedProcess[str]:
        need_programs(*programs_in(BOOT + checks))
        (tmp_path / "rofs.conf").write_text(conf)
        (tmp_path / "boot").write_text(BOOT)
        (tmp_path / "checks").write_text(". /run/boot\n" + checks)
        return in_namespace(SETUP.format(generator=generator, prepare=prepare, lower=lower,
                                         root=root))

    return run


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[WindowSystem]:
    """A system whose root is a read-only file system on a loop device."""
    made = WindowSystem(tmp_path)
    yield made
    made.close()


@pytest.fixture
def ext4(machine: WindowSystem) -> WindowSystem:
    """The same, booted from an ext4."""
    machine.boot(machine.attach("ext4"))
    return machine


@pytest.fixture
def diff(system: System, rofs: Path, tmp_path: Path) -> Diff:
    """Makes a lower, boots, changes something, and runs `rofs diff` on what came of it."""
    return diff_in(system, rofs, tmp_path)


@pytest.fixture(scope="session")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What `meson install` puts into DESTDIR."""
    return install(tmp_path_factory.mktemp("installed") / "tree")


@pytest.fixture(scope="session")
def chroot_image(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A root file system with a few programs of its own."""
    need_programs("mkfs.ext4", "setcap", "setfattr", "setfacl")
    return make_image(tmp_path_factory.mktemp("chroot") / "image")


@pytest.fixture
def chroot(system: System, rofs: Path, chroot_image: Path) -> Chroot:
    """Runs checks in a system whose root is an ext4 with programs of its own."""
    return chroot_in(system, rofs, chroot_image)


@pytest.fixture
def commit(system: System, rofs: Path, tmp_path: Path) -> Commit:
    """Makes a lower, boots, changes something, and runs `rofs commit` and others."""
    return commit_in(system, rofs, tmp_path)


@pytest.fixture
def disks(tmp_path: Path) -> Iterator[Dict[str, str]]:
    """Two disks, by the names that the steps have for them."""
    need_programs("mkfs.ext4", "losetup")
    found = {name: attach(tmp_path / name, f"mkfs.ext4 -q -L {name.lower()}")
             for name in ("DISK", "OTHER")}
    yield found
    for device in found.values():
        subprocess.run(["losetup", "-d", device], check=True)


@pytest.fixture
def said(system: System, rofs: Path, verify: Path, disks: dict[str, str]):
    """Runs steps in the protected system and gives what was said, by name."""
    def run(steps: str, conf: str = CONF, checks: str = CHECKS, **more: str) -> dict[str, str]:
        script = checks + steps
        for name, device in disks.items():
            conf, script = conf.replace(name, device), script.replace(name, device)
            more = {key: text.replace(name, device) for key, text in more.items()}
        lower = f"mkdir srv; cp {rofs} rofs-bin; cp {verify} ." + more.pop("lower", "")
        done = system(conf, script, lower, **more)
        assert done.returncode == 0, done.stdout + done.stderr
        for name, device in disks.items():
            done.stdout = done.stdout.replace(device, name)
        parts = re.split(r"^== (.*)\n", done.stdout, flags=re.M)
        return dict(zip(parts[1::2], parts[2::2]))
    return run

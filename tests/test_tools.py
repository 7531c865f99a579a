"""What tools/test is made of: the packages it installs, and how it counts."""

from __future__ import annotations

import importlib
import json
import os
import pkgutil
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from build_tree import place
from cross.sysroot import SUITES as ARCHITECTURES
from support import (
    PACKAGES,
    SOURCE,
    build_directory,
    need_programs,
    program,
    programs_in,
)
from vm import scenarios

TOOLS = SOURCE / "tools"


def run(tool: str, *arguments: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, str(TOOLS / tool), *map(str, arguments)], text=True,
                          check=False, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


@pytest.mark.parametrize("arguments, complaint", [
    (("--arch",), "--arch requires arm64 or i386"),
    (("--arch", "s390x"), "--arch requires arm64 or i386"),
    (("--suite", "potato"), "unknown suite 'potato'"),
    (("--minutes",), "--minutes requires a number"),
    (("--minutes", "0"), "--minutes requires a number"),
    (("--frob",), "unknown argument '--frob'")])
def test_mistake_on_the_command_line(arguments: tuple[str, ...], complaint: str) -> None:
    done = subprocess.run([str(TOOLS / "test"), *arguments], check=False, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(f"test: {complaint}")


def test_package_of_every_program_is_installed() -> None:
    needs = re.search(r"^test_needs=\((.*?)\)", (TOOLS / "lib.sh").read_text(), re.M | re.S)
    assert needs is not None
    installed = {word.strip("'").split("|")[0] for word in needs.group(1).split()}
    assert set(PACKAGES.values()) <= installed


def test_every_program_is_found() -> None:
    """Where tools/test has installed them. Elsewhere it is skipped as those that call them are."""
    need_programs(*PACKAGES)


def test_program_is_where_meson_puts_it_and_nowhere_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The build directory is not searched, which other tests may be writing to."""
    targets = json.loads((build_directory() / "meson-info/intro-targets.json").read_text())
    installed = [target for target in targets
                 if target["type"] == "executable" and target["installed"]]
    assert len(installed) >= 7
    monkeypatch.setenv("ROFS_BUILD_DIR", str(tmp_path))
    for target in installed:
        decoy = tmp_path / "meson-dist" / target["name"]
        made = place(tmp_path, target["name"])
        for path in (decoy, made):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch()
        assert program(target["name"]) == made
        assert target["filename"][0].endswith(f"/{made.relative_to(tmp_path)}")


def test_unit_tests_have_time_on_a_busy_machine() -> None:
    """Meson's limit is 30 s, and makepkg's check() runs them beside other tests."""
    tests = json.loads((build_directory() / "meson-info/intro-tests.json").read_text())
    assert len(tests) > 30
    assert [test["name"] for test in tests if test["timeout"] < 1000] == []


def test_meson_does_not_run_in_the_build_directory() -> None:
    """It writes there, for example logs, which another user could not replace."""
    text = "".join(path.read_text() for path in (SOURCE / "tests").glob("*.py"))
    assert re.findall(r"meson\W+\w+\W+-C\W+(?:str\W+)?build_dir", text) == []


def shell(script: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run it with what the tools share."""
    return subprocess.run(["bash", "-c", f'. "$0"; {script}', str(TOOLS / "lib.sh")], text=True,
                          check=False, env={**os.environ, **variables}, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE)


@pytest.fixture
def arch(tmp_path: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Runs a script as on Arch Linux, where pacman says that some packages are missing."""
    release = tmp_path / "os-release"
    release.write_text('NAME="Arch Linux"\nID=arch\n')
    pacman = tmp_path / "pacman"

    def run(script: str, missing: str) -> subprocess.CompletedProcess[str]:
        pacman.write_text(f'#!/bin/sh\necho "$@" >{tmp_path}/asked\nprintf "{missing}"\n')
        pacman.chmod(0o755)
        done = shell(f"os_release={release}; {script}", PATH=f"{tmp_path}:{os.environ['PATH']}")
        assert (tmp_path / "asked").read_text() == "-T gcc glibc util-linux-libs\n"
        return done
    return run


SOME = "gcc libc6-dev libblkid-dev libmount-dev 'user-mode-linux|-'"


def test_packages_of_arch_are_named(
    arch: Callable[..., subprocess.CompletedProcess[str]]
) -> None:
    done = arch(f"need {SOME}; echo installed", "glibc\\nutil-linux-libs\\n")
    assert (done.returncode, done.stdout) == (2, "")
    assert "install these packages first" in done.stderr
    assert done.stderr.endswith(": glibc util-linux-libs\n")


def test_packages_that_arch_has(arch: Callable[..., subprocess.CompletedProcess[str]]) -> None:
    done = arch(f"need {SOME}; echo installed", "")
    assert (done.returncode, done.stdout, done.stderr) == (0, "installed\n", "")


def test_packages_are_announced(arch: Callable[..., subprocess.CompletedProcess[str]]) -> None:
    done = arch(f"announce_packages 140 {SOME}", "glibc\\nutil-linux-libs\\n")
    assert done.stdout.startswith("2 packages ") and "140 MB" in done.stdout
    assert done.stdout.endswith(":\n  glibc util-linux-libs\n")
    assert arch(f"announce_packages 140 {SOME}", "").stdout == ""


def test_every_package_has_its_name_in_arch() -> None:
    done = shell('for p in "${build_needs[@]}" "${test_needs[@]}" "${image_needs[@]}"'
                 ' "${all_needs[@]}" "${package_needs[@]}"; do'
                 ' [[ -v arch_names[${p%%|*}] ]] || echo "$p"; done')
    assert (done.stdout, done.stderr) == ("", "")


@pytest.mark.parametrize("mounts, status", [
    ("", 2), ("22 28 0:21 / /proc rw - proc proc rw\n", 2),
    ("28 1 254:0 / / rw - ext4 /dev/root rw\n22 28 0:21 / /proc rw - proc proc rw\n", 0)])
def test_chroot_without_a_mount_point(tmp_path: Path, mounts: str, status: int) -> None:
    (tmp_path / "mountinfo").write_text(mounts)
    done = shell(f"mountinfo={tmp_path}/mountinfo; need_mounts")
    assert done.returncode == status
    assert ("/ is not a mount point" in done.stderr) == bool(status)


def test_every_program_that_makes_a_file_system_has_its_package() -> None:
    """The others are too many words to be found by a pattern."""
    scripts = [*SOURCE.glob("tests/test_*.py"), SOURCE / "tests/mounted_system.py"]
    called = {name for path in scripts if not path.name.startswith("test_vm_")
              for name in re.findall(r"\b(?:mkfs|fsck)\.(?!mode\b|repair\b)\w+", path.read_text())}
    assert called
    assert called <= PACKAGES.keys()


def test_programs_of_a_script() -> None:
    script = "mkfs.vfat $d | (setfacl -m u:1:r srv; cd /mke2fs-not); x=$(losetup -f)"
    assert programs_in(script) == ["setfacl", "mkfs.vfat", "losetup"]


def test_missing_program_is_skipped_by_its_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.which", lambda name, path: None if name == "sfdisk" else name)
    need_programs("mkfs.vfat")
    with pytest.raises(pytest.skip.Exception, match="sfdisk not found: install fdisk"):
        need_programs("mkfs.vfat", "sfdisk")


def test_results_of_meson(tmp_path: Path) -> None:
    log = tmp_path / "testlog.json"
    results = ["OK", "OK", "EXPECTEDFAIL", "FAIL", "TIMEOUT", "SKIP"]
    log.write_text("".join(json.dumps({"name": f"unit {number}", "result": result}) + "\n"
                           for number, result in enumerate(results)))
    assert run("count.py", "meson", log).stdout == "3 2 1\nunit 3: FAIL\nunit 4: TIMEOUT\n"


def test_results_of_pytest(tmp_path: Path) -> None:
    log = tmp_path / "pytest.xml"
    log.write_text("<testsuites><testsuite><testcase/><testcase/>"
                   "<testcase classname='tests.test_a' name='test_b[c]'>"
                   "<failure message='assert 1 == 2&#10;more'/></testcase>"
                   "<testcase classname='tests.test_a' name='test_d'><error/></testcase>"
                   "<testcase><skipped/></testcase></testsuite></testsuites>")
    assert run("count.py", "pytest", log).stdout.splitlines() == [
        "2 2 1", "tests/test_a.py::test_b[c]: assert 1 == 2", "tests/test_a.py::test_d: no message"]


def test_coverage_is_summed_by_room(tmp_path: Path) -> None:
    table = tmp_path / "coverage.csv"
    table.write_text("filename,line_total,line_covered\n"
                     "src/rofs/check/check.c,10,0\nsrc/basic/text.c,30,30\nsrc/basic/ini.c,60,15\n")
    assert run("coverage.py", table).stdout.splitlines() == [
        "basic           50.0% of    90 lines",
        "rofs/check       0.0% of    10 lines",
        "total           45.0% of   100 lines"]


@pytest.mark.parametrize("arguments", [("count.py", "meson"), ("count.py", "pytest"),
                                       ("coverage.py",)])
def test_log_that_is_missing(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    done = run(*arguments, tmp_path / "nowhere")
    assert (done.returncode, done.stdout) == (1, "")
    assert "No such file or directory" in done.stderr


def test_quick_boots_cover_each_subject() -> None:
    """A new module of scenarios has one in QUICK, or says that it has none."""
    modules = {module.name: importlib.import_module(f"vm.scenarios.{module.name}")
               for module in pkgutil.iter_modules(scenarios.__path__)}
    covered = {name for name, module in modules.items()
               if any(scenario.name in scenarios.QUICK for scenario in module.SCENARIOS)}
    assert covered | set(scenarios.NOT_QUICK) == modules.keys()
    assert not covered & set(scenarios.NOT_QUICK)
    assert {one.name for one in scenarios.chosen("bookworm", "quick")} == set(scenarios.QUICK)


@pytest.mark.parametrize("name", ["bullseye", "bookworm", "trixie", "sid"])
def test_routine_boots_are_among_all(name: str) -> None:
    routine, every = ([one.name for one in scenarios.chosen(name, boots)]
                      for boots in ("routine", "every"))
    assert routine and set(routine) < set(every)


def test_boots_for_which_there_is_time() -> None:
    """The most telling first, and one of each suite in any case."""
    pairs = [(one.name, suite) for suite in ("bookworm", "sid")
             for one in scenarios.chosen(suite, "routine")]
    assert sorted(scenarios.within(100_000, pairs)) == sorted(pairs)
    first = [("minimal", "bookworm"), ("minimal", "sid")]
    assert scenarios.within(-1, pairs) == first
    some = scenarios.within(1000, pairs)
    assert some[:2] == first
    ranks = [name in scenarios.QUICK for name, _ in some]
    assert ranks == sorted(ranks, reverse=True) and len(ranks) > 4
    assert sum(scenarios.SCENARIOS[name].weight for name, _ in some) < sum(
        scenarios.SCENARIOS[name].weight for name, _ in pairs)


def test_architectures_of_cross_run() -> None:
    """Each has a compiler, an emulator, a loader, and a file for meson beside the common one."""
    text = (SOURCE / "tests/cross/run").read_text()
    for table in ("compiler", "emulator", "loader"):
        rows = re.search(rf"^declare -A {table}=\((.*?)\)$", text, re.M | re.S)
        assert rows is not None
        assert set(re.findall(r"\[(\w+)\]=", rows.group(1))) == ARCHITECTURES.keys(), table
    files = {path.stem for path in (SOURCE / "tests/cross").glob("*.ini")}
    assert files == {"common", *ARCHITECTURES.keys()}

"""What tools/test is made of: the packages it installs, and how it counts."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from support import PACKAGES, SOURCE, need_programs, programs_in

TOOLS = SOURCE / "tools"


def run(tool: str, *arguments: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, str(TOOLS / tool), *map(str, arguments)], text=True,
                          check=False, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def test_package_of_every_program_is_installed() -> None:
    needs = re.search(r"^test_needs=\((.*?)\)", (TOOLS / "lib.sh").read_text(), re.M | re.S)
    assert needs is not None
    assert set(PACKAGES.values()) <= set(needs.group(1).split())


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
    log.write_text("".join(json.dumps({"result": result}) + "\n" for result in results))
    assert run("count.py", "meson", log).stdout == "3 2 1\n"


def test_results_of_pytest(tmp_path: Path) -> None:
    log = tmp_path / "pytest.xml"
    log.write_text("<testsuites><testsuite><testcase/><testcase/><testcase><failure/></testcase>"
                   "<testcase><error/></testcase><testcase><skipped/></testcase></testsuite>"
                   "</testsuites>")
    assert run("count.py", "pytest", log).stdout == "2 2 1\n"


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

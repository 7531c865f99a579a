"""`rofs-verify`, which the two services run, on trees; and the files installed with it."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest
from support import SOURCE, make_status_tree, need_programs, run_program

pytestmark = pytest.mark.sanitized

STATUS = Path(__file__).parent / "status"


def system(tmp_path: Path, number: str) -> Path:
    root = make_status_tree(next(STATUS.glob(f"{number}-*")), tmp_path / "root")
    (root / "run").mkdir()
    return root


def test_all_is_in_force(verify: Path, tmp_path: Path) -> None:
    root = system(tmp_path, "01")
    done = run_program(verify, root=root)
    assert (done.returncode, done.stdout) == (0, "")
    assert done.stderr == ("protected: / read-only, /etc /home /var in RAM, /srv in RAM, "
                           "/var/local/data on /dev/vdb\n")
    assert (root / "run/motd.d/rofs").read_text() == (
        "changes to /etc /home /srv /var are lost at power-off; see rofs diff\n")


@pytest.mark.parametrize(("number", "problems", "motd"), [
    ("03", 1, "rofs: partial: /var/local/data is not on its partition data (LABEL=data): "),
    ("02", 4, "rofs: partial: / is writable: "),
    ("04", 2, "rofs: partial: /etc/rofs.conf:11: unknown key Szie= in [Overlay]; "),
    ("08", 1, "rofs: partial: nothing that rofs.conf declares is mounted in this boot, "),
])
def test_something_is_not(verify: Path, tmp_path: Path, number: str, problems: int,
                          motd: str) -> None:
    root = system(tmp_path, number)
    done = run_program(verify, root=root)
    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == problems
    text = (root / "run/motd.d/rofs").read_text()
    assert text.startswith(motd)
    if problems > 1:
        assert f"; {problems - 1} more, see rofs status\n" in text


@pytest.mark.parametrize("number", ["05", "06", "07", "09"])
def test_boot_without_rofs_has_nothing_to_say(verify: Path, tmp_path: Path, number: str) -> None:
    root = system(tmp_path, number)
    (root / "run/motd.d").mkdir()
    (root / "run/motd.d/rofs").write_text("of another boot\n")
    done = run_program(verify, root=root)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert not (root / "run/motd.d/rofs").exists()


def test_configuration_that_cannot_be_read_is_not_nothing(
    verify: Path, rofs: Path, tmp_path: Path
) -> None:
    """Nobody knows what it declares: rofs is not off, and nobody calls the machine protected."""
    root = system(tmp_path, "07")
    (root / "etc/rofs.conf").unlink()
    (root / "etc/rofs.conf").mkdir()
    message = "/etc/rofs.conf: cannot be read: it is a directory; expected a file"
    done = run_program(verify, root=root)
    assert done.returncode == 1
    assert message in done.stderr
    assert (root / "run/motd.d/rofs").read_text().startswith("rofs: partial: ")

    done = run_program(rofs, "status", root=root)
    assert done.returncode == 1
    assert done.stdout.startswith("partial: ")
    assert message in done.stdout

    done = run_program(rofs, "check", root=root)
    assert done.returncode == 1
    assert "/etc/rofs.conf: error: cannot be read: it is a directory" in done.stdout
    assert "declares nothing" not in done.stdout


def test_swap_that_cannot_be_read_is_not_no_swap(
    verify: Path, rofs: Path, tmp_path: Path
) -> None:
    root = system(tmp_path, "01")
    assert run_program(verify, root=root).returncode == 0  # as of a kernel without swap
    (root / "proc/swaps").mkdir()
    for program in ([verify], [rofs, "status"]):
        done = run_program(*program, root=root)
        assert done.returncode == 1
        assert "protected" not in done.stdout + done.stderr
        assert "cannot read /proc/swaps: Input/output error" in done.stderr


def test_what_is_repaired_is_seen(verify: Path, tmp_path: Path) -> None:
    root = system(tmp_path, "03")
    assert run_program(verify, root=root).returncode == 1
    healthy = next(STATUS.glob("01-*")) / "mountinfo"
    (root / "proc/self/mountinfo").write_text(healthy.read_text())
    assert run_program(verify, root=root).returncode == 0
    assert "partial" not in (root / "run/motd.d/rofs").read_text()


def test_watch_has_nothing_to_say_when_nothing_changed(verify: Path, tmp_path: Path) -> None:
    root = system(tmp_path, "03")
    run_program(verify, root=root)
    before = sorted(str(path) for path in root.rglob("*"))
    for _ in range(2):
        done = run_program(verify, "--watch", root=root)
        assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert sorted(str(path) for path in root.rglob("*")) == before


def test_help_and_wrong_calls(verify: Path, tmp_path: Path) -> None:
    assert run_program(verify, "--help", root=tmp_path).stdout.startswith("Usage: rofs-verify")
    assert run_program(verify, "--version", root=tmp_path).stdout.startswith("rofs-verify ")
    for wrong in ("word", "--wrong"):
        assert run_program(verify, wrong, root=tmp_path).returncode == 2


def test_catalog_explains_each_message() -> None:
    catalog = (SOURCE / "catalog/rofs.catalog").read_text()
    program = (SOURCE / "src/system/event.c").read_text()
    explained = re.findall(r"^-- ([0-9a-f]{32})$", catalog, re.M)
    assert sorted(explained) == sorted(re.findall(r'"([0-9a-f]{32})"', program))
    assert len(set(explained)) == len(explained) > 0
    assert len(re.findall(r"^Subject: .", catalog, re.M)) == len(explained)


def test_journalctl_takes_the_catalog(tmp_path: Path) -> None:
    need_programs("journalctl")
    done = subprocess.run(["journalctl", "--update-catalog", f"--root={tmp_path}"], check=False,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if "root" in done.stdout and "option" in done.stdout:
        pytest.skip("this journalctl does not know --root=")
    directory = tmp_path / "usr/lib/systemd/catalog"
    directory.mkdir(parents=True)
    (directory / "rofs.catalog").write_text((SOURCE / "catalog/rofs.catalog").read_text())
    (tmp_path / "var/lib/systemd/catalog").mkdir(parents=True)
    done = subprocess.run(["journalctl", "--update-catalog", f"--root={tmp_path}"], check=False,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    assert done.returncode == 0, done.stdout
    assert (tmp_path / "var/lib/systemd/catalog/database").stat().st_size > 0

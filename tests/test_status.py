"""`rofs status` on trees with a table of mounts: its text, its JSON, its metrics.

`pytest --update-golden tests/test_status.py` rewrites what is expected; review its diff.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

import pytest
from support import (
    SOURCE,
    Namespace,
    environment,
    make_status_tree,
    make_tree,
    on_terminal,
    parse_json,
    run_program,
    under_valgrind,
)

CASES = sorted((Path(__file__).parent / "status").iterdir())
SCHEMA = SOURCE / "docs/status.schema.json"


@dataclass
class Said:
    """What one run said."""

    status: int
    out: str
    err: str


def run(rofs: Path, root: Path, *arguments: str) -> Said:
    done = run_program(rofs, "status", *arguments, root=root, LC_ALL="C.UTF-8")
    return Said(done.returncode, done.stdout, done.stderr)


def without_padding(text: str) -> str:
    return re.sub(r" +$", "", text, flags=re.M)


@pytest.fixture(params=CASES, ids=lambda path: path.name)
def case(request: pytest.FixtureRequest) -> Path:
    """The folder of one case."""
    return request.param


@pytest.fixture
def system(case: Path, tmp_path: Path) -> Path:
    """The case as a tree."""
    return make_status_tree(case, tmp_path / "root")


@pytest.fixture
def healthy(tmp_path: Path) -> Path:
    """A machine on which all is well."""
    return make_status_tree(Path(__file__).parent / "status/01-all-is-in-force", tmp_path / "root")


@pytest.mark.parametrize(("name", "arguments"), [
    ("text", ()), ("json", ("--json",)), ("metrics", ("--openmetrics",))])
def test_golden(case: Path, system: Path, rofs: Path, name: str, arguments: tuple[str, ...],
                request: pytest.FixtureRequest) -> None:
    said = run(rofs, system, *arguments)
    seen = f"{without_padding(said.out)}exit status {said.status}\n"
    if request.config.getoption("--update-golden"):
        (case / name).write_text(seen)
    assert said.err == ""
    assert seen == (case / name).read_text()


def test_golden_on_a_terminal(case: Path, system: Path, rofs: Path,
                              request: pytest.FixtureRequest) -> None:
    """Colours, and sentences broken at 80 columns."""
    seen = on_terminal([str(rofs), "status"], {
        **environment(system, {"LC_ALL": "C.UTF-8"}), "TERM": "xterm", "SYSTEMD_PAGER": ""})
    # Versions of libsmartcols differ in whether padding has the colour too.
    seen = re.sub(r"( +)(\033\[0m)", r"\2\1", seen.replace("\r", ""))
    seen = without_padding(seen).replace("\033", "\\e")
    if request.config.getoption("--update-golden"):
        (case / "terminal").write_text(seen)
    assert seen == (case / "terminal").read_text()
    if case.name.startswith("01"):
        assert "\\e[1;31m" not in seen and "\\e[33m" not in seen


def test_json_is_as_the_schema_says(system: Path, rofs: Path) -> None:
    answer = parse_json(run(rofs, system, "--json").out, "status.schema.json")
    assert answer["verdict"] in ("protected", "partial", "off")


def test_schema_has_the_fields_that_are_promised() -> None:
    """The interface in one line each: a change of the schema is a change for users."""
    properties = json.loads(SCHEMA.read_text())["properties"]
    assert list(properties) == ["verdict", "boot", "problems", "root", "pools", "overlays",
                                "partitions", "persists"]
    fields = {name: list(properties[name]["items"]["properties"])
              for name in ("problems", "pools", "overlays", "partitions", "persists")}
    assert fields == {
        "problems": ["kind", "severity", "path", "partition", "unit", "reason", "message"],
        "pools": ["name", "path", "unit", "state", "size", "used", "inodes", "inodes_used"],
        "overlays": ["path", "pool", "unit", "state"],
        "partitions": ["name", "device", "unit", "state", "sectors_written", "life_a", "life_b"],
        "persists": ["path", "partition", "directory", "unit", "state"]}
    assert list(properties["root"]["properties"]) == ["readonly", "device", "sectors_written",
                                                      "life_a", "life_b"]
    assert properties["boot"]["enum"] == ["normal", "recovery", "off"]


def test_exit_status_does_not_depend_on_the_form(system: Path, rofs: Path) -> None:
    forms = ((), ("--json",), ("--openmetrics",), ("--raw",), ("--noheadings",))
    assert len({run(rofs, system, *form).status for form in forms}) == 1


def test_columns_can_be_chosen(healthy: Path, rofs: Path) -> None:
    said = run(rofs, healthy, "--output=kind,unit", "--noheadings", "--raw")
    assert said.status == 0
    assert "/var" in run(rofs, healthy, "--output=path", "--raw").out.split()
    assert "overlay rofs-overlay-var.mount" in said.out.splitlines()
    assert "partition rofs-persist-data.mount" in said.out.splitlines()


def test_unknown_column_is_a_wrong_call(healthy: Path, rofs: Path) -> None:
    said = run(rofs, healthy, "--output=PATH,SPEED")
    assert (said.status, said.out) == (2, "")
    assert "unknown column SPEED; expected PATH,KIND," in said.err


@pytest.mark.parametrize("arguments", [["word"], ["--json", "--openmetrics"], ["--jsn"]])
def test_wrong_arguments_are_a_wrong_call(rofs: Path, tmp_path: Path,
                                          arguments: list[str]) -> None:
    said = run(rofs, tmp_path, *arguments)
    assert (said.status, said.out) == (2, "")


def test_emmc_tells_how_worn_it_is(healthy: Path, rofs: Path) -> None:
    life = healthy / "sys/devices/vdb/device/life_time"
    for text, shown in (("0x01 0x03\n", "10%/30%"), ("0x0b 0x01\n", ">100%/10%"),
                        ("0x00 0x02\n", "-/20%"), ("0x00 0x00\n", "")):
        life.write_text(text)
        lines = run(rofs, healthy, "--noheadings", "--output=KIND,LIFE").out.splitlines()
        assert [line.split(None, 1)[1:] for line in lines if line.startswith("partition")] == [
            [shown] if shown else []]


def test_both_memory_types_of_an_emmc_are_exported(healthy: Path, rofs: Path) -> None:
    (healthy / "sys/devices/vdb/device/life_time").write_text("0x01 0x03\n")
    partition, = json.loads(run(rofs, healthy, "--json").out)["partitions"]
    assert (partition["life_a"], partition["life_b"]) == (1, 3)
    metrics = run(rofs, healthy, "--openmetrics").out.splitlines()
    for line in ('rofs_device_life_used_tenths_a{device="/dev/vdb"} 1',
                 'rofs_device_life_used_tenths_b{device="/dev/vdb"} 3'):
        assert line in metrics


def test_without_mounts_it_refuses(healthy: Path, rofs: Path) -> None:
    (healthy / "proc/self/mountinfo").unlink()
    said = run(rofs, healthy)
    assert (said.status, said.out) == (1, "")
    assert said.err == "rofs: cannot examine the system: No such file or directory\n"


def test_configuration_that_is_not_in_force_is_noticed(healthy: Path, rofs: Path) -> None:
    early = healthy / "run/systemd/generator.early"
    early.parent.mkdir(parents=True)
    subprocess.run([str(rofs), "plan", f"--output={early}"], check=True,
                   env=environment(healthy))
    assert "warning" not in run(rofs, healthy).out
    with (healthy / "etc/rofs.conf").open("a") as conf:
        conf.write("[Memory]\nSize=10M\n")
    said = run(rofs, healthy)
    assert said.status == 0
    assert "warning: rofs.conf or fstab has changed since boot, and so has rofs.mount" in said.out
    problem, = json.loads(run(rofs, healthy, "--json").out)["problems"]
    assert (problem["kind"], problem["severity"], problem["unit"]) == (
        "configuration-changed", "warning", "rofs.mount")


CHECKED = "run/initramfs/fsck-root"
TOOLS = "usr/sbin/update-initramfs"
WHY = "fsck in the initramfs has checked it"


@pytest.mark.parametrize(("files", "cmdline", "why"), [
    ({CHECKED: "", TOOLS: "", "etc/fstab": "LABEL=root / ext4 errors=remount-ro 0 1\n"}, "ro",
     f"{WHY}; boot with rofs=off and run: echo fastboot=y >/etc/initramfs-tools/conf.d/rofs && "
     "update-initramfs -u -k all"),
    ({CHECKED: "", TOOLS: "", "etc/initramfs-tools/conf.d/rofs": "fastboot=y\n"}, "ro",
     f"{WHY}, which its configuration no longer asks for; boot with rofs=off and run: "
     "update-initramfs -u -k all"),
    ({CHECKED: ""}, "ro", f"{WHY}; or add fsck.mode=skip to the kernel command line, with which "
     "no partition is checked either"),
    # Its trace is missing: this boot had another initramfs, or none.
    ({TOOLS: "", "etc/fstab": "LABEL=root / ext4 errors=remount-ro 0 1\n"}, "ro", None),
    ({"usr/bin/booster": "", "etc/booster.yaml": "extra_files: fsck,fsck.ext4\n"},
     "rw fsck.mode=skip", f"{WHY}; boot with rofs=off and remove fsck from extra_files"),
    ({"usr/bin/dracut": ""}, "ro", f"{WHY}; boot with rofs=off and run: echo 'nofscks="),
    ({"usr/bin/dracut": ""}, "rw fsck.mode=skip", "rw on the kernel command line has mounted it"),
    ({}, "ro fsck.mode=force", "fsck.mode=force on the kernel command line has forced"),
    ({"forcefsck": ""}, "ro", "the file /forcefsck has forced a full fsck"),
    ({}, "rw", "rw on the kernel command line has mounted it writable"),
    ({}, "ro", None),
])
def test_writes_to_a_read_only_root_are_told(
    files: dict[str, str], cmdline: str, why: str | None, healthy: Path, rofs: Path
) -> None:
    (healthy / "sys/devices/vda/stat").write_text("1 2 3 4 5 6 16 8 9 10 11\n")
    make_tree(healthy, {**files, "proc/cmdline": f"{cmdline}\n"})
    said = run(rofs, healthy)
    assert said.status == 0
    assert ("warning: 16 sectors were written to /dev/vda, the device of /, in this boot, "
            "although / is read-only\n") in said.out
    problem, = parse_json(run(rofs, healthy, "--json").out, "status.schema.json")["problems"]
    assert (problem["kind"], problem["severity"], problem["path"]) == (
        "root-written", "warning", "/")
    assert (problem["reason"] or "").startswith(why or "")
    assert (problem["reason"] is None) == (why is None)


@pytest.mark.root
def test_overlaid_configuration_that_differs_is_noticed(
    in_namespace: Namespace, rofs: Path, tmp_path: Path
) -> None:
    case = Path(__file__).parent / "status/01-all-is-in-force"
    root = make_status_tree(case, tmp_path / "root")
    done = in_namespace(f"""
mount -t tmpfs -o mode=700 rofs {root}/rofs
mkdir {root}/rofs/ro
mount -t tmpfs none {root}/rofs/ro
mkdir {root}/rofs/ro/etc
cp {root}/etc/rofs.conf {root}/rofs/ro/etc
cp -r {root}/var {root}/home {root}/tmp {root}/srv {root}/rofs/ro
mkdir {root}/rofs/ro/rofs
export ROFS_ROOT={root}
{rofs} status | grep -c differs || true
echo '# a remark' >>{root}/etc/rofs.conf
{rofs} status | grep differs
rm {root}/etc/rofs.conf
{rofs} status | grep -c differs
""")
    assert done.stderr == ""
    first, second, third = done.stdout.splitlines()
    assert first == "0"
    assert second == ("  warning: /etc/rofs.conf differs from the one in force, "
                      "/rofs/ro/etc/rofs.conf: the change is in RAM and lost at power-off")
    assert third == "1"


@pytest.mark.parametrize("arguments", [
    "status", "status --json", "status --openmetrics", "check", "plan"])
def test_valgrind_or_sanitizers_find_nothing(healthy: Path, rofs: Path, arguments: str) -> None:
    done = subprocess.run(
        [*under_valgrind(rofs), str(rofs), *arguments.split()], env=environment(healthy),
        check=False, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    assert done.returncode == 0, done.stderr.decode()


def test_mounts_of_this_machine_are_understood(rofs: Path) -> None:
    """Whatever runs the tests, a container or not: an answer, no crash."""
    done = subprocess.run([str(rofs), "status", "--json"], env=environment(None), check=False,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert done.returncode in (0, 1, 4), done.stderr
    assert json.loads(done.stdout)["verdict"] in ("protected", "partial", "off")


def test_ordinary_user_gets_an_answer(rofs: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can become another user: run through sudo, as tools/test does")
    with tempfile.TemporaryDirectory() as name:
        top = Path(name)
        top.chmod(0o755)
        root = make_status_tree(Path(__file__).parent / "status/01-all-is-in-force", top / "root")
        copy = shutil.copy(rofs, top / "rofs-copy")
        (root / "rofs").chmod(0o700)
        # A mount point that is not for him to see is none of his business.
        (root / "private").mkdir(0o700)
        with (root / "etc/fstab").open("a") as fstab:
            fstab.write("LABEL=disk /private/disk ext4 noauto 0 0\n")
        done = subprocess.run(
            ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", copy, "status"],
            env=environment(root), check=False, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(b"protected: ")

"""`rofs status` on trees with a table of mounts: its text, its JSON, its metrics.

`pytest --update-golden tests/test_status.py` rewrites what is expected; review its diff.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from support import (
    SOURCE,
    Namespace,
    environment,
    make_status_tree,
    make_tree,
    need_root,
    on_terminal,
    parse_json,
    run_program,
    under_valgrind,
)

pytestmark = pytest.mark.sanitized

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
    assert list(properties) == ["verdict", "boot", "problems", "root", "maintenance",
                                "reboot_pending", "kept", "pools", "overlays", "partitions",
                                "persists"]
    fields = {name: list(properties[name]["items"]["properties"])
              for name in ("problems", "pools", "overlays", "partitions", "persists")}
    assert fields == {
        "problems": ["kind", "severity", "path", "partition", "unit", "reason", "message"],
        "pools": ["name", "path", "unit", "state", "size", "used", "inodes", "inodes_used"],
        "overlays": ["path", "pool", "unit", "state"],
        "partitions": ["name", "device", "unit", "state", "sectors_written", "life_a", "life_b"],
        "persists": ["path", "partition", "directory", "unit", "state"]}
    assert list(properties["root"]["properties"]) == [
        "readonly", "superblock_writable", "device", "devices", "sectors_written", "life_a",
        "life_b"]
    kept = properties["kept"]["properties"]
    assert list(kept) == ["bytes", "transactions"]
    assert list(kept["transactions"]["items"]["properties"]) == [
        "number", "kind", "time", "paths", "bytes"]
    assert list(properties["maintenance"]["properties"]) == ["next_boot"]
    assert properties["boot"]["enum"] == ["normal", "recovery", "maintenance", "off"]


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


KMSG = "dev/kmsg"
REPLAYED = "6,700,1234567,-;EXT4-fs ({device}): recovery complete\n"
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
    ({KMSG: REPLAYED.format(device="vda")}, "rw", "the kernel has replayed its journal, as the "
     "machine was not shut down properly"),
    ({KMSG: "6,1,2,-;BTRFS info (device vda): start tree-log replay\n"}, "ro",
     "the kernel has replayed its journal"),
    ({KMSG: REPLAYED.format(device="vda1")}, "ro", None),
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


@pytest.mark.unemulated
@pytest.mark.parametrize("arguments", [
    "status", "status --json", "status --openmetrics", "check", "plan"])
def test_valgrind_or_sanitizers_find_nothing(healthy: Path, rofs: Path, arguments: str) -> None:
    done = subprocess.run(
        [*under_valgrind(rofs), str(rofs), *arguments.split()],
        env=environment(healthy, {"ASAN_OPTIONS": "detect_leaks=1"}),
        check=False, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    assert done.returncode == 0, done.stderr.decode()


def test_mounts_of_this_machine_are_understood(rofs: Path) -> None:
    """Whatever runs the tests, a container or not: an answer, no crash."""
    done = subprocess.run([str(rofs), "status", "--json"], env=environment(None), check=False,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert done.returncode in (0, 1, 4), done.stderr
    assert json.loads(done.stdout)["verdict"] in ("protected", "partial", "off")


@pytest.fixture
def top() -> Iterator[Path]:
    """A directory that all users may enter, unlike those of pytest."""
    need_root("only root can become another user")
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        directory.chmod(0o755)
        yield directory


@pytest.fixture
def ordinary(top: Path, rofs: Path) -> list[str]:
    """How an ordinary user calls the command, of which there is a copy for him."""
    copy = shutil.copy(rofs, top / "rofs-copy")
    return ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", str(copy)]


@pytest.mark.unemulated
def test_ordinary_user_gets_an_answer(top: Path, ordinary: list[str]) -> None:
    root = make_status_tree(Path(__file__).parent / "status/01-all-is-in-force", top / "root")
    (root / "rofs").chmod(0o700)
    # A mount point that is not for him to see is none of his business.
    (root / "private").mkdir(0o700)
    with (root / "etc/fstab").open("a") as fstab:
        fstab.write("LABEL=disk /private/disk ext4 noauto 0 0\n")
    command = [*ordinary, "status"]
    done, metrics = (subprocess.run([*command, *more], env=environment(root), check=False,
                                    stdout=subprocess.PIPE, stderr=subprocess.PIPE)
                     for more in ([], ["--openmetrics"]))
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(b"protected: ")
    assert b"rofs_root_superblock_writable 0\n" in metrics.stdout
    assert b"rofs_kept_bytes" not in metrics.stdout  # unknown is not 0


BOOT = "01234567-89ab-cdef-0123-456789abcdef"
RECORD = """rofs-transaction 1
{number} 0 {kind} 1700000000 {boot} 0 2048 1 2
rofs\\x20{kind}
/rofs/ro
new 0 1 2 0 0 0 1073741822 staging/slots/1 /var/lib/a
gone 0 3 0 0 0 0 1073741822 staging/slots/2 /etc/b
end
"""


def add_kept(root: Path, number: int, kind: str, boot: str = BOOT) -> None:
    """What a transaction leaves on the root file system."""
    text = RECORD.format(number=number, kind=kind, boot=boot)
    make_tree(root, {f"rofs/ro/rofs/kept.{number}/record": text,
                     f"rofs/ro/rofs/kept.{number}/slots/1": "x" * 5000,
                     "proc/sys/kernel/random/boot_id": f"{BOOT}\n"})


def test_commits_of_this_boot_are_shown(healthy: Path, rofs: Path) -> None:
    add_kept(healthy, 3, "chroot", boot=BOOT.replace("0", "f"))
    add_kept(healthy, 4, "commit")
    said = run(rofs, healthy)
    assert re.search(r"^  on flash: commit at \d\d:\d\d \(2 paths, 2 KiB\); old files take \d+ "
                     r"KiB, see rofs log$", said.out, re.M)
    assert said.status == 0
    answer = parse_json(run(rofs, healthy, "--json").out, "status.schema.json")
    assert answer["kept"]["transactions"] == [
        {"number": 4, "kind": "commit", "time": 1700000000, "paths": 2, "bytes": 2048}]
    assert answer["kept"]["bytes"] >= 2 * 5000
    assert answer["reboot_pending"] is False
    assert answer["problems"] == []


def metrics_of_flash(rofs: Path, root: Path) -> dict[str, int]:
    """Those that concern what is written to flash, without the prefix of all."""
    names = ("root_superblock_writable", "transaction_unfinished", "reboot_pending",
             "maintenance_next", "kept_bytes")
    lines = run(rofs, root, "--openmetrics").out.splitlines()
    return {name: int(line.split()[1]) for name in names for line in lines
            if line.startswith(f"rofs_{name} ")}


def test_metrics_of_transactions(healthy: Path, rofs: Path) -> None:
    assert metrics_of_flash(rofs, healthy) == {
        "root_superblock_writable": 0, "transaction_unfinished": 0, "reboot_pending": 0,
        "maintenance_next": 0, "kept_bytes": 0}
    add_kept(healthy, 4, "chroot")
    make_tree(healthy, {"rofs/ro/rofs/maintenance": "", "rofs/ro/rofs/commit/record": ""})
    table = healthy / "proc/self/mountinfo"
    table.write_text(re.sub(r"^(.* / / ro\S* .*) ro(\S*)$", r"\1 rw\2", table.read_text(),
                            flags=re.M))
    found = metrics_of_flash(rofs, healthy)
    assert found.pop("kept_bytes") >= 5000
    assert found == {"root_superblock_writable": 1, "transaction_unfinished": 1,
                     "reboot_pending": 1, "maintenance_next": 1}


def test_old_files_are_measured_once_for_each_transaction(
    healthy: Path, rofs: Path, verify: Path
) -> None:
    """There may be a hundred thousand of them, and rofs-watch comes every few minutes."""
    def kept_bytes() -> int:
        return int(parse_json(run(rofs, healthy, "--json").out, "status.schema.json")
                   ["kept"]["bytes"])

    add_kept(healthy, 4, "commit")
    before = kept_bytes()
    subprocess.run([verify], env=environment(healthy), check=True, stderr=subprocess.DEVNULL)
    make_tree(healthy, {"rofs/ro/rofs/kept.4/slots/2": "x" * 50000})
    assert kept_bytes() == before
    (healthy / "rofs/ro/rofs/kept.4/record").write_text("not read again")
    said = parse_json(run(rofs, healthy, "--json").out, "status.schema.json")
    assert [t["number"] for t in said["kept"]["transactions"]] == [4]
    # A transaction renames something there.
    add_kept(healthy, 5, "commit")
    assert kept_bytes() >= before + 55000


def test_upgrade_is_completed_by_a_reboot(healthy: Path, rofs: Path, verify: Path) -> None:
    add_kept(healthy, 4, "chroot")
    add_kept(healthy, 5, "commit")
    answer = parse_json(run(rofs, healthy, "--json").out, "status.schema.json")
    assert answer["reboot_pending"] is True
    assert [p["kind"] for p in answer["problems"]] == ["reboot-pending"]
    assert answer["verdict"] == "protected"
    subprocess.run([verify], env=environment(healthy), check=True, stderr=subprocess.DEVNULL)
    assert "rofs: a reboot completes what rofs chroot" in (healthy / "run/motd.d/rofs").read_text()


@pytest.mark.parametrize("name", ["commit", "pending.4"])
def test_commit_that_is_not_finished_is_an_error(
    healthy: Path, rofs: Path, verify: Path, name: str
) -> None:
    (healthy / "rofs/ro/rofs" / name).mkdir(parents=True)
    answer = parse_json(run(rofs, healthy, "--json").out, "status.schema.json")
    assert answer["verdict"] == "partial"
    assert [(p["kind"], p["unit"]) for p in answer["problems"]] == [
        ("commit-unfinished", "rofs-finish.service")]
    done = subprocess.run([verify], env=environment(healthy), check=False,
                          stderr=subprocess.DEVNULL)
    assert done.returncode == 1


def test_next_boot_that_is_a_maintenance_boot_is_told(
    healthy: Path, rofs: Path, verify: Path
) -> None:
    make_tree(healthy, {"rofs/ro/rofs/maintenance": ""})
    answer = parse_json(run(rofs, healthy, "--json").out, "status.schema.json")
    assert answer["boot"] == "normal"
    assert answer["maintenance"] == {"next_boot": True}
    assert [p["kind"] for p in answer["problems"]] == ["maintenance-next"]
    subprocess.run([verify], env=environment(healthy), check=True, stderr=subprocess.DEVNULL)
    assert "the next boot is a maintenance boot" in (healthy / "run/motd.d/rofs").read_text()


@pytest.mark.parametrize("stays", [False, True])
def test_maintenance_boot(healthy: Path, rofs: Path, verify: Path, stays: bool) -> None:
    make_tree(healthy, {"run/rofs/maintenance": "", **({"rofs/maintenance": ""} if stays else {})})
    said = run(rofs, healthy)
    assert said.status == 4
    assert said.out.startswith("off: rofs does nothing in this boot: this is a maintenance boot\n")
    answer = parse_json(run(rofs, healthy, "--json").out, "status.schema.json")
    assert (answer["verdict"], answer["boot"]) == ("off", "maintenance")
    assert [p["kind"] for p in answer["problems"]] == ["maintenance-stays"] * stays
    assert ("/rofs/maintenance still exists" in said.out) == stays
    done = subprocess.run([verify], env=environment(healthy), check=False,
                          stderr=subprocess.DEVNULL)
    assert done.returncode == int(stays)
    motd = (healthy / "run/motd.d/rofs").read_text()
    assert motd.startswith("rofs: this is a maintenance boot: / is writable")
    assert ("protected again" in motd) != stays
    assert not (healthy / "run/rofs-watch/in-force").exists()


def test_sectors_of_a_commit_are_no_surprise(tmp_path: Path, rofs: Path) -> None:
    root = make_status_tree(Path(__file__).parent / "status/01-all-is-in-force", tmp_path / "root")
    stat = next((root / "sys/dev/block").glob("254:0")) / "stat"
    stat.write_text("1 0 8 0 2 0 16 0 0 0 0\n")
    kinds = [p["kind"] for p in json.loads(run(rofs, root, "--json").out)["problems"]]
    assert kinds == ["root-written"]
    # As rofs-device leaves it, and as a commit does.
    for text, found in ("", ["root-written"]), ("1234 rofs\n", []):
        make_tree(root, {"run/rofs/transaction.lock": text})
        problems = json.loads(run(rofs, root, "--json").out)["problems"]
        assert [p["kind"] for p in problems] == found


@pytest.mark.unemulated
def test_devices_of_the_root_may_be_unknown_to_an_ordinary_user(
    top: Path, ordinary: list[str]
) -> None:
    root = make_status_tree(
        Path(__file__).parent / "status/12-device-of-the-root-is-read-only", top / "root")
    command = [*ordinary, "status", "--json"]
    answers = []
    for mode in (0o755, 0o700):
        (root / "run/rofs").chmod(mode)
        done = subprocess.run(command, env=environment(root), check=False, text=True,
                              stdout=subprocess.PIPE)
        assert done.returncode == 0, done.stdout
        answers.append(parse_json(done.stdout, "status.schema.json"))
    known, unknown = answers
    assert [d["name"] for d in known["root"].pop("devices")] == ["/dev/vda", "/dev/vdb"]
    assert unknown["root"].pop("devices") is None
    assert unknown == known


@pytest.mark.unemulated
def test_ordinary_user_reads_what_is_published(
    top: Path, ordinary: list[str], verify: Path
) -> None:
    root = make_status_tree(Path(__file__).parent / "status/01-all-is-in-force", top / "root")
    (root / "rofs").chmod(0o700)
    command = [*ordinary, "status", "--json"]
    unknown = json.loads(subprocess.run(command, env=environment(root), check=True,
                                        stdout=subprocess.PIPE).stdout)
    add_kept(root, 4, "chroot")
    subprocess.run([verify], env=environment(root), check=True, stderr=subprocess.DEVNULL)
    known = json.loads(subprocess.run(command, env=environment(root), check=True,
                                      stdout=subprocess.PIPE).stdout)
    assert unknown["reboot_pending"] is unknown["kept"]["bytes"] is None
    assert unknown["maintenance"] == {"next_boot": None}
    assert known["reboot_pending"] is True
    assert [t["number"] for t in known["kept"]["transactions"]] == [4]
    assert known["kept"]["bytes"] > 0


@pytest.mark.parametrize("kind", ["file", "link"])
def test_no_place_for_transactions_is_no_failure(healthy: Path, rofs: Path, kind: str) -> None:
    (healthy / "rofs/ro").mkdir(parents=True)
    place = healthy / "rofs/ro/rofs"
    if kind == "file":
        place.touch()
    else:
        place.symlink_to("/")
    assert run(rofs, healthy).status == 0
    assert json.loads(run(rofs, healthy, "--json").out)["kept"]["bytes"] is None

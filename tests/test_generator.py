"""The generator, run as systemd runs it, on trees that each show one thing.

`pytest --update-golden tests/test_generator.py` rewrites what is expected; review its diff.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Optional

import pytest
from support import (
    RUN_SECONDS_MAX,
    Namespace,
    Run,
    environment,
    is_sanitized,
    make_golden_tree,
    make_tree,
    need_programs,
    run_generator,
    snapshot,
    verify,
)
from vm.scenario import MINIMAL_CONF

pytestmark = pytest.mark.sanitized

GOLDEN = sorted((Path(__file__).parent / "golden").iterdir())


def write_snapshot(top: Path, found: dict[str, str]) -> None:
    """The reverse of snapshot()."""
    shutil.rmtree(top, ignore_errors=True)
    for name, text in found.items():
        path = top / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if text.startswith("-> "):
            path.symlink_to(text[3:])
        else:
            path.write_bytes(text.encode(errors="surrogateescape"))


@pytest.fixture(params=GOLDEN, ids=lambda path: path.name)
def golden(request: pytest.FixtureRequest) -> Path:
    """The folder of one golden test."""
    return request.param


@pytest.fixture
def golden_run(golden: Path, generator: Path, tmp_path: Path) -> Run:
    """What the generator made of it."""
    make_golden_tree(golden, tmp_path / "root")
    return run_generator(generator, tmp_path / "root", tmp_path)


def test_golden(golden: Path, golden_run: Run, request: pytest.FixtureRequest) -> None:
    if request.config.getoption("--update-golden"):
        write_snapshot(golden / "expected", golden_run.early)
        (golden / "stderr").write_bytes(golden_run.stderr.encode(errors="surrogateescape"))
        (golden / "status").write_text(f"{golden_run.status}\n")
    stderr = (golden / "stderr").read_bytes().decode(errors="surrogateescape")
    assert golden_run.stderr == stderr
    assert golden_run.early == snapshot(golden / "expected")
    assert golden_run.status == int((golden / "status").read_text())
    assert golden_run.normal == {}
    assert golden_run.late == {}


def test_systemd_accepts_golden(golden: Path, golden_run: Run, tmp_path: Path) -> None:
    assert verify(tmp_path / "generator.early", tmp_path / "root/etc/systemd/system") == []


def test_golden_names_are_sentences() -> None:
    numbers = [path.name.split("-")[0] for path in GOLDEN]
    assert len(numbers) == len(set(numbers))
    assert all(len(path.name.split("-")) >= 4 for path in GOLDEN)


@pytest.fixture
def minimal(tmp_path: Path) -> Path:
    """A system with the minimal configuration."""
    return make_tree(tmp_path / "root", {"etc/rofs.conf": MINIMAL_CONF})


def test_one_directory_gets_everything(minimal: Path, generator: Path, tmp_path: Path) -> None:
    three = run_generator(generator, minimal, tmp_path)
    one = tmp_path / "one"
    subprocess.run([str(generator), str(one)], env=environment(minimal), check=True)
    assert snapshot(one) == three.early


def test_two_runs_give_the_same_bytes(minimal: Path, generator: Path, tmp_path: Path) -> None:
    first = run_generator(generator, minimal, tmp_path / "1")
    second = run_generator(generator, minimal, tmp_path / "2")
    assert first == second


def test_masks_of_the_command_line_are_left_to_systemd(generator: Path, tmp_path: Path) -> None:
    """systemd-debug-generator writes them to the same directory, before or after rofs."""
    root = make_tree(tmp_path / "root", {
        "etc/rofs.conf": "[Overlay /home]\n[Overlay /var]\n",
        "proc/cmdline": "ro systemd.mask=home.mount systemd.mask=rofs-prepare-retry.service\n",
    })
    early = tmp_path / "generator.early"
    early.mkdir()
    for name in ("home.mount", "rofs-prepare-retry.service"):
        (early / name).symlink_to("/dev/null")
    run = run_generator(generator, root, tmp_path)
    assert "var.mount" in run.early
    assert run.early["home.mount"] == run.early["rofs-prepare-retry.service"] == "-> /dev/null"


@pytest.mark.parametrize("arguments", [[], ["a", "b"], ["a", "b", "c", "d"], ["--nonsense", "a"]])
def test_wrong_arguments_are_status_2(
    generator: Path, minimal: Path, tmp_path: Path, arguments: list[str]
) -> None:
    done = subprocess.run([str(generator), *arguments], env=environment(minimal), cwd=tmp_path,
                          check=False, stderr=subprocess.PIPE)
    assert done.returncode == 2
    assert done.stderr
    assert sorted(p.name for p in tmp_path.iterdir()) == ["root"]


@pytest.mark.parametrize("argument", ["--help", "--version"])
def test_help_goes_to_stdout(generator: Path, argument: str) -> None:
    done = subprocess.run([str(generator), argument], check=True, capture_output=True, text=True)
    assert "rofs-generator" in done.stdout
    assert done.stderr == ""


def test_root_that_is_not_there_is_told(generator: Path, tmp_path: Path) -> None:
    run = run_generator(generator, tmp_path / "nowhere", tmp_path)
    assert run.status == 1
    assert "No such file or directory" in run.stderr
    assert run.early == {}


# Kinds of files that git does not keep.


@pytest.mark.parametrize("place", ["etc/rofs.conf", "etc/rofs.conf.d/10-x.conf", "etc/fstab"])
@pytest.mark.parametrize("kind", ["fifo", "huge", "directory"])
def test_unreadable_file_is_told_and_the_rest_happens(
    generator: Path, tmp_path: Path, place: str, kind: str
) -> None:
    other = "usr/lib/rofs.conf.d/90-rest.conf"
    root = make_tree(tmp_path / "root", {other: "[Overlay /var]\n"}, ["etc/rofs.conf.d"])
    if kind == "fifo":
        os.mkfifo(root / place)
    elif kind == "directory":
        (root / place).mkdir()
    else:
        with (root / place).open("wb") as file:
            file.truncate(100 * 1024 * 1024)
    run = run_generator(generator, root, tmp_path)
    assert run.status == 1
    assert f"/{place}: cannot be read: " in run.stderr
    assert "var.mount" in run.early
    assert run.early["local-fs.target.wants/var.mount"] == "-> ../var.mount"


ROOT = b"/dev/sda1 / ext4 defaults 0 1\n"
HOME = b"/dev/sda2 /home ext4 "
NUL = "NUL byte in the line; it hides what follows it, and the line below"
TOO_LONG = "line longer than 4095 bytes; what follows these is ignored"
LONG = b"x-long=" + b"a" * (4095 - len(HOME + b"x-long="))


FSTAB = {
    "zeros": (bytes(4096), [f"1: {NUL}"]),
    "zeros in two lines": (ROOT + HOME + b"defaults\0,nosuid,nodev 0 2\n" + ROOT + b"# \0",
                           [f"2: {NUL}", f"4: {NUL}"]),
    "flags are cut": (ROOT + HOME + LONG + b",nosuid,nodev,noexec 0 2\n", [f"2: {TOO_LONG}"]),
    "a byte is cut": (ROOT + HOME + LONG + b"a\n", [f"2: {TOO_LONG}"]),
    "longest": (ROOT + HOME + LONG + b"\n", []),
    "long comment": (b" # " + LONG * 5 + b"\n" + ROOT, []),
    "ordinary": (b"\n" * 9 + ROOT, []),
}


@pytest.mark.parametrize(("text", "expected"), FSTAB.values(), ids=FSTAB.keys())
def test_fstab_of_which_a_part_counts_is_told(
    generator: Path, tmp_path: Path, text: bytes, expected: list[str]
) -> None:
    root = make_tree(tmp_path / "root", {"etc/rofs.conf": "[Overlay /home]\n"}, ["home"])
    (root / "etc/fstab").write_bytes(text)
    run = run_generator(generator, root, tmp_path)
    assert re.findall("^/etc/fstab:(.*)\n", run.stderr, re.MULTILINE) == expected
    assert run.status == (1 if expected else 0)
    assert "home.mount" in run.early


@pytest.mark.parametrize(("kind", "why"), [
    ("fifo", "it is not a regular file"),
    ("directory", "it is a directory; expected a file"),
    ("huge", "it is larger than 1 MiB"),
    ("loop", "Too many levels of symbolic links"),
    ("/etc/nowhere", "it is a symbolic link to a path that does not exist"),
    ("nowhere/deeper", "it is a symbolic link to a path that does not exist"),
    ("/dev/null", None),
    ("missing", None),
])
def test_fstab_that_cannot_be_read_is_told_as_rofs_conf_is(
    generator: Path, tmp_path: Path, kind: str, why: Optional[str]
) -> None:
    root = make_tree(tmp_path / "root", {"etc/rofs.conf": "[Overlay /home]\n"}, ["home"])
    if kind != "missing":
        put(root, "etc/fstab", kind)
    run = run_generator(generator, root, tmp_path)
    lines = [line for line in run.stderr.splitlines() if "fstab" in line]
    assert lines == ([f"/etc/fstab: cannot be read: {why}"] if why else [])
    assert run.status == (1 if why else 0)
    assert "home.mount" in run.early


def put(root: Path, place: str, kind: str) -> None:
    """Something at @place that is no file that can be read."""
    (root / place).parent.mkdir(parents=True, exist_ok=True)
    if kind == "fifo":
        os.mkfifo(root / place)
    elif kind == "directory":
        (root / place).mkdir()
    elif kind == "huge":
        (root / place).write_text("# \n" * 400000)
    elif kind == "loop":
        (root / place).symlink_to((root / place).name)
    else:
        (root / place).symlink_to(kind)


UNREADABLE = ("fifo", "directory", "huge", "loop", "/etc/nowhere", "nowhere/deeper")


@pytest.mark.parametrize("place, kind", [
    *((place, kind) for place in ("etc/rofs.conf", "usr/lib/rofs.conf", "etc/rofs.conf.d/10-x.conf",
                                  "run/rofs.conf.d/10-x.conf") for kind in UNREADABLE),
    *(("etc/rofs.conf.d", kind) for kind in UNREADABLE if kind != "directory"),
])
def test_configuration_that_cannot_be_read_keeps_root_read_only(
    generator: Path, tmp_path: Path, place: str, kind: str
) -> None:
    """Nobody knows what it declares, and that is not nothing."""
    root = make_tree(tmp_path / "root", {"usr/lib/rofs.conf.d/10-x.conf": "# nothing\n"})
    put(root, place, kind)
    run = run_generator(generator, root, tmp_path)
    assert run.status == 1
    assert re.search(f"^/{place}: cannot be read: .", run.stderr, re.MULTILINE)
    assert run.early["rofs.fstab"].endswith("\n/dev/root / auto ro 0 0\n")
    assert "systemd-remount-fs.service.d/90-rofs.conf" in run.early
    assert "tmp.mount" in run.early
    for unit in ("rofs-verify.service", "systemd-remount-fs.service"):
        assert f"local-fs.target.wants/{unit}" in run.early


@pytest.mark.parametrize("text", ["nonsense\n", "Size=1M\n", "[Overlay /var\n", "[Mount /var]\n"])
def test_configuration_of_mistakes_only_keeps_root_read_only(
    generator: Path, tmp_path: Path, text: str
) -> None:
    root = make_tree(tmp_path / "root", {"etc/rofs.conf": text})
    run = run_generator(generator, root, tmp_path)
    assert run.status == 1
    assert "local-fs.target.wants/rofs-verify.service" in run.early
    assert "rofs.fstab" in run.early


def test_link_that_leads_nowhere_hides_files_of_its_name(generator: Path, tmp_path: Path) -> None:
    """It is the file of that name: what is in a lower directory does not replace it."""
    root = make_tree(tmp_path / "root", {"usr/lib/rofs.conf": "[Overlay /var]\n",
                                         "usr/lib/rofs.conf.d/10.conf": "[Overlay /home]\n"})
    put(root, "etc/rofs.conf", "nowhere")
    put(root, "etc/rofs.conf.d/10.conf", "nowhere")
    run = run_generator(generator, root, tmp_path)
    assert run.stderr.startswith(
        "/etc/rofs.conf: cannot be read: it is a symbolic link to a path that does not exist\n"
        "/etc/rofs.conf.d/10.conf: cannot be read: it is a symbolic link to a path that does not")
    assert not {"var.mount", "home.mount"} & set(run.early)


@pytest.mark.parametrize("kind", ["fifo", "directory", "huge", "loop"])
def test_command_line_that_cannot_be_read_is_told(
    generator: Path, tmp_path: Path, kind: str
) -> None:
    """It may hold rofs=off, but a writable root is nothing to guess."""
    root = make_tree(tmp_path / "root", {"etc/rofs.conf": "[Overlay /var]\n"})
    (root / "proc/cmdline").unlink(missing_ok=True)
    put(root, "proc/cmdline", kind)
    run = run_generator(generator, root, tmp_path)
    assert run.status == 1
    assert re.match("/proc/cmdline: cannot be read: .*; assuming an ordinary boot\n", run.stderr)
    assert "var.mount" in run.early


def test_drop_in_name_that_is_no_text_is_refused(generator: Path, tmp_path: Path) -> None:
    root = make_tree(tmp_path / "root", {"etc/rofs.conf": "[Overlay /var]\n"}, ["etc/rofs.conf.d"])
    folder = os.fsencode(root / "etc/rofs.conf.d")
    for name in (b"a\n[Mount].conf", b"b\xff.conf"):
        with open(folder + b"/" + name, "w") as file:
            file.write("[Overlay /home]\n")
    run = run_generator(generator, root, tmp_path)
    assert run.status == 1
    assert "a\\x0a[Mount].conf: cannot be read" in run.stderr
    assert "home.mount" not in run.early
    assert "var.mount" in run.early


@pytest.mark.unemulated
def test_more_than_a_thousand_mistakes_are_counted(
    generator: Path, tmp_path: Path, build_dir: Path
) -> None:
    """Half a million took 513 MiB, and 20 s before anything is mounted."""
    files = {f"etc/rofs.conf.d/{i}.conf": "x\n" * 50_000 for i in range(10)}
    root = make_tree(tmp_path / "root", {"etc/rofs.conf": "[Overlay /home]\n", **files})
    limits = [] if is_sanitized(build_dir) else ["prlimit", f"--as={32 << 20}"]
    done = subprocess.run([*limits, str(generator), str(tmp_path / "out")], text=True,
                          env=environment(root), stdin=subprocess.DEVNULL, timeout=RUN_SECONDS_MAX,
                          stderr=subprocess.PIPE, check=False)
    lines = done.stderr.splitlines()
    assert done.returncode == 1
    assert sum(": missing '='" in line for line in lines) == 1000
    assert lines[1000:-1] == ["499000 more errors and warnings are not shown"]
    assert "home.mount" in snapshot(tmp_path / "out")


def test_thousand_mistakes_are_all_told(generator: Path, tmp_path: Path) -> None:
    text = "".join(f"[Overlay /var/{i}]\nSzie=1\n" for i in range(1000))
    root = make_tree(tmp_path / "root", {"etc/rofs.conf": text})
    run = run_generator(generator, root, tmp_path)
    assert run.status == 1
    assert run.stderr.count("did you mean Size=?") == 1000


# Once the system runs, what is read is the untouched lower layer.

RELOAD = """
mount -t tmpfs rofs root/rofs
mkdir root/rofs/ro up
mount --bind -o private root root/rofs/ro
mount -t tmpfs up up
mkdir up/upper up/work
mount -t overlay overlay -o lowerdir=root/etc,upperdir=up/upper,workdir=up/work root/etc
echo '[Overlay /home]' > root/etc/rofs.conf
echo nonsense > root/etc/fstab
mkdir -p root/etc/rofs.conf.d
echo nonsense > root/etc/rofs.conf.d/10-x.conf
mount -t tmpfs home root/home
env ROFS_LOG=stderr ROFS_ROOT="$PWD/root" {generator} after
"""


@pytest.mark.root
def test_reload_reads_below_the_overlay(
    in_namespace: Namespace, generator: Path, minimal: Path, tmp_path: Path
) -> None:
    (minimal / "etc/fstab").write_text("LABEL=h /home ext4 defaults 0 2\n")
    before = run_generator(generator, minimal, tmp_path)
    done = in_namespace(RELOAD.format(generator=generator))
    assert done.returncode == 0, done.stderr
    assert snapshot(tmp_path / "after") == before.early
    assert done.stderr == before.stderr


@pytest.mark.unemulated
def test_generator_links_libc_alone(generator: Path) -> None:
    """Each further library costs time in every boot, before anything is mounted."""
    need_programs("readelf")
    done = subprocess.run(["readelf", "-d", str(generator)], check=True, text=True,
                          stdout=subprocess.PIPE)
    needed = re.findall(r"\(NEEDED\).*\[(.+)\]", done.stdout)
    sanitizers = ("libasan", "libubsan", "libm.", "libgcc_s", "libpthread", "libdl", "librt")
    assert [n for n in needed if not n.startswith(sanitizers)] == ["libc.so.6"]


NOTES = ("[Overlay /var]\n[Partition data]\nDevice=LABEL=data\n"
         "[Persist /home/eve/notes]\nPartition=data\n")
UNTRUSTED = (
    "/etc/rofs.conf:4: [Persist /home/eve/notes]: the path leads through a symbolic link that "
    "users other than root could have made or moved, so nothing is mounted there")
LINKS = {
    # name: owners of the tree, of home/eve and of the link in it, mode of home/eve; is it followed?
    "of the owner of the tree": (1000, 1000, 1000, 0o755, True),
    "of root": (1000, 0, 0, 0o755, True),
    "of another": (1000, 1000, 4242, 0o755, False),
    "of root, in a directory of another": (1000, 4242, 0, 0o755, False),
    "in a directory for the group": (0, 0, 0, 0o2775, False),
    "in a directory for all": (0, 0, 0, 0o757, False),
    "in a sticky directory": (0, 0, 0, 0o1777, False),
}


@pytest.mark.root
@pytest.mark.parametrize("name", LINKS)
@pytest.mark.parametrize("below", ["", "/deeper"])
def test_link_that_a_user_could_have_made_leads_nowhere(
    generator: Path, tmp_path: Path, name: str, below: str
) -> None:
    """He could have made it in a writable boot, to have a persist bound over another place. And he
    could have moved one that root has made, or a directory of root's in which one is."""
    owner, above, itself, mode, followed = LINKS[name]
    conf = NOTES.replace("/eve/notes", f"/eve{below}/notes")
    root = make_tree(tmp_path / "root", {"etc/rofs.conf": conf},
                     [f"home/eve{below}", "srv/notes"])
    os.chown(root, owner, 0)
    os.chown(root / "home/eve", above, 0)
    (root / "home/eve").chmod(mode)
    link = root / f"home/eve{below}/notes"
    link.symlink_to("/srv/notes")
    os.chown(link, itself, 0, follow_symlinks=False)
    run = run_generator(generator, root, tmp_path)
    assert run.status == (0 if followed else 1)
    assert ("srv-notes.mount" in run.early) == followed
    # As declared: what is there now may have been a directory when the system booted.
    as_declared = f"home-eve{below.replace('/', '-')}-notes.mount"
    assert (as_declared in run.early) == (not followed)
    assert "var.mount" in run.early
    assert followed or run.stderr.startswith(UNTRUSTED.replace("/eve/notes", f"/eve{below}/notes"))

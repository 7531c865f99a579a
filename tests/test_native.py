"""What mounts a file system on a declared path and is not fstab: mount units and the command line.

The golden cases 158 to 169 show what the generator makes of them. Here: what can only be seen
later, at a daemon-reload, between real mounts, and of units that others make at each boot.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from mounted_system import System, sections
from support import (
    Namespace,
    make_status_tree,
    make_tree,
    parse_json,
    run_generator,
    run_program,
    snapshot,
)

pytestmark = pytest.mark.sanitized

ETC = "etc/systemd/system"
RUN = "run/systemd"
WANTS = "local-fs.target.wants"
HOME = "[Mount]\nWhat=/dev/vdb\nType=ext4\n"
ZFS = ("[Unit]\nSourcePath=/etc/zfs/zfs-list.cache/tank\n"
       "[Mount]\nWhere=/srv\nWhat=tank/srv\nType=zfs\n")


def enable(root: Path, unit: str, where: str = f"{ETC}/{WANTS}") -> None:
    (root / where).mkdir(parents=True, exist_ok=True)
    (root / where / unit).symlink_to(f"../{unit}")


# Once the overlays are there: on /etc with changes, and the file system of the unit below /rofs/ro.
LATER = """
mount -t tmpfs rofs root/rofs
mkdir root/rofs/ro
mount --bind -o private root root/rofs/ro
mount -t tmpfs home root/rofs/ro/home
mount -t tmpfs etc root/etc
mkdir -p root/etc/systemd/system/local-fs.target.wants
printf '[Mount]\\nWhat=/dev/other\\n' | tee root/{etc}/home.mount root/{etc}/var.mount >/dev/null
ln -s ../var.mount root/{etc}/{wants}/var.mount
env ROFS_LOG=stderr ROFS_ROOT="$PWD/root" {generator} after
"""


@pytest.mark.root
def test_later_runs_ignore_what_is_not_on_flash(
    generator: Path, in_namespace: Namespace, tmp_path: Path
) -> None:
    """Somebody has changed units in the overlay on /etc: they count once they are on flash."""
    root = make_tree(tmp_path / "root", {
        "etc/rofs.conf": "[Overlay /etc]\n[Overlay /home]\n[Overlay /var]\n",
        f"{ETC}/home.mount": HOME})
    enable(root, "home.mount")
    first = run_generator(generator, root, tmp_path / "1")
    (tmp_path / "after").mkdir()
    done = in_namespace(LATER.format(etc=ETC, wants=WANTS, generator=generator))
    assert done.returncode == first.status, done.stderr
    assert snapshot(tmp_path / "after") == first.early
    assert "rofs-ro-home.mount" in first.early


def test_unit_in_run_does_not_change_the_plan(generator: Path, tmp_path: Path) -> None:
    root = make_tree(tmp_path / "root", {"etc/rofs.conf": "[Overlay /home]\n"})
    before = run_generator(generator, root, tmp_path / "1")
    for name in ("system", "generator", "transient"):
        make_tree(root, {f"{RUN}/{name}/home.mount": HOME,
                         f"{RUN}/{name}/home.mount.d/x.conf": "[Mount]\nType=xfs\n"})
        enable(root, "home.mount", f"{RUN}/{name}/{WANTS}")
    assert run_generator(generator, root, tmp_path / "2") == before


def test_content_of_a_taken_over_file_system_does_not_change_the_plan(
    generator: Path, tmp_path: Path
) -> None:
    """As for fstab: nothing at or below its mount point is looked at."""
    conf = ("[Overlay /home]\n[Partition data]\nDevice=LABEL=data\n"
            "[Persist /home/u/notes.db]\nPartition=data\nDirectory=/n\nKind=file\nPopulate=yes\n")
    root = make_tree(tmp_path / "root", {"etc/rofs.conf": conf, f"{ETC}/home.mount": HOME})
    enable(root, "home.mount")
    before = run_generator(generator, root, tmp_path / "1")
    make_tree(root, {}, ["home/u"])
    (root / "home/u/notes.db").symlink_to("/etc/shadow")
    assert run_generator(generator, root, tmp_path / "2") == before
    assert "home-u-notes.db.mount" in before.early


def test_mount_point_behind_a_link(generator: Path, tmp_path: Path) -> None:
    """The unit is named after the path without links, and so is that of rofs."""
    root = make_tree(tmp_path / "root", {
        "etc/rofs.conf": "[Overlay /home/u]\n[Overlay /srv]\n",
        f"{ETC}/data-home.mount": HOME, f"{ETC}/srv.mount": "[Mount]\nWhat=/dev/vdc\n"},
        ["data/home", "people"])
    (root / "home").rmdir()
    (root / "home").symlink_to("data/home")
    (root / "srv").symlink_to("people")
    enable(root, "data-home.mount")
    enable(root, "srv.mount")
    made = run_generator(generator, root, tmp_path)
    assert "What=/data/home\n" in made.early["rofs-ro-data-home.mount"]
    # Its own path is a link: systemd refuses that unit, and it is not the one for /people.
    assert not any("people" in name for name in made.early if name.startswith("rofs-ro-"))
    assert made.status == 0


def test_check_shows_the_unit_that_cannot_be_taken_over(rofs: Path, tmp_path: Path) -> None:
    root = make_tree(tmp_path / "root", {
        "etc/rofs.conf": "[Overlay /home]\n", f"{ETC}/home.mount": "[Mount]\nWhat=/dev/%b\n"})
    enable(root, "home.mount")
    run = run_program(rofs, "check", f"--root={root}")
    assert run.returncode == 1
    assert f"/{ETC}/home.mount:2: error: [Overlay /home]" in run.stdout + run.stderr


HIDDEN = {
    # name: directory in /run, the unit, what pulls it in, what is hidden
    "zfs": ("generator", "srv.mount", ZFS, f"{RUN}/generator/{WANTS}/srv.mount", "tank/srv"),
    "partition found by its type": (
        "generator.late", "srv.mount", "[Mount]\nWhat=/dev/disk/by-diskseq/1%%2\nType=ext4\n",
        f"{RUN}/generator.late/local-fs.target.requires/srv.mount", "/dev/disk/by-diskseq/1%2"),
    "portable service": ("system.attached", "srv.mount", ZFS,
                         "etc/systemd/system.attached/x.service.requires/srv.mount", "tank/srv"),
    "by an automount": ("generator", "srv.mount", ZFS, f"{RUN}/generator/{WANTS}/srv.automount",
                        "tank/srv"),
    "made by hand in this boot": ("system", "srv.mount", "[Mount]\nWhat=/dev/vdc\n",
                                  f"{RUN}/system/{WANTS}/srv.mount", "/dev/vdc"),
    "found by its type, and pulled in at once": (
        "generator.late", "srv.mount", "[Mount]\nWhat=/dev/vda2\n", "", "/dev/vda2"),
    "not pulled in": ("generator", "srv.mount", ZFS, "", ""),
    "fstab": ("generator", "srv.mount", "[Unit]\nSourcePath=/etc/fstab\n[Mount]\nWhat=/dev/vdc\n",
              f"{RUN}/generator/{WANTS}/srv.mount", ""),
    "command line": ("generator", "srv.mount",
                     "[Unit]\nSourcePath=/proc/cmdline\n[Mount]\nWhat=/dev/vdc\n",
                     f"{RUN}/generator/{WANTS}/srv.mount", ""),
    "in RAM": ("generator.late", "srv.mount", "[Mount]\nWhat=tmpfs\nType=tmpfs\n",
               f"{RUN}/generator.late/{WANTS}/srv.mount", ""),
    "another path": ("generator", "opt.mount", ZFS, f"{RUN}/generator/{WANTS}/opt.mount", ""),
    "ours": ("generator.early", "srv.mount", ZFS, f"{RUN}/generator.early/{WANTS}/srv.mount", ""),
}


def put_unit(root: Path, name: str) -> str:
    """Make the unit of a case in HIDDEN, and return what the overlay on /srv hides then."""
    directory, unit, text, link, hidden = HIDDEN[name]
    make_tree(root, {f"{RUN}/{directory}/{unit}": text})
    if link:
        enable(root, Path(link).name, str(Path(link).parent))
    return hidden


# rofs status compares that directory with what it would generate, too.
@pytest.mark.parametrize("name", sorted(HIDDEN.keys() - {"ours"}))
def test_status_shows_what_an_overlay_hides(rofs: Path, tmp_path: Path, name: str) -> None:
    root = make_status_tree(Path(__file__).parent / "status/01-all-is-in-force", tmp_path / "root")
    hidden = put_unit(root, name)
    run = run_program(rofs, "status", "--json", root=root)
    found = parse_json(run.stdout, "status.schema.json")
    kinds = [problem for problem in found["problems"] if problem["kind"] == "overlay-hides-mount"]
    assert len(kinds) == (1 if hidden else 0), json.dumps(found["problems"])
    assert run.returncode == (1 if hidden else 0)
    if hidden:
        assert kinds[0]["path"] == "/srv"
        assert f"hides {hidden}, which /{RUN}/{HIDDEN[name][0]}/srv.mount" in kinds[0]["message"]


@pytest.mark.root
@pytest.mark.parametrize("name", HIDDEN)
def test_prepare_reports_what_an_overlay_hides(system: System, name: str) -> None:
    directory, unit, text, link, hidden = HIDDEN[name]
    pull = f"mkdir -p {Path(link).parent}; ln -s ../{unit} {link}" if link else ""
    done = system(
        "[Overlay /srv]\n", "boot 2>/run/said; echo == status; cat /run/status\n"
        "echo == said; grep hides /run/said || true; echo == mounted; findmnt -no FSTYPE /srv",
        f"mkdir srv; mkdir -p {RUN}/{directory}; cat >{RUN}/{directory}/{unit} <<'END'\n{text}END\n"
        f"{pull}\n")
    found = sections(done)
    assert found["status"] == ["1" if hidden else "0"]
    assert found["mounted"] == ["overlay"]
    assert len(found["said"]) == (1 if hidden else 0)
    for line in found["said"]:
        assert f"/srv: the overlay hides {hidden}, which /{RUN}/{directory}/{unit} " in line


@pytest.mark.root
def test_lower_is_mounted_as_the_unit_says(system: System) -> None:
    """The file system is seen through the overlay, read-only below it, with its flags."""
    found = sections(system(
        "[Overlay /home]\n",
        "boot; echo == seen; cat /home/file; echo == options; findmnt -no OPTIONS /home\n"
        "echo new >/home/file; echo == lower; cat /disk/file\n"
        "echo == read-only; touch /rofs/ro/home/x 2>&1 || true",
        "mkdir disk; echo old >disk/file\n"
        f"mkdir -p {ETC}/{WANTS}; ln -s ../home.mount {ETC}/{WANTS}/\n"
        f"printf '[Mount]\\nWhat=/disk\\nType=none\\nOptions=bind,nosuid\\n' >{ETC}/home.mount"))
    assert found["seen"] == ["old"]
    assert "nosuid" in found["options"][0].split(",")
    assert found["lower"] == ["old"]
    assert "Read-only file system" in found["read-only"][0]


def test_golden_cases_are_there() -> None:
    """Those that the text at the top names."""
    numbers = {path.name[:3] for path in (Path(__file__).parent / "golden").iterdir()}
    assert {str(number) for number in range(158, 170)} <= numbers


def test_units_are_not_asked_for_one_by_one(
    fault_library: Path, generator: Path, tmp_path: Path
) -> None:
    """What one more path costs, in calls that look for something or write."""
    calls = []
    for n in (100, 200):
        paths = [f"srv/{i}/data" for i in range(n)]
        root = make_tree(tmp_path / str(n), {
            "etc/rofs.conf": "".join(f"[Overlay /{p}]\n" for p in paths),
            f"{ETC}/home.mount": HOME, "usr/lib/systemd/system/tmp.mount": HOME}, paths)
        count = tmp_path / f"{n}.calls"
        run = run_generator(generator, root, tmp_path / f"{n}.out", {
            "LD_PRELOAD": str(fault_library), "FAULT_READ": "1", "FAULT_COUNT": str(count),
            "ASAN_OPTIONS": "verify_asan_link_order=0:detect_leaks=0"})
        assert run.status == 0, run.stderr
        calls.append(int(count.read_text()))
    assert calls[1] - calls[0] <= 16 * 100

"""`rofs suggest` on trees: a rofs.conf for each, which `rofs check` accepts.

`pytest --update-golden tests/test_suggest.py` rewrites what is expected; review its diff.
"""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import Iterator

import pytest
from support import built, make_golden_tree, make_tree, run_program, snapshot

CASES = sorted((Path(__file__).parent / "suggest").iterdir())
GOLDEN = sorted((Path(__file__).parent / "golden").iterdir())
CONF_DIRS = ("etc", "run", "usr/local/lib", "usr/lib")
MIB = 1024 * 1024
MACHINE_ID = "0123456789abcdef" * 2 + "\n"


def name_of(path: Path) -> str:
    return path.name


def suggest(rofs: Path, root: Path) -> str:
    done = run_program(rofs, "suggest", f"--root={root}")
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def found_by_check(rofs: Path, root: Path, conf: str, level: str) -> list[str]:
    """What rofs check finds of this level, with this rofs.conf and what is in rofs.conf.d."""
    for where in CONF_DIRS:
        path = root / where / "rofs.conf"
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
    (root / "etc/rofs.conf").write_text(conf)
    done = run_program(rofs, "check", f"--root={root}")
    assert done.returncode == (1 if re.search(r"(^| )error: ", done.stdout, re.M) else 0)
    return [line for line in done.stdout.splitlines() if re.search(f"(^| ){level}: ", line)]


def errors_of(rofs: Path, root: Path, conf: str) -> list[str]:
    return found_by_check(rofs, root, conf, "error")


def is_said(warning: str, text: str) -> bool:
    """Does a step say it, or what cures it?"""
    steps = re.sub(r"\n#  +", " ", text.split("\n\n")[0].split("# Before the reboot:")[1])
    place, what = re.fullmatch(r"(?:(\S+): )?warning: (.*)", warning).groups()
    if what in steps:
        return True
    if place == "/proc/cmdline":
        return what.startswith("rw on") and "Kernel command line: replace rw by ro" in steps
    if place and re.search(rf" {re.escape(place).replace(':', ', line ')}: (add|remove) ", steps):
        return True
    return any(re.search(rf"\[Persist {re.escape(path)}[]/]", what)
               for path in re.findall(r"^#\[Persist (.*)\]$", text, re.M))


def uncommented(text: str) -> str:
    """With the sections that lack a partition, and without the overlays that they replace."""
    text = re.sub(r"^#(?=\[(?:Partition|Persist) .*\]$|[A-Z]\w+=)", "", text, flags=re.M)
    for path in re.findall(r"^\[Persist (.*)\]$", text, re.M):
        text = text.replace(f"\n[Overlay {path}]\n", "\n")
    return text


@pytest.mark.parametrize("case", CASES, ids=name_of)
def test_it_is_what_is_expected(
    case: Path, rofs: Path, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    make_golden_tree(case, tmp_path / "root")
    text = suggest(rofs, tmp_path / "root")
    if request.config.getoption("--update-golden"):
        (case / "rofs.conf").write_text(text)
    assert text == (case / "rofs.conf").read_text()


@pytest.mark.parametrize("case", CASES, ids=name_of)
def test_nothing_is_written(case: Path, rofs: Path, tmp_path: Path) -> None:
    make_golden_tree(case, tmp_path / "root")
    before = snapshot(tmp_path / "root")
    suggest(rofs, tmp_path / "root")
    assert snapshot(tmp_path / "root") == before


@pytest.mark.parametrize("case", CASES, ids=name_of)
def test_check_accepts_it(case: Path, rofs: Path, tmp_path: Path) -> None:
    make_golden_tree(case, tmp_path / "root")
    text = suggest(rofs, tmp_path / "root")
    assert errors_of(rofs, tmp_path / "root", text) == []
    assert errors_of(rofs, tmp_path / "root", uncommented(text)) == []


@pytest.mark.parametrize("case", GOLDEN, ids=name_of)
def test_check_accepts_it_on_each_tree_of_the_generator(
    case: Path, rofs: Path, tmp_path: Path
) -> None:
    root = tmp_path / "root"
    make_golden_tree(case, root)
    if not (root / "etc").is_dir():
        pytest.skip("there is no /etc for it")
    # What is wrong with the machine itself is so with the smallest configuration, too. Without the
    # section that cannot be, there is no error, and its place says why.
    before = [line for line in errors_of(rofs, root, "[Overlay /etc]\n")
              if "/etc/rofs.conf:1: error: " not in line]
    text = suggest(rofs, root)
    assert errors_of(rofs, root, text) == before
    assert errors_of(rofs, root, uncommented(text)) == before
    assert "\n[Overlay /etc]\n" in text or "\n# Left out: [Overlay /etc]: " in text


@pytest.mark.parametrize("case", CASES + GOLDEN, ids=name_of)
def test_what_check_warns_of_is_a_step(case: Path, rofs: Path, tmp_path: Path) -> None:
    root = tmp_path / "root"
    make_golden_tree(case, root)
    if not (root / "etc").is_dir():
        pytest.skip("there is no /etc for it")
    text = suggest(rofs, root)
    warnings = found_by_check(rofs, root, text, "warning")
    assert [line for line in warnings if not is_said(line, text)] == []


@pytest.mark.parametrize("case", CASES, ids=name_of)
def test_lines_fit_and_are_printable(case: Path) -> None:
    for line in (case / "rofs.conf").read_text().splitlines():
        assert line.isprintable()
        assert len(line) <= 90 or " " not in line.lstrip("# "), line


def sections(text: str) -> Iterator[tuple[list[str], list[str]]]:
    for block in text.split("\n\n")[1:]:
        lines = block.splitlines()
        yield ([line for line in lines if line.startswith("# ")],
               [line for line in lines if not line.startswith("# ")])


@pytest.mark.parametrize("case", CASES, ids=name_of)
def test_each_section_has_a_reason(case: Path) -> None:
    for reasons, lines in sections((case / "rofs.conf").read_text()):
        assert reasons, lines


def sparse(path: Path, size: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        file.truncate(size)


def tree(root: Path, memory_mib: int) -> Path:
    return make_tree(root, {"etc/fstab": "LABEL=root / ext4 ro 0 0\n", "etc/machine-id": MACHINE_ID,
                            "proc/meminfo": f"MemTotal: {memory_mib * 1024} kB\n"})


@pytest.mark.parametrize(("memory", "size"), [(4096, "25%"), (512, "50%"), (256, "75%")])
def test_the_pool_has_room_for_what_is_copied(
    memory: int, size: str, rofs: Path, tmp_path: Path
) -> None:
    root = tree(tmp_path / "root", memory)
    sparse(root / "var/log/syslog.log", 90 * MIB)
    text = suggest(rofs, root)
    assert f"\nSize={size}\n" in text
    assert "up to 90 MiB of them" in text.replace("\n# ", " ")
    assert "90 MiB of logs in /var/log are copied to RAM" in text.replace("\n# ", " ")
    assert "them; rotate them first, or" in text.replace("\n#    ", " ")
    assert errors_of(rofs, root, text) == []


@pytest.mark.parametrize(("memory", "database", "said"), [
    (1024, 100, ""), (1024, 400, "That leaves little."), (1024, 4000, "They do not fit: ")])
def test_what_does_not_fit_is_said(
    memory: int, database: int, said: str, rofs: Path, tmp_path: Path
) -> None:
    root = tree(tmp_path / "root", memory)
    sparse(root / "var/lib/mysql/ibdata1", database * MIB)
    text = suggest(rofs, root)
    found = re.findall(r"That leaves little\.|They do not fit: ", text.replace("\n# ", " "))
    assert found == ([said] if said else [])


def test_logs_of_any_name_count_where_a_service_keeps_them(rofs: Path, tmp_path: Path) -> None:
    root = tree(tmp_path / "root", 4096)
    make_tree(root, {
        "usr/lib/systemd/system/app.service": "[Service]\nLogsDirectory=app\n",
        "etc/systemd/system/multi-user.target.wants/app.service": "",
    })
    sparse(root / "var/log/app/trace.txt", 70 * MIB)
    sparse(root / "var/log/syslog.log", 30 * MIB)
    text = suggest(rofs, root).replace("\n# ", " ")
    assert "up to 100 MiB of them are copied there" in text
    assert "70 MiB of logs in /var/log/app are copied" in text


def test_lower_that_is_read_only(rofs: Path, tmp_path: Path) -> None:
    root = tree(tmp_path / "root", 1024)
    (root / "etc/fstab").write_text("LABEL=root / ext4 ro 0 0\nLABEL=var /var ext4 ro 0 0\n")
    text = suggest(rofs, root)
    assert "\nOptions=rw\n" in text.split("[Overlay /var]")[1]
    assert found_by_check(rofs, root, text, "warning") == []


def test_private_directories_are_no_mount_points(rofs: Path, tmp_path: Path) -> None:
    root = tree(tmp_path / "root", 1024)
    make_tree(root, {
        "etc/fstab": "LABEL=root / ext4 ro 0 0\nLABEL=data /srv ext4 defaults 0 2\n",
        "etc/systemd/system/x.service":
            "[Service]\nDynamicUser=yes\nStateDirectory=x\nReadWritePaths=/var/lib/x\n",
        "etc/systemd/system/multi-user.target.wants/x.service": "",
    })
    (root / "var/lib").mkdir(parents=True)
    text = suggest(rofs, root)
    assert "\n[Persist /var/lib/private/x]\n" in text
    assert "\n[Persist /var/lib/x]\n" not in text
    assert "# Left out: [Persist /var/lib/x]: x.service has DynamicUser=yes" in text


def test_journals_and_large_caches_start_empty(rofs: Path, tmp_path: Path) -> None:
    root = tree(tmp_path / "root", 1024)
    (root / "usr/bin").mkdir()
    (root / "usr/bin/apt-get").write_text("")
    sparse(root / "var/log/journal/id/system.journal", 8 * MIB)
    sparse(root / "var/log/journal/id/system@1.journal", 64 * MIB)
    sparse(root / "var/cache/apt/pkgcache.bin", 40 * MIB)
    sparse(root / "var/lib/apt/lists/small", MIB)
    sparse(root / "var/tmp/old", MIB)
    text = suggest(rofs, root)
    assert "\nStartEmpty=/var/log/journal /var/cache/apt /var/tmp\n" in text
    assert "8 MiB of systemd-journald in /var/log/journal" in text.replace("\n# ", " ")
    # Nothing large is left for rofs check to warn of.
    (root / "etc/rofs.conf").write_text(text)
    done = run_program(rofs, "check", f"--root={root}")
    assert done.stdout == "0 errors, 0 warnings\n"


def test_container_storage_is_not_copied(rofs: Path, tmp_path: Path) -> None:
    root = tree(tmp_path / "root", 1024)
    (root / "etc/fstab").write_text("LABEL=root / ext4 ro 0 0\nLABEL=data /srv ext4 defaults 0 2\n")
    sparse(root / "var/lib/docker/overlay2/x/merged", MIB)
    sparse(root / "var/lib/machines/disk.raw", MIB)
    text = suggest(rofs, root)
    docker = text[text.index("[Persist /var/lib/docker]"):].split("\n\n")[0]
    assert "Populate" not in docker
    assert "copy /rofs/ro/var/lib/docker once" in text.replace("\n# ", " ")
    machines = text[text.index("[Persist /var/lib/machines]"):].split("\n\n")[0]
    assert machines.rstrip().endswith("Populate=yes")
    assert "\nOptions=noatime\n" in text
    assert errors_of(rofs, root, text) == []


def test_container_storage_inside_a_persist_is_a_step(rofs: Path, tmp_path: Path) -> None:
    root = tree(tmp_path / "root", 1024)
    make_tree(root, {"etc/fstab": "LABEL=root / ext4 ro 0 0\nLABEL=data /srv ext4 defaults 0 2\n",
                     "etc/docker/daemon.json": '{"data-root": "/home/docker"}',
                     "home/docker/overlay2/x": "", "home/ann/.local/share/containers/x": ""})
    text = suggest(rofs, root)
    steps = re.sub(r"\n#  +", " ", text.split("\n\n")[0])
    assert "Populate=yes copies /home, but the storage of Docker in /home/docker does not" in steps
    assert "of rootless Podman" not in steps
    home = text[text.index("[Persist /home]"):].split("\n\n")[0]
    assert home.rstrip().endswith("Populate=yes")
    assert errors_of(rofs, root, text) == []


def test_what_is_exported_from_the_system_stays_there(rofs: Path, tmp_path: Path) -> None:
    root = tree(tmp_path / "root", 1024)
    make_tree(root, {"etc/fstab": "LABEL=root / ext4 ro 0 0\nLABEL=data /data ext4 defaults 0 2\n",
                     "etc/exports": "/usr/share/doc *\n/boot *(ro)\n/usr/local/x *(ro)\n/srv *\n",
                     "usr/share/doc/x": "", "boot/x": "", "usr/local/x/y": "", "srv/x": ""})
    text = suggest(rofs, root)
    persists = re.findall(r"^\[Persist (.*)\]$", text, re.M)
    assert "/srv" in persists and "/usr/local/x" in persists
    assert "/usr/share/doc" not in persists and "/boot" not in persists
    assert errors_of(rofs, root, text) == []


def test_binds_are_exported_from_their_sources(rofs: Path, tmp_path: Path) -> None:
    root = tree(tmp_path / "root", 1024)
    make_tree(root, {"etc/fstab": "LABEL=root / ext4 ro 0 0\nLABEL=data /data ext4 defaults 0 2\n"
                     "/srv/x /export/x none bind 0 0\n/home /export/users none bind 0 0\n",
                     "etc/exports": "/export *(fsid=0)\n/export/x *(rw)\n/export/users/ann *(rw)\n",
                     "export/x/a": "", "export/users/a": "", "srv/x/y": "", "home/ann/y": ""})
    text = suggest(rofs, root)
    persists = re.findall(r"^\[Persist (.*)\]$", text, re.M)
    assert "/srv/x" in persists and "/home" in persists
    assert "/export" not in persists
    assert errors_of(rofs, root, text) == []
    assert "emergency" not in text


def test_a_type_of_its_own_is_kept(rofs: Path, tmp_path: Path) -> None:
    root = tree(tmp_path / "root", 1024)
    (root / "etc/fstab").write_text(
        "LABEL=root / ext4 ro 0 0\nLABEL=win /srv ntfs-3g windows_names 0 0\n"
        "LABEL=data /data xfs defaults 0 0\n")
    text = suggest(rofs, root)
    win = text[text.index("\n[Partition win]"):].split("\n\n")[0]
    assert "\nType=ntfs-3g\n" in win and "\nOptions=noatime,windows_names" in win
    assert text.count("Type=") == 1
    assert errors_of(rofs, root, text) == []


def test_a_device_that_cannot_be_written_is_left_to_fstab(rofs: Path, tmp_path: Path) -> None:
    root = tree(tmp_path / "root", 1024)
    (root / "etc/fstab").write_text("LABEL=root / ext4 ro 0 0\n"
                                    "LABEL=data\\040 /srv ext4 defaults 0 2\n")
    text = suggest(rofs, root)
    assert "\n[Partition" not in text
    assert "# Left to fstab: /srv, whose device or options cannot be written" in text


@pytest.mark.parametrize("line", [
    "LABEL=v /var ext4 x-initrd.mount 0 2", "tank/var /var zfs rw 0 0"])
def test_what_fstab_still_mounts_is_not_lost(line: str, rofs: Path, tmp_path: Path) -> None:
    root = tree(tmp_path / "root", 1024)
    make_tree(root, {"etc/fstab": f"LABEL=root / ext4 ro 0 0\n{line}\n", "var/lib/mysql/x": "",
                     "usr/lib/systemd/system/mariadb.service": "[Service]\n"})
    text = suggest(rofs, root)
    assert "# Left out: [Overlay /var]: " in text
    assert "[Persist /var/lib/mysql]" not in text and "are lost" not in text
    assert errors_of(rofs, root, text) == []


def test_home_directories_outside_of_home(rofs: Path, tmp_path: Path) -> None:
    root = tree(tmp_path / "root", 1024)
    make_tree(root, {
        "etc/fstab": "LABEL=root / ext4 ro 0 0\nLABEL=data /data ext4 defaults 0 2\n",
        "etc/passwd": "root:x:0:0::/root:/bin/sh\n"
                      "ann:x:1000:1000::/srv/people/ann:/bin/sh\nbob:x:1001:1001::/users/bob:\n"
                      "eve:x:1002:1002::/srv/people/eve:/bin/sh\ncam:x:1003:1003::/data/cam:\n"
                      "app:x:990:990::/srv/app:/bin/sh\nnone:x:1005:1005::/usr/games:/bin/sh\n"
                      "nobody:x:65534:65534::/srv/nobody:/bin/sh\nlost:x:1006:1006::/gone:\n",
        "srv/people/ann/x": "", "srv/people/eve/x": "", "users/bob/x": "", "data/cam/x": "",
        "srv/app/x": "", "srv/nobody/x": "", "usr/games/x": "",
    })
    text = suggest(rofs, root)
    assert re.findall(r"^\[Persist (.*)\]$", text, re.M) == [
        "/srv/people/ann", "/srv/people/eve", "/users/bob"]
    assert "# The files of ann" in text
    assert errors_of(rofs, root, text) == []


@pytest.mark.parametrize(("text", "holds"), [
    (MACHINE_ID, True), (MACHINE_ID.upper(), True), (MACHINE_ID.strip(), True), ("", False),
    ("uninitialized\n", False), ("0" * 32 + "\n", False), (MACHINE_ID.strip() + "f\n", False),
    ("01234567-89ab-cdef-0123-456789abcdef\n", False)])
def test_machine_id_is_one(text: str, holds: bool, rofs: Path, tmp_path: Path) -> None:
    root = tree(tmp_path / "root", 1024)
    (root / "etc/machine-id").write_text(text)
    assert ("/etc/machine-id holds no ID" in suggest(rofs, root)) is not holds


@pytest.mark.parametrize(("files", "lacking"), [
    ({}, "/etc/ssh has no host keys"), ({"etc/ssh/ssh_host_rsa_key.pub": ""}, "/etc/ssh has no"),
    ({"etc/ssh/ssh_host_rsa_key": ""}, ""),
    ({"etc/ssh/sshd_config": "#HostKey /etc/x\n"}, "/etc/ssh has no host keys"),
    ({"etc/ssh/sshd_config": "HostKey /srv/a\nHostKey /srv/b\n", "srv/a": ""}, ""),
    ({"etc/ssh/sshd_config.d/x.conf": "HostKey /srv/a\n", "etc/ssh/ssh_host_rsa_key": ""},
     "/srv/a, which HostKey= names as a host key of SSH, does not exist")])
def test_host_keys(files: dict[str, str], lacking: str, rofs: Path, tmp_path: Path) -> None:
    root = tree(tmp_path / "root", 1024)
    make_tree(root, {"usr/sbin/sshd": "", "etc/ssh/ssh_config": "", **files})
    text = re.sub(r"\n#  +", " ", suggest(rofs, root))
    if lacking:
        assert lacking in text
    else:
        assert "has no host key" not in text and "as a host key" not in text


@pytest.mark.parametrize("dropin", [
    "[Overlay /etc]\nOptions=nosuid\n[Persist /home]\nPartition=x\n",
    "[Persist /var]\nPartition=x\n", "[Persist /var/lib]\nPartition=x\n[Overlay /etc]\nSize=1%\n",
    "[Overlay /var/lib/mysql]\n[Persist /srv/a]\nPartition=x\n[Memory]\nSize=5%\n",
    "[Persist /var/lib/mysql]\nPartition=x\nDirectory=/rofs/var\n",
    "[Persist /home]\nPartition=y\n[Partition y]\nDevice=LABEL=data\n"])
def test_what_conflicts_with_drop_ins_is_left_out(dropin: str, rofs: Path, tmp_path: Path) -> None:
    root = tree(tmp_path / "root", 1024)
    make_tree(root, {
        "etc/fstab": "LABEL=root / ext4 ro 0 0\nLABEL=x /srv ext4 defaults 0 2\n",
        "home/ann/x": "", "var/lib/mysql/x": "", "var/lib/redis/x": "", "srv/a/x": "",
        "etc/rofs.conf.d/10.conf": f"{dropin}[Partition x]\nDevice=LABEL=x\n",
        "etc/rofs.conf.d/20.conf": "",
    })
    text = suggest(rofs, root)
    assert "Files in rofs.conf.d still apply" in text.replace("\n# ", " ")
    assert errors_of(rofs, root, text) == []
    assert errors_of(rofs, root, uncommented(text)) == []


@pytest.mark.parametrize(("setting", "path"), [
    ("StateDirectory=%p", "/var/lib/app"), ("StateDirectory=%N", "/var/lib/app@one"),
    ("StateDirectory=%n/x", "/var/lib/app@one.service/x"), ("StateDirectory=a/%i", "/var/lib/a"),
    ("StateDirectory=%i", "/var/lib/one"), ("ReadWritePaths=/srv/%i", "/srv/one"),
    ("StateDirectory=a/%m/x", "/var/lib/a"), ("StateDirectory=%%a", "/var/lib/%a"),
    ("ReadWritePaths=-%S/a", "/var/lib/a"), ("ReadWritePaths=+-/srv/a", "/srv/a"),
    ('ReadWritePaths="/srv/a b"/c', "/srv/a b/c"), ("ReadWritePaths=/srv/a\\ b", "/srv/a b"),
    ("ReadWritePaths=/srv/'a b'", "/srv/a b"), ("WorkingDirectory=/var/lib/a", "/var/lib/a"),
    ("WorkingDirectory=-/var/spool/a", "/var/spool/a")])
def test_paths_of_services(setting: str, path: str, rofs: Path, tmp_path: Path) -> None:
    root = tree(tmp_path / "root", 1024)
    make_tree(root, {
        "etc/fstab": "LABEL=root / ext4 ro 0 0\nLABEL=data /data ext4 defaults 0 2\n",
        "usr/lib/systemd/system/app@.service": f"[Service]\n{setting}\n",
        "etc/systemd/system/multi-user.target.wants/app@one.service": "",
    }, ["srv", "var/lib", "var/spool"])
    text = suggest(rofs, root)
    assert re.findall(r"^\[Persist (.*)\]$", text, re.M) == [path]
    assert f"# The state of app@one.service ({setting.split('=')[0]}=)" in text
    assert errors_of(rofs, root, text) == []


@pytest.mark.parametrize(("directory", "told"), [
    ("/srv/app", True), ("/opt/app", True), ("/", False), ("~", False), ("/usr/share/app", False),
    ("/var/lib", False), ("/run/app", False), ("/tmp", False), ("/etc", False)])
def test_working_directory_that_may_hold_programs(
    directory: str, told: bool, rofs: Path, tmp_path: Path
) -> None:
    root = tree(tmp_path / "root", 1024)
    make_tree(root, {
        "usr/lib/systemd/system/app.service": f"[Service]\nWorkingDirectory={directory}\n",
        "etc/systemd/system/multi-user.target.wants/app.service": "",
    }, ["srv/app", "opt/app", "var/lib"])
    text = suggest(rofs, root)
    assert "[Persist" not in text
    assert (f"# {directory} is written to by app.service (WorkingDirectory=)" in text) is told


def test_what_fstab_cannot_do_any_more_is_a_step(rofs: Path, tmp_path: Path) -> None:
    root = tree(tmp_path / "root", 1024)
    make_tree(root, {
        "etc/fstab": "LABEL=root / ext4 ro 0 0\nLABEL=data /data ext4 defaults 0 2\n"
        "overlay /var overlay lowerdir=/var,upperdir=/run/u,workdir=/run/w 0 0\n"
        "/srv/home.img /home ext4 loop 0 0\n/data/x.img /mnt/x ext4 loop 0 0\n"
        "/opt/tools.img /opt/tools squashfs ro 0 0\n",
        "srv/home.img": "", "data/x.img": "", "opt/tools.img": ""}, ["opt/tools"])
    text = re.sub(r"\n#  +", " ", suggest(rofs, root))
    assert "line 3: remove the line for /var, an overlay that [Overlay /var] replaces." in text
    assert "line 4: /srv/home.img, an image that is mounted on /home, is on the root file" in text
    assert "line 5: /data/x.img" not in text and "line 6: /opt" not in text


def test_mistakes_of_drop_ins_are_steps(rofs: Path, tmp_path: Path) -> None:
    root = tree(tmp_path / "root", 1024)
    make_tree(root, {"etc/rofs.conf.d/x.conf": "[Overlay /srv]\nbad\n[Memory]\nSize=lots\n"},
              ["srv"])
    steps = re.sub(r"\n#  +", " ", suggest(rofs, root).split("\n\n")[0])
    assert "/etc/rofs.conf.d/x.conf, line 2: missing '='" in steps
    assert "/etc/rofs.conf.d/x.conf, line 4: Size=lots is invalid" in steps


@pytest.mark.parametrize(("fstab", "found"), [
    ("UUID=x /data vfat x-systemd.growfs 0 0\n", "[Partition data]\nDevice=UUID=x\n"),
    ("LABEL=root /home/ann btrfs subvol=@ann 0 0\n",
     "# Left out: [Persist /home] for users, because line 2 of /etc/fstab becomes"),
    ("LABEL=data /etc ext4 defaults 0 0\nLABEL=data2 /usr ext4 ro 0 0\n",
     "#[Partition data3]\n#Device=LABEL=data3\n")])
def test_odd_lines_of_fstab(fstab: str, found: str, rofs: Path, tmp_path: Path) -> None:
    root = tree(tmp_path / "root", 1024)
    make_tree(root, {"etc/fstab": f"LABEL=root / btrfs ro 0 0\n{fstab}", "home/ann/x": ""},
              ["data"])
    text = suggest(rofs, root)
    assert found in text
    assert errors_of(rofs, root, text) == []
    assert [line for line in found_by_check(rofs, root, text, "warning") if "Grow=" in line] == []
    assert errors_of(rofs, root, uncommented(text)) == []


@pytest.mark.root
@pytest.mark.parametrize("path", ["home", "etc/machine-id", "etc/ssh", "etc/passwd", "etc/fstab",
                                  "etc/systemd/system", "var/lib", "etc/exports"])
def test_what_a_user_may_not_read_is_not_denied(path: str, rofs: Path, tmp_path: Path) -> None:
    root = tree(tmp_path / "root", 1024)
    make_tree(root, {"home/ann/x": "", "usr/sbin/sshd": "", "etc/ssh/ssh_host_rsa_key": "",
                     "etc/passwd": "", "etc/exports": "", "var/lib/mysql/x": "",
                     "etc/systemd/system/x.service": ""})
    (root / path).chmod(0)
    # Another user might not reach the program and the tree.
    done = run_program(Path("/usr/bin/setpriv"), "--bounding-set=-dac_override,-dac_read_search",
                       rofs, "suggest", f"--root={root}")
    text = re.sub(r"\n# ", " ", done.stdout)
    assert (done.returncode, done.stderr) == (0, "")
    assert "Some files and directories could not be read, so this may lack sections." in text
    assert "#[Persist /home]" in done.stdout
    assert "holds no ID" not in text and "no host keys" not in text


def test_a_type_that_is_read_only_holds_no_data(rofs: Path, tmp_path: Path) -> None:
    root = tree(tmp_path / "root", 1024)
    (root / "etc/fstab").write_text("LABEL=root / ext4 ro 0 0\n"
                                    "/dev/sr0 /srv iso9660 defaults 0 0\n")
    assert "[Partition" not in uncommented(suggest(rofs, root))


@pytest.mark.plain
def test_nothing_is_left_out_for_want_of_memory(rofs: Path, tmp_path: Path) -> None:
    root = tree(tmp_path / "root", 1024)
    count = tmp_path / "count"
    library = str(built("tests/fault-memory.so"))
    done = run_program(rofs, "suggest", f"--root={root}", LD_PRELOAD=library,
                       FAULT_COUNT=str(count))
    text, calls = done.stdout, int(count.read_text())
    wrong = []
    for at in range(1, calls + 1, 11):
        done = run_program(rofs, "suggest", f"--root={root}", LD_PRELOAD=library, FAULT_AT=str(at))
        if (done.returncode, done.stdout) not in ((0, text), (1, "")):
            wrong.append(at)
    assert wrong == []


def test_wrong_arguments(rofs: Path, tmp_path: Path) -> None:
    done = run_program(rofs, "suggest", "word")
    assert (done.returncode, done.stdout) == (2, "")
    done = run_program(rofs, "suggest", f"--root={tmp_path}/nowhere")
    assert (done.returncode, done.stdout) == (1, "")
    assert "No such file or directory" in done.stderr


@pytest.mark.parametrize(("path", "text", "kept"), [
    ("dovecot/conf.d/10-mail.conf", "mail_location = maildir:/srv/mail/%d/%n:LAYOUT=fs\n",
     "/srv/mail"),
    ("dovecot/dovecot.conf", "mail_path = /srv/mail/%{user | domain}\n", "/srv/mail"),
    ("dovecot/dovecot.conf", "mail_location = mbox:~/mail:INBOX=/var/mail/%u\n", "/var/mail"),
    ("dovecot/dovecot.conf", "mail_location = maildir:%h/Maildir\nmail_home=/srv/mail/%u\n",
     "/srv/mail"),
    ("postfix/main.cf", "virtual_mailbox_base = /srv/mail\n", "/srv/mail"),
    ("hostname", "x\n", "/var/vmail")])
def test_mail_is_kept_where_it_is(rofs: Path, tmp_path: Path, path: str, text: str,
                                  kept: str) -> None:
    root = make_tree(tmp_path / "root", {
        "etc/fstab": "LABEL=root / ext4 ro 0 0\nLABEL=d /data ext4 defaults 0 2\n",
        "usr/lib/systemd/system/dovecot.service": "[Service]\nExecStart=/usr/sbin/dovecot\n",
        f"etc/{path}": text, f"{kept[1:]}/ann/x": "x"})
    assert f"\n[Persist {kept}]\n" in suggest(rofs, root)


def test_data_in_a_home_directory_is_kept_with_it(rofs: Path, tmp_path: Path) -> None:
    root = make_tree(tmp_path / "root", {
        "etc/fstab": "LABEL=root / ext4 ro 0 0\n",
        "home/ann/.local/share/containers/storage/x": "x"}, ["rofs"])
    text = suggest(rofs, root)
    assert "\n#[Persist /home]\n" in text
    assert "Podman" not in text.split("\n\n")[0]

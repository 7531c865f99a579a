"""What our services may do: their scores in docs/SECURITY.md, and settings of every version."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest
from support import need_programs, security_bounds

# Each kind of service of ours.
CONF = """\
[Root]
Device=read-only
[Overlay /var]
CommitAt=daily; shutdown
[Overlay /srv]
Partition=data
[Partition data]
Device=PARTLABEL=data
Type=ext4
Format=yes
Grow=yes
[Persist /var/local/data]
Partition=data
Directory=/data
"""
FSCK = "systemd-fsck@.service"
UNITS = {
    "rofs-detach.service": "rofs-detach.service",
    "rofs-metrics.service": "rofs-metrics.service",
    "rofs-restore.service": "rofs-restore.service",
    "rofs-device.service": "rofs-device.service",
    "rofs-verify.service": "rofs-verify.service",
    "rofs-watch.service": "rofs-watch.service",
    "rofs-prepare*.service": "rofs-prepare.service",
    "rofs-prepare-persist": "rofs-prepare-persist-data.service",
    "rofs-finish*.service": "rofs-finish.service",
    "rofs-commit-*.service": "rofs-commit-var.service",
    "rofs-shutdown.service": "rofs-shutdown.service",
    "rofs-maintenance.service": "rofs-maintenance.service",
    "rofs-format-*.service": "rofs-format-data.service",
    "rofs-grow-*.service": "rofs-grow-data.service",
    "systemd-fsck@*.service": r"systemd-fsck@dev-disk-by\x2dpartlabel-data.service",
}


def systemd_version() -> int:
    """The version of systemd-analyze."""
    out = subprocess.run(["systemd-analyze", "--version"], check=True, stdout=subprocess.PIPE,
                         text=True).stdout
    return int(out.split()[1])


@pytest.fixture(scope="module")
def units(generator: Path, build_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A root directory with all units of ours, and systemd's fsck service with our drop-in."""
    need_programs("systemd-analyze")
    root = tmp_path_factory.mktemp("root")
    directory = root / "usr/lib/systemd/system"
    for path in ("etc", "rofs", "srv", "var"):
        (root / path).mkdir()
    directory.mkdir(parents=True)
    (root / "etc/rofs.conf").write_text(CONF)
    shutil.copy(f"/lib/systemd/system/{FSCK}", directory)
    for unit in (build_dir / "units").glob("*.service"):
        shutil.copy(unit, directory)
    environment = {"ROFS_ROOT": str(root)}
    subprocess.run([generator, root, directory, root], check=True, env=environment)
    (root / "rofs/maintenance").touch()
    maintenance = tmp_path_factory.mktemp("maintenance")
    subprocess.run([generator, root, maintenance, root], check=True, env=environment)
    shutil.copy(maintenance / "rofs-maintenance.service", directory)
    return root


@pytest.mark.parametrize("kind", UNITS)
def test_service_is_no_more_exposed_than_documented(units: Path, kind: str) -> None:
    version = systemd_version()
    if version < 250:
        pytest.skip(f"systemd {version} does not score unit files that are not loaded")
    out = subprocess.run(
        ["systemd-analyze", "security", "--offline=true", f"--root={units}", "--no-pager",
         UNITS[kind]], check=False, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    level = re.search(r"Overall exposure level for .*: ([\d.]+)", out.stdout)
    assert level, out.stdout
    row = "rofs-prepare*.service" if kind == "rofs-prepare-persist" else kind
    assert float(level.group(1)) <= security_bounds(version)[row], out.stdout


def test_every_service_is_in_the_table(units: Path) -> None:
    directory = units / "usr/lib/systemd/system"
    found = {path.name for path in directory.glob("rofs-*.service")} - set(UNITS.values())
    patterns = [re.sub(r"\*", ".*", row) for row in security_bounds(252)]
    assert [name for name in found if not any(re.fullmatch(p, name) for p in patterns)] == []


def test_no_setting_is_newer_than_systemd_247(units: Path) -> None:
    """It would warn of an unknown key in each boot. A list of what it knows of what we use."""
    known = set("""
        CapabilityBoundingSet DeviceAllow DevicePolicy Environment ExecStart ExecStartPost
        ExecStartPre ExecStop InaccessiblePaths LockPersonality LogLevelMax MemoryDenyWriteExecute
        NoNewPrivileges PrivateMounts PrivateNetwork ProtectClock ProtectControlGroups ProtectHome
        ProtectKernelLogs ProtectKernelModules ProtectSystem ReadOnlyPaths ReadWritePaths
        RemainAfterExit Restart RestartPreventExitStatus RestartSec RestrictAddressFamilies
        RestrictNamespaces RestrictRealtime RestrictSUIDSGID SystemCallArchitectures
        SystemCallErrorNumber SystemCallFilter TimeoutStartSec TimeoutStopSec Type WorkingDirectory
        """.split())
    used = set()
    for path in (units / "usr/lib/systemd/system").rglob("*"):
        if path.is_file() and path.name != FSCK and (
                path.name.endswith(".service") or ".service.d/" in str(path)):
            section = re.split(r"^\[Service\]$", path.read_text(), flags=re.M)[-1]
            used |= set(re.findall(r"^(\w+)=", section, flags=re.M))
    assert used - known == set()


def test_what_mounts_has_no_mount_namespace(units: Path) -> None:
    """It would mount for itself: exec_needs_mount_namespace() of systemd 247 to 262."""
    makers = re.compile(
        r"^(Private(?!Network)\w+|Protect(?!Clock|Hostname)\w+|\w+Paths|Bind\w+|Root\w+|"
        r"Temporary\w+|Mount\w+|ProcSubset|DynamicUser|LogNamespace)=", re.M)
    directory = units / "usr/lib/systemd/system"
    runs = sorted(directory.glob("rofs-prepare*.service"))
    assert len(runs) == 3
    others = [directory / f"rofs-{name}.service"
              for name in ("grow-data", "detach", "finish", "commit-var", "shutdown")]
    for run in [*runs, *others]:
        assert makers.search(run.read_text()) is None, run.name

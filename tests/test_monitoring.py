"""What conf/monitoring has for Prometheus and Grafana, and the file that node_exporter reads."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import subprocess
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest
from debian import downloaded
from support import SOURCE, built, make_status_tree, need_programs, run_program

RULES = SOURCE / "conf/monitoring/rofs.rules.yml"
DASHBOARD = SOURCE / "conf/monitoring/rofs-dashboard.json"
GUIDE = SOURCE / "docs/guides/monitoring.md"
CASES = SOURCE / "tests/status"
PORT = 19177
START_SECONDS_MAX = 60


def metrics(case: str) -> list[str]:
    """The samples that `rofs status --openmetrics` prints in a case of tests/status."""
    lines = (CASES / case / "metrics").read_text().splitlines()
    return [line for line in lines if line.startswith("rofs_")]


def known() -> set[str]:
    """All metrics that there are."""
    text = (SOURCE / "man/rofs.8.scd").read_text()
    names = set(re.findall(r"\b_?(rofs_[a-z_]+[a-z])_", text))
    return names | {name.replace("_pool_", "_partition_") for name in names}


def expressions() -> list[str]:
    """Those of the dashboard, for any machine."""
    panels = json.loads(DASHBOARD.read_text())["panels"]
    return [target["expr"].replace("$instance", ".*") for panel in panels
            for target in panel["targets"]]


@pytest.mark.parametrize("text", [RULES.read_text(), *expressions()])
def test_metrics_exist(text: str) -> None:
    used = set(re.findall(r"\brofs_[a-z_]+", text))
    assert used and used - known() == set()


def test_guide_lists_the_alerts() -> None:
    alerts = re.findall(r"alert: (\w+)", RULES.read_text())
    assert re.findall(r"\b(Rofs\w+)", GUIDE.read_text()) == alerts


def promtool(*arguments: object) -> str:
    tool = downloaded("prometheus") / "usr/bin/promtool"
    done = subprocess.run([str(tool), *map(str, arguments)], check=False, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    assert done.returncode == 0, done.stdout
    return done.stdout


def test_rules_are_valid() -> None:
    count = len(re.findall(r"alert:", RULES.read_text()))
    assert f"SUCCESS: {count} rules found" in promtool("check", "rules", RULES)


def test_expressions_of_the_dashboard_are_valid(tmp_path: Path) -> None:
    rules = [{"record": f"test:{i}", "expr": text} for i, text in enumerate(expressions())]
    path = tmp_path / "rules.yml"
    path.write_text(json.dumps({"groups": [{"name": "dashboard", "rules": rules}]}))
    promtool("check", "rules", path)


# Which alerts there are a day later if nothing changes, by what rofs status says.
ALERTS = {
    "01-all-is-in-force": (),
    "02-root-is-writable-and-an-overlay-is-gone": ("RofsNotProtected", "RofsRootWritable"),
    "03-partition-is-missing": ("RofsNotProtected",),
    "05-switched-off-on-the-command-line": ("RofsOff",),
}
MORE = {
    "rofs_pool_used_bytes{pool=\"ram\"} 96": ("RofsPoolFilling", "RofsPoolFull"),
    "rofs_pool_inodes_used{pool=\"ram\"} 81": ("RofsPoolFilling",),
    "rofs_partition_available_bytes{partition=\"data\"} 4": ("RofsPartitionFull",),
    "rofs_transaction_unfinished 1": ("RofsTransactionUnfinished",),
    "rofs_reboot_pending 1": ("RofsRebootPending",),
    "rofs_device_life_used_tenths_b{device=\"/dev/mmcblk0\"} 9": ("RofsDeviceWornOut",),
    "node_textfile_mtime_seconds{file=\"/var/lib/prometheus/node-exporter/rofs.prom\"} 0":
        ("RofsMetricsOld",),
}
FULL = ("rofs_pool_size_bytes{pool=\"ram\"} 100", "rofs_pool_inodes{pool=\"ram\"} 100",
        "rofs_partition_size_bytes{partition=\"data\"} 100")


def check_alerts(samples: list[str], alerts: tuple[str, ...], work: Path) -> None:
    """Judged by Prometheus itself. Its files can be JSON, which is YAML."""
    series = [{"series": name, "values": f"{value}x1500"}
              for name, value in (sample.rsplit(" ", 1) for sample in samples)]
    expected = [{"labels": f'{{alertname="{name}"}}', "value": 1} for name in alerts]
    test = {
        "interval": "1m", "input_series": series,
        "promql_expr_test": [{
            "expr": 'count by (alertname) (ALERTS{alertstate="firing"})', "eval_time": "25h",
            "exp_samples": expected}],
    }
    path = work / "test.yml"
    path.write_text(json.dumps({"rule_files": [str(RULES)], "evaluation_interval": "1m",
                                "tests": [test]}))
    promtool("test", "rules", path)


@pytest.mark.parametrize("case", ALERTS)
def test_alerts_of_a_verdict(case: str, tmp_path: Path) -> None:
    check_alerts(metrics(case), ALERTS[case], tmp_path)


@pytest.mark.parametrize("sample", MORE)
def test_alerts_of_a_metric(sample: str, tmp_path: Path) -> None:
    name = sample.split(" ")[0]
    assert re.match(r"\w+", name)
    samples = [line for line in metrics("01-all-is-in-force") if not line.startswith(name)]
    check_alerts([*samples, *FULL, sample], MORE[sample], tmp_path)


@pytest.mark.parametrize("case", [path.name for path in sorted(CASES.iterdir())
                                  if (path / "metrics").exists()][:3])
def test_node_exporter_reads_the_metrics(case: str, tmp_path: Path) -> None:
    """Without an error, and all of them."""
    program = downloaded("prometheus-node-exporter") / "usr/bin/prometheus-node-exporter"
    text = (CASES / case / "metrics").read_text()
    (tmp_path / "rofs.prom").write_text(text[:text.index("# EOF\n") + len("# EOF\n")])
    exporter = subprocess.Popen(
        [str(program), "--collector.disable-defaults", "--collector.textfile",
         f"--collector.textfile.directory={tmp_path}", f"--web.listen-address=127.0.0.1:{PORT}"],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        answer = ask(exporter)
    finally:
        exporter.kill()
        exporter.wait()
    assert "node_textfile_scrape_error 0" in answer
    assert [line for line in metrics(case) if line.split(" ")[0] not in answer] == []


def ask(exporter: subprocess.Popen[bytes]) -> str:
    """What Prometheus would be told, once it listens."""
    end = time.monotonic() + START_SECONDS_MAX
    while True:
        assert exporter.poll() is None
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{PORT}/metrics", timeout=10) as page:
                return page.read().decode()
        except (urllib.error.URLError, OSError):
            assert time.monotonic() < end
            time.sleep(0.1)


# The service.

COMMAND = re.compile(r"^ExecStart=/bin/sh -c '(.*?)'$", re.M | re.S)


def command_of_service() -> str:
    """As systemd reads it."""
    found = COMMAND.search(built("units/rofs-metrics.service").read_text())
    assert found
    return re.sub(r"\\\n\s*", "", found.group(1))


def write(directory: Path, answer: str, status: int) -> int:
    """Run the command of the service with an answer of rofs status; its exit status."""
    rofs = directory.parent / "rofs"
    rofs.write_text(f"#!/bin/sh\nprintf %s {shlex.quote(answer)}\nexit {status}\n")
    rofs.chmod(0o755)
    command = command_of_service()
    assert "/usr/bin/rofs status" in command
    return subprocess.run(["/bin/sh", "-c", command.replace("/usr/bin/rofs", str(rofs))],
                          cwd=directory, check=False).returncode


@pytest.mark.parametrize("status", [0, 1, 4])
def test_service_writes_the_file_whatever_the_verdict(tmp_path: Path, status: int) -> None:
    directory = tmp_path / "metrics"
    directory.mkdir()
    (directory / "rofs.prom").write_text("old\n")
    assert write(directory, "rofs_protected 1\n# EOF\n", status) == 0
    assert {path.name: path.read_text() for path in directory.iterdir()} == {
        "rofs.prom": "rofs_protected 1\n# EOF\n"}


def test_service_keeps_the_old_file_if_the_new_one_is_incomplete(tmp_path: Path) -> None:
    directory = tmp_path / "metrics"
    directory.mkdir()
    (directory / "rofs.prom").write_text("old\n")
    assert write(directory, "rofs_protected 1\n", 1) != 0
    assert (directory / "rofs.prom").read_text() == "old\n"


def test_service_follows_no_link(tmp_path: Path) -> None:
    directory, victim = tmp_path / "metrics", tmp_path / "victim"
    directory.mkdir()
    victim.write_text("precious\n")
    for name in ("rofs.prom", "rofs.prom.new"):
        (directory / name).symlink_to(victim)
    assert write(directory, "# EOF\n", 0) == 0
    assert victim.read_text() == "precious\n"
    assert not (directory / "rofs.prom").is_symlink()


def test_service_writes_what_rofs_status_prints(rofs: Path, tmp_path: Path) -> None:
    """With the real command."""
    directory = tmp_path / "metrics"
    directory.mkdir()
    root = make_status_tree(CASES / "01-all-is-in-force", tmp_path / "root")
    command = command_of_service().replace("/usr/bin/rofs", str(rofs))
    subprocess.run(["/bin/sh", "-c", command], cwd=directory, check=True,
                   env={"PATH": "/usr/bin:/bin", "ROFS_ROOT": str(root)})
    expected = run_program(rofs, "status", "--openmetrics", root=root).stdout
    assert (directory / "rofs.prom").read_text() == expected


def enabled(image: Path) -> bool:
    """Whether the first boot of an image would enable the timer."""
    subprocess.run(["systemctl", f"--root={image}", "preset-all"], check=True,
                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return (image / "etc/systemd/system/timers.target.wants/rofs-metrics.timer").is_symlink()


@pytest.mark.parametrize("has_preset", [True, False])
def test_preset_keeps_the_timer_disabled(
    installed: Path, tmp_path: Path, has_preset: bool
) -> None:
    """systemd enables all units that no preset names."""
    need_programs("systemd-analyze")
    image = tmp_path / "image"
    shutil.copytree(installed, image, symlinks=True)
    preset, = image.glob("**/system-preset/*rofs*")
    if not has_preset:
        preset.unlink()
    assert enabled(image) != has_preset

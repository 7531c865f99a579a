"""CommitAt=: commits at set times and at shutdown, with a journal that is kept below the path."""

from __future__ import annotations

from typing import Dict

from ..disk import Entry, File, Link
from ..probe import UNITS
from ..scenario import MINIMAL_CONF, RARELY, SYSTEM, Scenario

CONF = MINIMAL_CONF + """\
[Overlay /var/log]
CommitAt=minutely; shutdown
[Overlay /srv]
CommitAt=hourly
"""
# The same in each boot, so that the journals of earlier boots are found.
MACHINE_ID = "0123456789abcdef0123456789abcdef"
# Writes when it is stopped, as ordinary services do.
WRITER = """\
[Unit]
Description=Test service that writes when it is stopped
[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/bin/true
ExecStop=/bin/sh -c 'echo stopped >>/var/log/app.log'
"""
FILES: Dict[str, Entry] = {
    "/etc/machine-id": File(f"{MACHINE_ID}\n"),
    f"/var/log/journal/{MACHINE_ID}/.keep": File(""),
    "/var/log/app.log": File("on flash\n"),
    f"{UNITS}/test-writer.service": File(WRITER),
    f"{UNITS}/multi-user.target.wants/test-writer.service": Link("../test-writer.service"),
}

SERVICE = "rofs-commit-srv.service"
# As often as a timer starts it in ten minutes; and once more.
OFTEN = f"""
for i in $(seq 11); do
    echo $i >/srv/often
    systemctl start {SERVICE} || echo $i refused
done
cat /rofs/ro/srv/often
systemctl show -P Result {SERVICE}
"""
# Another transaction is running when it starts. It is then in "auto-restart", and its job waits.
REFUSED = f"""
systemctl reset-failed {SERVICE}
rofs chroot sleep 15 >/dev/null 2>&1 &
for i in $(seq 100); do pgrep -x sleep -a | grep -q ' 15$' && break; sleep 0.2; done
echo retried >/srv/file
systemctl start --no-block {SERVICE}
for i in $(seq 100); do
    test "$(systemctl show -P SubState {SERVICE})" = auto-restart && break
    sleep 0.2
done
systemctl show -P SubState {SERVICE}
ls /rofs/ro/srv/file 2>/dev/null || echo not there
for i in $(seq 80); do test -e /rofs/ro/srv/file && break; sleep 1; done
cat /rofs/ro/srv/file
for i in $(seq 50); do
    test "$(systemctl show -P ActiveState {SERVICE})" = inactive && break
    sleep 0.2
done
systemctl show -P Result {SERVICE}
"""
# Sectors that commits write: of a large file with one more line, of a small one, and of nothing.
COST = """
written() { sync; awk '{print $7}' /sys/block/vda/stat; }
cost() {
    before=$(written)
    "$@" >/run/out; echo $? $(($(written) - before))
}
systemctl stop rofs-commit-var-log.timer
head -c 10M /dev/urandom >/var/log/large.log
rofs commit --yes /var/log/large.log >/dev/null; echo $?
echo one more line >>/var/log/large.log
cost rofs commit --yes /var/log/large.log
for i in 1 2 3; do
    echo $i >/var/log/small.log
    cost rofs commit --yes /var/log/small.log
done
cost rofs commit --yes /srv
cost systemctl start rofs-commit-srv.service
"""
WAIT = """
for i in $(seq 110); do
    test "$(cat /rofs/ro/var/log/app.log)" != "on flash" && break
    sleep 1
done
"""

FIRST: Dict[str, str] = {
    **SYSTEM,
    "change": "echo timed >>/var/log/app.log",
    "timers": "systemctl list-timers --no-legend --no-pager 'rofs-commit-*'",
    "timed_1": WAIT,
    "timed": "cat /rofs/ro/var/log/app.log; systemctl show -P Result rofs-commit-var-log.service",
    "journal": "journalctl -b -o cat --no-pager -u rofs-commit-var-log.service",
    "often": OFTEN,
    "refused": REFUSED,
    # The journal may have a message of a process that has ended without the name of its service.
    "refused_journal": "journalctl -b -o cat --no-pager -t rofs",
    "cost": COST,
    "running_after": SYSTEM["running"],
    "failed_after": SYSTEM["failed"],
    "lost": "echo lost >/home/user/lost; logger -t test before shutdown",
}
SECOND: Dict[str, str] = {
    **SYSTEM,
    "status": "rofs status",
    "log": "rofs log",
    "app": "cat /var/log/app.log; ls /home/user/lost",
    "boots": "journalctl --list-boots --no-pager",
    "before": "journalctl -b -1 -t test -o cat --no-pager",
    "last": "journalctl -b -1 -n 30 -o cat --no-pager",
    "verify": "journalctl --verify 2>&1 | grep -v '^PASS'",
    "files": f"ls /rofs/ro/var/log/journal/{MACHINE_ID}",
    "forced": "echo forced >>/var/log/app.log; sync; systemctl stop rofs-commit-var-log.timer;"
              " reboot -f; sleep 60",
}
THIRD: Dict[str, str] = {
    **SYSTEM,
    "status": "rofs status",
    "app": "cat /var/log/app.log",
}

SCENARIOS = (
    Scenario("commit-at", CONF, (FIRST, SECOND, THIRD), files=FILES, routine=RARELY,
             resets=(2,), seconds=600),
)

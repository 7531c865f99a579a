"""More changes than the RAM holds, with swap on zram, as a guide sets it up.

What is run are the commands of the guide, read from its text.
"""

from __future__ import annotations

from typing import Dict

from ..guide import adapted, commands
from ..scenario import MINIMAL_CONF, ONE, RARELY, SECTORS, SYSTEM, Scenario

GUIDE = "docs/guides/compressed-ram.md"
# There is no network, and nobody to answer apt.
CHANGES = {
    "apt install systemd-zram-generator":
        "apt-get -qy -o APT::Sandbox::User=root install /opt/systemd-zram-generator.deb",
}
STATISTICS = "cat /sys/block/zram0/mm_stat"


def typed(section: str) -> str:
    """The commands of a section, each of which has to succeed."""
    return "\n".join(["set -e", *(adapted(command, CHANGES)
                                  for command in commands(GUIDE, section) if command != "reboot")])


# What rofs says of such a pool where there is no swap.
WITHOUT = """
file=/etc/rofs.conf.d/memory.conf
mkdir -p /etc/rofs.conf.d
printf '[Memory]\\nSize=600M\\n' >$file
rofs check
status=$?
rm $file
exit $status
"""
# What 32 MiB of text become with an algorithm, and the milliseconds it takes, on another device.
ALGORITHMS = """
set -e
yes "$(head -c 100000 /var/lib/dpkg/status)" | head -c 32M >/var/tmp/sample
for algorithm in lzo-rle zstd; do
    number=$(cat /sys/class/zram-control/hot_add)
    echo $algorithm >/sys/block/zram$number/comp_algorithm
    echo 32M >/sys/block/zram$number/disksize
    begin=$EPOCHREALTIME
    dd if=/var/tmp/sample of=/dev/zram$number bs=1M conv=fsync status=none
    end=$EPOCHREALTIME
    echo $algorithm $(cat /sys/block/zram$number/mm_stat) \
        $(((${end/[.,]/} - ${begin/[.,]/}) / 1000))
    echo 1 >/sys/block/zram$number/reset
    echo $number >/sys/class/zram-control/hot_remove
done
rm /var/tmp/sample
"""
# Data that does not compress: a control group with less memory than that has to swap it.
NOISE = f"""
{STATISTICS}
systemd-run -q --wait -p MemoryMax=32M sh -c 'head -c 128M /dev/urandom >/var/tmp/noise'
{STATISTICS}
rm /var/tmp/noise
"""
# What was written first was swapped first.
INTACT = """
text=$(head -c 100000 /var/lib/dpkg/status)
stat -c %s /var/tmp/text
yes "$text" | head -c 50M | cmp -n 50M /var/tmp/text -
"""

FIRST: Dict[str, str] = {
    **SYSTEM,
    "without": WITHOUT,
    "install": typed("Install"),
    "declare": typed("Declare"),
    "status": "rofs status",
    "algorithms": ALGORITHMS,
}
SECOND: Dict[str, str] = {
    **SYSTEM,
    "noise": NOISE,
    "use": typed("Use"),
    "statistics": STATISTICS,
    "memory": "awk '/^(MemTotal|SwapTotal|Shmem):/ { print $2 }' /proc/meminfo",
    "intact": INTACT,
    "alive": "systemctl is-active dbus cron systemd-journald systemd-logind",
    "killed": "journalctl -kb -o cat --no-pager | grep -iE 'out of memory|oom-kill'",
    "check": "rofs check",
    **SECTORS,
}

SCENARIOS = (
    Scenario("compressed-ram", MINIMAL_CONF, (FIRST, SECOND), packages="more", suites=ONE,
             routine=RARELY, setup_boots=1),
)

"""What is kept over boots: content that is copied once, single files, a machine's identity."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Dict

from ..disk import Entry, File, Link
from ..scenario import ONE, SECTORS, SYSTEM, Scenario

EXAMPLES = Path(__file__).resolve().parents[3] / "conf/examples"
MACHINE_ID = "0123456789abcdef0123456789abcdef"

# More than the partition has; what it would cost is known before.
CONF = """\
[Overlay /var]
[Overlay /etc]
[Partition data]
Device=LABEL=data
[Persist /var/lib/app]
Partition=data
Directory=/app
Populate=yes
[Persist /var/lib/too-large]
Partition=data
Directory=/too-large
Populate=yes
[Persist /etc/serial]
Partition=data
Directory=/files/serial
Kind=file
Populate=yes
[Persist /var/lib/made/by/rofs]
Partition=data
Directory=/files/made
Kind=file
Mode=0640
[Persist /var/empty]
Partition=data
Directory=/empty
[Persist /var/lib/private/test-dynamic]
Partition=data
Directory=/dynamic
"""

# Of a service with DynamicUser=yes, by the link that systemd makes in each boot.
DYNAMIC = ("cd /var/lib/test-dynamic; ls; readlink /var/lib/test-dynamic;"
           " systemctl is-active test-dynamic.service")

FAILING = ("rofs-prepare-persist-data.service", "var-lib-too\\x2dlarge.mount")
STATES = "systemctl show --no-pager -p Id -p ActiveState -p AssertResult {}; echo\n"

PERSIST_FIRST: Dict[str, str] = {
    **SYSTEM,
    "said": "journalctl -b -u rofs-prepare-persist-data.service -o cat --no-pager",
    "states": "".join(STATES.format(f"'{unit}'") for unit in FAILING),
    "sources": "for p in /var/lib/app /var/lib/too-large /etc/serial /var/lib/made/by/rofs"
               " /var/empty; do echo $p $(findmnt -n -o SOURCE --mountpoint $p |"
               " tail -n 1); done",
    "app": "cd /var/lib/app; cat file; stat -c '%a %U' file; readlink link; ls",
    "files": "cat /etc/serial; stat -c '%a %s' /etc/serial /var/lib/made/by/rofs",
    "partition": "cd /rofs/persist/data; ls -A . files",
    "rename": "cd /etc; echo 2 > serial.new; LC_ALL=C mv -f serial.new serial",
    "dynamic": f"{DYNAMIC}; echo mine >mine",
    "change": "echo changed > /etc/serial; echo made > /var/lib/made/by/rofs;"
              " rm /var/lib/app/file; echo new > /var/lib/app/new; sync",
    **SECTORS,
}

PERSIST_SECOND: Dict[str, str] = {
    **SYSTEM,
    "said": "journalctl -b -u rofs-prepare-persist-data.service -o cat --no-pager",
    "app": "cd /var/lib/app; ls; cat new",
    "dynamic": DYNAMIC,
    "files": "cat /etc/serial /var/lib/made/by/rofs; stat -c '%a' /var/lib/made/by/rofs",
    "lower": "cat /rofs/ro/etc/serial; ls /rofs/ro/var/lib/made",
    "partition": "cd /rofs/persist/data; ls -A . files",
    **SECTORS,
}

PERSIST_FILES: Dict[str, Entry] = {
    "/var/lib/app/file": File("on flash\n", 0o640),
    "/var/lib/app/link": Link("file"),
    "/var/lib/too-large/file": File(bytes(range(256)) * (70 * 4096)),
    "/etc/serial": File("1\n"),
    "/var/empty/file": File("not copied\n"),
}


def identity_conf() -> str:
    """The example, on the partition of the tests."""
    text = (EXAMPLES / "identity.conf").read_text()
    return text.replace("Partition identity]", "Partition data]").replace(
        "Partition=identity", "Partition=data").replace("LABEL=identity", "LABEL=data")


def keep_time_unit() -> str:
    """The unit that the example shows."""
    text = (EXAMPLES / "identity.conf").read_text()
    found = re.search(r"^#     \[Unit\]\n(#     .*\n)+", text, re.M)
    assert found is not None
    return re.sub("^#     ", "", found.group(0), flags=re.M)


IDENTITY: Dict[str, str] = {
    **SYSTEM,
    "machine_id": "cat /etc/machine-id",
    "time": "date +%s; stat -c %Y /var/lib/systemd/last-time",
    "year": "journalctl -k -o cat --no-pager | grep -iE 'rtc.*setting system clock' || true",
    "boots": "journalctl --list-boots --no-pager | wc -l; ls /var/log/journal",
    "journal": "logger -t identity seen; journalctl --sync; journalctl -t identity -o cat",
    "seed": "stat -c %s /var/lib/systemd/random-seed; sha256sum </var/lib/systemd/random-seed",
    "systemd": "ls -A /var/lib/systemd /rofs/ro/var/lib/systemd",
    "keys": "stat -c '%a %U:%G' /var/lib/ssh-keys; cat /var/lib/ssh-keys/key;"
            " echo 'a key' > /var/lib/ssh-keys/key; chmod 0600 /var/lib/ssh-keys/key",
    "leases": "for f in $(find /var/lib/dhcp /var/lib/dhcpcd -type f | sort);"
              " do echo $f $(grep -c . $f); done; grep -h . /var/lib/dhcpcd/duid || true",
    "address": "ip -4 -o addr show eth0",
    "persists": "findmnt -rno TARGET | grep -E '^/var/(lib|log)/' | sort -u",
    **SECTORS,
}

SCENARIOS = (
    Scenario("persist", CONF, (PERSIST_FIRST, PERSIST_SECOND), files=PERSIST_FILES, suites=ONE),
    # A board without a clock, switched on twice.
    Scenario("identity", identity_conf(), (IDENTITY, IDENTITY), network=True, rtc="base=2000-01-01",
             files={"/etc/machine-id": File(f"{MACHINE_ID}\n"),
                    "/etc/systemd/system/keep-time.service": File(keep_time_unit()),
                    "/etc/systemd/system/sysinit.target.wants/keep-time.service":
                        Link("/etc/systemd/system/keep-time.service")}, suites=ONE),
)

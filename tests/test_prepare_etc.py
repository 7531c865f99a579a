"""rofs-prepare between real mounts: machine-id, and the marks of systemd-update-done."""

from __future__ import annotations

import re

import pytest
from mounted_system import DATA, RUNNING_ID, System, sections

pytestmark = pytest.mark.root

FLASH_ID = "fedcba9876543210fedcba9876543210"

MACHINE_IDS = {
    # name: what flash has, is PID 1's bind on it?
    "empty": (": > etc/machine-id", True),
    "uninitialized": ("echo uninitialized > etc/machine-id", True),
    "only zeros": ("echo 00000000000000000000000000000000 > etc/machine-id", True),
    "too short": ("echo 0123456789abcdef > etc/machine-id", True),
    "empty, id in /run only": (": > etc/machine-id", False),
}


@pytest.mark.parametrize("name", MACHINE_IDS)
def test_running_machine_id_is_the_merged_one(system: System, name: str) -> None:
    flash, bound = MACHINE_IDS[name]
    bind = "mount --bind -o ro run/machine-id etc/machine-id" if bound else "true"
    found = sections(system(
        "[Overlay /etc]\n",
        """
        boot
        echo == id; cat /etc/machine-id; stat -c '%a %u %g' /etc/machine-id
        echo == mounts; findmnt -rno TARGET | grep machine-id || true
        echo == flash; cat /rofs/ro/etc/machine-id
        echo == status; cat /run/status
        """,
        f"{flash}; echo {RUNNING_ID} > run/machine-id; {bind}"))
    assert found["id"] == [RUNNING_ID, "444 0 0"]
    assert found["mounts"] == []
    assert RUNNING_ID not in found["flash"]
    assert found["status"] == ["0"]


def test_valid_machine_id_of_flash_is_left_alone(system: System) -> None:
    found = sections(system(
        "[Overlay /etc]\n",
        "boot; echo == id; cat /etc/machine-id; echo == upper; ls -A /rofs/rw/etc/upper\n",
        f"echo {FLASH_ID} > etc/machine-id; echo {RUNNING_ID} > run/machine-id"))
    assert found["id"] == [FLASH_ID]
    assert "machine-id" not in found["upper"]


def test_machine_id_is_made_when_there_is_none(system: System) -> None:
    found = sections(system("[Overlay /etc]\n", "boot; echo == id; cat /etc/machine-id\n"))
    assert re.fullmatch(r"[0-9a-f]{12}4[0-9a-f]{3}[89ab][0-9a-f]{15}", found["id"][0])


def test_machine_id_stays_bound_without_an_overlay_on_etc(system: System) -> None:
    found = sections(system(
        "[Overlay /var]\n",
        "boot; echo == mounts; findmnt -rno TARGET | grep machine-id\n",
        f": > etc/machine-id; echo {RUNNING_ID} > run/machine-id\n"
        "mount --bind run/machine-id etc/machine-id"))
    assert found["mounts"] == ["/etc/machine-id"]


def test_updated_marks_have_the_time_of_usr(system: System) -> None:
    found = sections(system(
        "[Overlay /etc]\n[Overlay /var]\n[Overlay /home]\n",
        """
        boot
        echo == times; stat -c '%.9Y' /usr /etc/.updated /var/.updated
        echo == text; grep -o 'TIMESTAMP_NSEC=.*' /etc/.updated
        echo == home; ls -A /home
        echo == merged; stat -c '%.9Y' /etc /rofs/ro/etc
        """,
        "touch -d 2001-01-01 etc/.updated"))
    usr, etc, var = found["times"]
    assert usr == etc == var
    assert found["text"] == [f"TIMESTAMP_NSEC={usr.replace('.', '').lstrip('0')}"]
    assert found["home"] == []
    assert len(set(found["merged"])) == 1


def test_newer_updated_marks_are_left_alone(system: System) -> None:
    found = sections(system(
        "[Overlay /etc]\n",
        "boot; echo == upper; ls -A /rofs/rw/etc/upper\n",
        "touch -d 2100-01-01 etc/.updated"))
    assert ".updated" not in found["upper"]


def test_machine_id_on_a_partition_is_that_of_each_boot(system: System) -> None:
    """systemd has it before the partition is mounted, so an earlier one would be another."""
    found = sections(system(
        f"{DATA}[Overlay /etc]\nPartition=data\n",
        f"""
        again() {{
            umount /etc /rofs/overlay/etc /rofs/persist/data /rofs/ro /rofs; rm -r /run/units
        }}
        show() {{ cat /etc/machine-id; findmnt -rno TARGET | grep machine-id || true; }}
        mount --bind -o ro /run/machine-id /etc/machine-id
        boot; echo == first; show
        echo kept > /etc/file; again
        echo {FLASH_ID} > /run/machine-id; mount --bind -o ro /run/machine-id /etc/machine-id
        boot; echo == second; show; cat /etc/file
        rm /etc/machine-id; again
        mount --bind -o ro /run/machine-id /etc/machine-id
        boot; echo == deleted; show; stat -c '%a %F' /etc/machine-id
        echo == status; cat /run/status
        """,
        f": > etc/machine-id; echo {RUNNING_ID} > run/machine-id"))
    assert found["first"] == [RUNNING_ID]
    assert found["second"] == [FLASH_ID, "kept"]
    assert found["deleted"] == [FLASH_ID, "444 regular file"]
    assert found["status"] == ["0"]

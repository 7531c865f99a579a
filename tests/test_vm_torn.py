"""A superblock that a power cut has torn costs nothing: see scenarios/torn.py."""

from __future__ import annotations

import pytest
from vm.machine import Boot

pytestmark = [pytest.mark.vm, pytest.mark.scenario("torn")]


def test_partition_is_in_place_with_what_its_journal_has(boot: Boot) -> None:
    assert boot["content"].out.splitlines()[-2:] == ["ext4", "new contents"]


def test_repair_is_in_the_journal(boot: Boot) -> None:
    lines = boot["fsck"].out.splitlines()
    assert ("/dev/disk/by-label/torn: the ext4 superblock was torn, probably by a power cut; it"
            " agrees with its backup copy in block 32768, and its checksum has been corrected"
            ) in lines
    assert "torn: recovering journal" in lines


def test_it_has_its_names_again(boot: Boot) -> None:
    assert boot["names"].out.splitlines() == ["/dev/vdc", "torn"]


def test_nothing_else_is_to_be_said(boot: Boot) -> None:
    assert boot["running"].line == "running", boot["failed"]
    assert boot["status"].status == 0, boot["status"]
    assert boot.trouble == [], boot.log
    assert boot["journal_trouble"].line == ""

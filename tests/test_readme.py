"""README.md, and the guides: their commands are run by tests, and what they name exists."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from cross import raspberry_pi
from packaged import listed_in
from support import SOURCE
from vm import guide
from vm.deb import DEBIAN
from vm.scenarios import SCENARIOS, compressed_ram, package, server

README = SOURCE / "README.md"
PAGES = sorted([README, *SOURCE.glob("*.md"), *SOURCE.glob("docs/**/*.md")])

# Who runs a command that is not run in a virtual machine, and as what: a file, and a part of it.
ELSEWHERE = {
    "tools/demo": ("tests/bare/run", '"tools/demo --prepare"'),
    "tools/test": ("tests/bare/run", '"tools/test --no-vm"'),
    "tools/package --suite bookworm": ("docs/RELEASE.md", "tools/package --twice"),
    "meson setup build --prefix=/usr --sysconfdir=/etc":
        ("tests/vm/image.py", "meson setup build --prefix=/usr --sysconfdir=/etc"),
    "meson compile -C build": ("tests/vm/image.py", "meson compile -C build"),
    "sudo meson install -C build": ("tests/vm/image.py", "meson install -C build"),
}
# In the package's scenario, that is one of a page that the scenario follows completely.
INSTALLATION = ("sudo apt install ./dist/rofs_*_amd64.deb", "apt install ./rofs_*_amd64.deb")


def questions(scenario: str) -> list[str]:
    return [text for boot in SCENARIOS[scenario].boots for text in boot.values()]


def test_readme_is_short() -> None:
    assert len(README.read_text().splitlines()) < 150


def test_block_is_split_into_commands() -> None:
    assert guide.split("a b\n\nc \\\n  d\ncat >x <<'END'\n\ne\nEND\nf\n") == [
        "a b", "c \\\n  d", "cat >x <<'END'\n\ne\nEND", "f"]


def test_command_that_is_missing_or_out_of_order_is_found() -> None:
    page = ["first /dev/sdb1", "reboot", "second", "first /dev/sdb1", "third"]
    assert guide.not_run(page, ["first /dev/vdb", "second; third"], {"/dev/sdb1": "/dev/vdb"}) == [
        "first /dev/sdb1"]


@pytest.mark.parametrize("section", ["Protect a machine", "Live with it"])
def test_commands_of_the_readme_are_run_in_a_machine(section: str) -> None:
    commands = guide.commands("README.md", section)
    assert len(commands) >= 4
    assert guide.not_run(commands, questions("package"), package.CHANGES) == []


@pytest.mark.parametrize("command", [
    *guide.commands("README.md", "Try it"), *guide.commands("README.md", "Install")])
def test_other_commands_of_the_readme_are_run(command: str) -> None:
    if command == INSTALLATION[0]:
        assert INSTALLATION[1] in guide.commands("docs/guides/debian.md")
        return
    if command.startswith("sudo apt install gcc"):
        return  # below
    file, part = ELSEWHERE[command]
    assert part in (SOURCE / file).read_text()


def test_no_command_of_the_readme_is_left_out() -> None:
    sections = ("Try it", "Install", "Protect a machine", "Live with it")
    assert [command for section in sections for command in guide.commands("README.md", section)] \
        == guide.commands("README.md")


def test_line_for_apt_installs_what_compiles_the_package() -> None:
    line, = [c for c in guide.commands("README.md") if c.startswith("sudo apt install gcc")]
    # The compiler is that of build-essential; on older systems, systemd and udev are there.
    needed = set(listed_in((DEBIAN / "control").read_text(), ["Build-Depends"])) - {
        "debhelper-compat", "systemd-dev", "systemd", "udev", "pkgconf"} | {"gcc"}
    assert set(line.split()[3:]) == needed
    assert "add `systemd-dev`" in README.read_text()


@pytest.mark.parametrize("scenario, page, changes", [
    ("compressed-ram", compressed_ram.GUIDE, compressed_ram.CHANGES),
    *(("package", page, package.CHANGES) for page in package.GUIDES),
    *(("server", page, server.CHANGES) for page in server.GUIDES)])
def test_commands_of_a_guide_are_run_in_a_machine(
    scenario: str, page: str, changes: dict[str, str]
) -> None:
    assert len(guide.commands(page)) > 5
    assert guide.not_run(guide.commands(page), questions(scenario), changes) == []


def test_commands_of_the_guide_for_the_raspberry_pi_are_run() -> None:
    """Some of them on another computer, as tests/test_raspberry_pi.py does."""
    page = guide.commands(raspberry_pi.PAGE)
    card = guide.commands(raspberry_pi.PAGE, raspberry_pi.CARD_SECTION)
    assert page[:len(card)] == card
    asked = [text for boot in raspberry_pi.BOOTS for text in boot.values()]
    assert guide.not_run(page[len(card):], asked, raspberry_pi.CHANGES) == []


@pytest.mark.parametrize("page", PAGES, ids=lambda path: str(path.relative_to(SOURCE)))
def test_links_lead_somewhere(page: Path) -> None:
    links = re.findall(r"\]\(([^)#]+)[^)]*\)", page.read_text(encoding="utf-8"))
    assert [link for link in links if not re.match(r"\w+:", link)
            and not (page.parent / link).exists()] == []


@pytest.mark.parametrize("page", [*SOURCE.glob("docs/guides/*.md")], ids=lambda path: path.name)
def test_guide_is_tried_by_a_test(page: Path) -> None:
    """And says by which."""
    assert "test follows this page" in page.read_text().replace("\n", " ")
    name = f"docs/guides/{page.name}"
    assert any(name in path.read_text() for path in [
        *SOURCE.glob("tests/vm/scenarios/*.py"), *SOURCE.glob("tests/cross/*.py"),
        *SOURCE.glob("tests/test_guide*.py")])

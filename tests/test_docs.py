"""The manual, the shipped configuration and the tables of the reader agree."""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

import pytest
from support import SOURCE, built, make_tree, run_generator, run_program
from vm import image
from vm.root import VERITY
from vm.scenarios import SCENARIOS
from vm.scenarios.server import KEPT

MANUAL = SOURCE / "man/rofs.conf.5.scd"
SHIPPED = SOURCE / "conf/rofs.conf"
EXAMPLES = sorted((SOURCE / "conf/examples").glob("*.conf"))
PAGES = sorted((SOURCE / "man").glob("*.scd"))

# Keys that have no default and are shown with an example in the shipped file.
SHOWN_AS_EXAMPLE = {("Partition", "Device"): "LABEL=data", ("Persist", "Partition"): "data"}


class Key(NamedTuple):
    """One row of the tables of src/conf/conf-keys.c."""

    kind: str
    name: str


@pytest.fixture(scope="module")
def table() -> dict[Key, str]:
    """The keys the reader knows, and their defaults."""
    done = run_program(built("tests/unit/print-keys"))
    assert done.returncode == 0, done.stderr
    rows = [line.split("\t") for line in done.stdout.splitlines()]
    return {Key(kind, name): fallback for kind, name, fallback in rows}


def manual_keys() -> dict[Key, str]:
    """`*Key=* _type_ (default: VALUE)` under `## [KIND]`."""
    found: dict[Key, str] = {}
    kind = ""
    for line in MANUAL.read_text().splitlines():
        header = re.match(r"## \[(\w+)", line)
        if header:
            kind = header.group(1).capitalize()
        elif line.startswith("#"):
            kind = ""
        entry = re.fullmatch(r"\*(\w+)=\* _(.+)_ \(default: (.*)\)", line)
        if entry:
            assert kind, f"a key outside of a section: {line}"
            key = Key(kind, entry.group(1))
            assert key not in found
            found[key] = "" if entry.group(3) == "none" else entry.group(3)
    return found


def shipped_keys() -> dict[Key, str]:
    """The commented assignments of conf/rofs.conf."""
    found: dict[Key, str] = {}
    kind = ""
    for line in SHIPPED.read_text().splitlines():
        header = re.match(r"#\[(\w+)( .*)?\]$", line)
        entry = re.match(r"#(\w+)=(.*)$", line)
        if header:
            kind = header.group(1)
        elif entry:
            key = Key(kind, entry.group(1))
            assert key not in found
            found[key] = entry.group(2)
    return found


def test_manual_has_the_keys_and_defaults_of_the_reader(table: dict[Key, str]) -> None:
    assert manual_keys() == table


def test_keys_of_the_manual_are_in_the_order_of_the_reader(table: dict[Key, str]) -> None:
    assert list(manual_keys()) == list(table)


def test_shipped_file_has_the_keys_and_defaults_of_the_reader(table: dict[Key, str]) -> None:
    assert shipped_keys() == {**table, **{Key(*k): v for k, v in SHOWN_AS_EXAMPLE.items()}}


def versioned_keys() -> dict[Key, str]:
    """The table of NEWS.md: the version that introduced each."""
    rows = re.findall(r"^\| \[(\w+)\] \| (\w+)= \| ([\d.]+) \|$",
                      (SOURCE / "NEWS.md").read_text(), re.M)
    assert len(rows) == len({row[:2] for row in rows})
    return {Key(kind, name): version for kind, name, version in rows}


def test_news_has_the_keys_of_the_reader(table: dict[Key, str]) -> None:
    assert list(versioned_keys()) == list(table)


def test_keys_of_the_news_are_of_a_release_that_the_news_have() -> None:
    releases = re.findall(r"^## (\S+)", (SOURCE / "NEWS.md").read_text(), re.M)
    assert set(versioned_keys().values()) <= set(releases)


def test_configuration_of_a_newer_version_costs_only_its_sections(
    generator: Path, tmp_path: Path
) -> None:
    """Every section gets a key that does not exist yet, and there is a section of a new kind."""
    text = ("[Future /srv]\nKey=value\n[Overlay /var]\nFuture=1\n[Overlay /etc]\nSize=1M\n"
            "[Overlay /home]\n[Persist /srv]\nPartition=data\nFuture=1\n[Partition data]\n"
            "Device=LABEL=data\n[Persist /opt]\nPartition=data\nDirectory=/opt\n")
    root = make_tree(tmp_path / "root", {"etc/rofs.conf": text}, ("srv", "opt"))
    run = run_generator(generator, root, tmp_path)
    assert [re.sub(r";.*", "", line) for line in run.stderr.splitlines()] == [
        "/etc/rofs.conf:1: unknown section [Future]",
        "/etc/rofs.conf:4: unknown key Future= in [Overlay]",
        "/etc/rofs.conf:10: unknown key Future= in [Persist]",
        "incomplete, see the mistakes above: 2 overlay(s), 1 persist(s) on 1 partition(s), / kept "
        "read-only"]
    assert {"home.mount", "etc.mount", "opt.mount"} <= set(run.early)
    assert not {"var.mount", "srv.mount"} & set(run.early)
    assert run.status == 1


def test_shipped_file_declares_nothing() -> None:
    lines = SHIPPED.read_text().splitlines()
    assert [line for line in lines if line and not line.startswith("#")] == []


def manual_values() -> dict[Key, set[str]]:
    """The values of the keys that take one of several: `*Key=* _a|b_`, `_boolean_`."""
    found: dict[Key, set[str]] = {}
    kinds = re.split(r"^## \[(\w+)", MANUAL.read_text(), flags=re.M)
    for kind, text in zip(kinds[1::2], kinds[2::2]):
        for name, values in re.findall(r"^\*(\w+)=\* _(boolean|\S+\|\S+)_ ", text, re.M):
            found[Key(kind.capitalize(), name)] = set(
                values.replace("boolean", "yes|no").split("|"))
    return found


@pytest.mark.parametrize("key", manual_values(), ids="-".join)
def test_values_of_the_manual_are_those_of_the_reader(
    key: Key, generator: Path, tmp_path: Path
) -> None:
    name = {"Overlay": " /var", "Persist": " /srv", "Partition": " data"}.get(key.kind, "")
    text = f"[{key.kind}{name}]\n{key.name}=nonsense\n"
    root = make_tree(tmp_path / "root", {"etc/rofs.conf": text})
    message = run_generator(generator, root, tmp_path).stderr.splitlines()[0]
    before, _, expected = message.partition("; expected ")
    assert f"{key.name}=nonsense" in before
    assert set(re.findall(r"[\w-]+", expected)) - {"or"} == manual_values()[key]


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.name)
def test_page_is_finished(page: Path) -> None:
    assert "TODO" not in page.read_text()


def blocks(page: Path) -> list[str]:
    """The literal blocks of a manual page."""
    return re.findall(r"^```\n(.*?)^```$", page.read_text(), re.M | re.S)


def manual_examples() -> dict[str, str]:
    found: dict[str, str] = {}
    for page in PAGES:
        for text in blocks(page):
            name = re.match(r"# example: (\S+)\n", text)
            if name:
                key = f"{page.name}:{name.group(1)}"
                assert key not in found
                found[key] = text
    return found


def uncommented(text: str) -> str:
    """The shipped file with every header and every assignment switched on."""
    return re.sub(r"^#(?=\[\w+.*\]$|\w+=)", "", text, flags=re.M)


CONFIGURATIONS = {
    **manual_examples(),
    **{path.name: path.read_text() for path in EXAMPLES},
    "rofs.conf, uncommented": uncommented(SHIPPED.read_text()),
}


def declared_paths(text: str) -> list[str]:
    return re.findall(r"^\[(?:Overlay|Persist) /(.+)\]$", text, re.M)


@pytest.mark.parametrize("name", CONFIGURATIONS)
def test_example_runs_without_a_message(name: str, generator: Path, tmp_path: Path) -> None:
    text = CONFIGURATIONS[name]
    overlays = re.findall(r"^\[Overlay /(.+)\]$", text, re.M)
    root = make_tree(tmp_path / "root", {"etc/rofs.conf": text}, overlays)
    run = run_generator(generator, root, tmp_path)
    assert len(run.stderr.splitlines()) == 1, run.stderr
    assert run.stderr.startswith(f"{len(overlays)} overlay(s), ")
    assert run.status == 0
    for path in declared_paths(text):
        assert any(f"Where=/{path}\n" in unit for unit in run.early.values()), path


def test_there_are_examples_in_the_manual() -> None:
    assert len(manual_examples()) >= 3
    assert len(EXAMPLES) >= 4


def headers_without_example(page: Path) -> list[str]:
    return [text for text in blocks(page)
            if re.search(r"^\[(Overlay|Root|Memory|Partition|Persist)\b", text, re.M)
            and not text.startswith("# example: ")]


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.name)
def test_no_configuration_in_the_manual_is_without_a_test(page: Path) -> None:
    assert headers_without_example(page) == []


def test_messages_of_the_manual_are_those_of_the_programs(generator: Path, tmp_path: Path) -> None:
    """The blocks that show mistakes are made of messages that exist."""
    text = ("[Root]\n[Memory]\n[Overlay /var]\nSzie=1M\n"
            "[Overlay /etc]\n[Overlay /home]\n#\n#\n#\n[Partition data]\nCheck=maybe\nSize=1\n"
            "[Persist /srv]\n")
    root = make_tree(tmp_path / "root", {"etc/rofs.conf": text})
    said = {re.sub(r"^\S+: ", "", line) for line in
            run_generator(generator, root, tmp_path).stderr.splitlines()}
    shown = "\n".join(block for page in PAGES for block in blocks(page))
    for message in ("unknown key Szie= in [Overlay]; did you mean Size=?",
                    "Check=maybe is invalid; expected yes or no",
                    "[Persist /srv] has no Partition=; expected the name of a [Partition]"):
        assert message in said
        assert message in shown


def test_files_named_by_the_architecture_exist() -> None:
    """Without an ending it is a module: `plan/plan-masks` is src/plan/plan-masks.c, or a folder."""
    rooms = "|".join(path.name for path in (SOURCE / "src").iterdir() if path.is_dir())
    text = (SOURCE / "docs/ARCHITECTURE.md").read_text()
    named = re.findall(rf"`(?:src/)?((?:{rooms})/[a-z/.-]*)`", text)
    assert len(named) > 40
    assert [name for name in named if "*" not in name and not any(
        (top / (name + ending)).exists() for ending in ("", ".c")
        for top in (SOURCE / "src", SOURCE))] == []


RELEASES = {"11": "bullseye", "12": "bookworm", "13": "trixie", "sid": "sid"}


def compatibility() -> dict[str, str]:
    """The tables of software in docs/COMPATIBILITY.md: what was tested, by software."""
    text = (SOURCE / "docs/COMPATIBILITY.md").read_text()
    tables = re.findall(r"^\| Software .*\n\|-.*\n((?:\|.*\n)+)", text, re.MULTILINE)
    rows = [[cell.strip() for cell in line.split("|")[1:-1]]
            for table in tables for line in table.splitlines()]
    return {software: tested for software, _, _, tested in rows}


@pytest.mark.parametrize("software, tested", compatibility().items())
def test_software_that_is_called_tested_is_booted(software: str, tested: str) -> None:
    if tested == "not tested":
        return
    assert re.fullmatch(r"`[\w-]+` on [\w, ]+(, `[\w-]+` on [\w, ]+)*", tested)
    for name, releases in re.findall(r"`([\w-]+)` on ([\w, ]+)", tested):
        scenario = SCENARIOS[name]
        for release in re.findall(r"\w+", releases.replace(" and ", " ")):
            assert scenario.boots_on(RELEASES[release], everything=True)


def test_words_of_dm_verity_are_those_of_the_machine() -> None:
    text = (SOURCE / "docs/SECURITY.md").read_text().split("### With dm-verity\n")[1]
    blocks = re.findall(r"(?:^    .*\n)+", text.split("\n### ")[0], re.MULTILINE)
    assert len(blocks) == 3
    made, dracut, words = ([line.strip() for line in block.splitlines()] for block in blocks)
    assert dracut[0] in image.DRACUT_CONF_OF["verity"].splitlines()
    # Of the machine they are quoted, and the paths are others.
    recipe = VERITY.replace('"', "").replace("$3", "root.img").replace("/mnt/", "")
    assert [line for line in made if line.replace('"', "") not in recipe] == []
    assert [word for word in " ".join(words).split()[1:]
            if word.replace("HASH", "$hash").replace("SIZE", "$size") not in recipe.split()] == []


def test_compatibility_has_what_the_server_runs() -> None:
    text = (SOURCE / "docs/COMPATIBILITY.md").read_text()
    assert len(compatibility()) > 15
    assert [path for path in KEPT if f"`{path}`" not in text] == []


def test_variable_is_documented_once() -> None:
    rows = re.findall(r"^\| `(\w+)` \|", (SOURCE / "docs/ENVIRONMENT.md").read_text(), re.M)
    assert {"ROFS_ROOT", "ROFS_LOG", "ROFS_CACHE", "ROFS_BUILD_DIR"} <= set(rows)
    assert sorted(rows) == sorted(set(rows))

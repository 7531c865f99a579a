"""The manual pages and the programs agree on options, exit statuses and variables.

A page NAME.8.scd is about the program NAME. Its options are entries `*--option*`. In rofs(8) an
entry of OPTIONS is about the commands that its text names, or about all of them if it names none;
a section that is called as a command is about that one.
"""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import pytest
from support import SOURCE, program, run_program

PAGES = sorted((SOURCE / "man").glob("*.8.scd"))
EVERY_PAGE = pytest.mark.parametrize("page", PAGES, ids=lambda path: path.name)
COMMANDS_PAGE = SOURCE / "man/rofs.8.scd"
ENVIRONMENT = SOURCE / "docs/ENVIRONMENT.md"


def program_of(page: Path) -> str:
    return page.name.split(".")[0]


def help_of(name: str, *words: str) -> str:
    done = run_program(program(name), *words, "--help")
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def help_options(text: str) -> set[str]:
    """`  -u, --unified  what it does`"""
    lines = re.findall(r"^  ((?:-\w, )?--[a-z-]+)", text, re.M)
    return {option for line in lines for option in line.split(", ")}


def help_statuses(text: str) -> set[str]:
    """`Exit status: 0 done, 1 a failure, 2 usage.`"""
    sentence = " ".join(text.partition("Exit status: ")[2].split())
    return set(re.findall(r"(?:^|[,;] )(\d) ", sentence))


def sections(page: str) -> dict[str, str]:
    """The text below each `# HEADING`. In a literal block, # is something else."""
    parts = re.split(r"^# ([A-Z /]+)\n", page, flags=re.M)
    return dict(zip(parts[1::2], parts[2::2]))


def entries(section: str) -> list[tuple[str, str]]:
    """The entries `*--option*=_VALUE_, *-o*` of a section, with the text of each."""
    return re.findall(r"^(\*.+)\n((?:\t.*\n|\n(?=\t))*)", section, re.M)


def entry_options(title: str) -> set[str]:
    return set(re.findall(r"\*(--?[\w-]+)=?\*", title))


def page_options(page: str) -> set[str]:
    return {option for text in sections(page).values() for title, _ in entries(text)
            for option in entry_options(title)}


def command_options(page: str, command: str) -> set[str]:
    """The options of one command of rofs(8)."""
    found = sections(page)
    commands = set(re.findall(r"^\*rofs (\w+)\*", found["SYNOPSIS"], re.M))
    options = {option for title, _ in entries(found.get(command.upper(), ""))
               for option in entry_options(title)}
    for title, text in entries(found["OPTIONS"]):
        named = commands & set(re.findall(r"\*(\w+)\*(?!\()", text))
        if command in named or not named:
            options |= entry_options(title)
    return options - {"--version"}  # of rofs itself


def commands() -> list[str]:
    return re.findall(r"^  ([a-z]+) ", help_of("rofs"), re.M)


@EVERY_PAGE
def test_no_section_is_there_twice(page: Path) -> None:
    headings = re.findall(r"^# ([A-Z /]+)$", page.read_text(), re.M)
    assert [name for name, count in Counter(headings).items() if count > 1] == []


@EVERY_PAGE
def test_options_of_a_page_are_those_of_its_program(page: Path) -> None:
    options = help_options(help_of(program_of(page)))
    if page == COMMANDS_PAGE:
        for command in commands():
            options |= help_options(help_of("rofs", command))
    assert page_options(page.read_text()) == options
    assert {"--help", "--version"} <= options


def test_page_has_the_commands(rofs: Path) -> None:
    synopsis = sections(COMMANDS_PAGE.read_text())["SYNOPSIS"]
    assert re.findall(r"^\*rofs (\w+)\*", synopsis, re.M) == commands()


def test_options_of_a_command_are_in_the_page_and_its_synopsis(rofs: Path) -> None:
    text = COMMANDS_PAGE.read_text()
    for command in commands():
        options = help_options(help_of("rofs", command))
        assert command_options(text, command) == options, command
        line = re.search(rf"^\*rofs {command}\*(.*)$", sections(text)["SYNOPSIS"], re.M)
        assert line is not None
        assert set(re.findall(r"--[\w-]+", line.group(1))) <= options, command


@EVERY_PAGE
def test_each_option_that_is_taken_out_is_missed(page: Path) -> None:
    """So the comparisons above do compare."""
    text = page.read_text()
    options = page_options(text)
    assert options
    for option in options:
        assert page_options(re.sub(rf"\*{option}=?\*", "*x*", text)) == options - {option}


@EVERY_PAGE
def test_exit_statuses_of_a_page_are_those_of_its_program(page: Path) -> None:
    text = help_of(program_of(page))
    documented = set(re.findall(r"^\*(\d)\*$", sections(page.read_text())["EXIT STATUS"], re.M))
    assert documented == help_statuses(text)
    assert {"0", "1", "2"} <= documented


def test_exit_statuses_of_a_command_are_some_of_those(rofs: Path) -> None:
    documented = help_statuses(help_of("rofs"))
    for command in commands():
        assert {"0", "1", "2"} <= help_statuses(help_of("rofs", command)) <= documented, command


def readers() -> dict[str, list[str]]:
    """Who reads each variable, by docs/ENVIRONMENT.md."""
    rows = re.findall(r"^\| `(\w+)` \| (.*?) \|", ENVIRONMENT.read_text(), re.M)
    return {variable: names.split(", ") for variable, names in rows}


def variables_of(name: str) -> set[str]:
    return {variable for variable, names in readers().items() if f"`{name}`" in names}


@EVERY_PAGE
def test_variables_of_a_page_are_those_of_its_program(page: Path) -> None:
    titles = "".join(title for title, _ in
                     entries(sections(page.read_text()).get("ENVIRONMENT", "")))
    documented = set(re.findall(r"\*(\w+)\*", titles))
    assert documented == variables_of(program_of(page))
    assert set(re.findall(r"^(\w+)=", help_of(program_of(page)), re.M)) <= documented


def test_variables_that_are_documented_are_those_that_are_read() -> None:
    source = "".join(path.read_text() for path in (SOURCE / "src").rglob("*.c"))
    read = set(re.findall(r'getenv\("(\w+)"\)', source))
    not_ours = {"`tools/`", "`tools/test`", "`tests/`"}
    documented = {variable for variable, names in readers().items() if set(names) - not_ours}
    assert documented == read

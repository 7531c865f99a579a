"""The kinds of problems: the table, the schemas and the manual page list the same."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import NamedTuple

import pytest

SOURCE = Path(__file__).resolve().parent.parent
TABLE = SOURCE / "src/verdict/problem.c"
MANUAL = SOURCE / "man/rofs.8.scd"


class Kind(NamedTuple):
    """A row of the table; those without a sentence are what `rofs check` finds."""

    name: str
    severity: str
    sentence: bool


def table() -> list[Kind]:
    rows = re.findall(r'^\t\[PROBLEM_(\w+)\] = \{\s*"([\w-]+)",\s*DIAG_(\w+),\s*(NULL|")',
                      TABLE.read_text(), re.M)
    assert len(rows) == len(re.findall(r"^\t\[PROBLEM_", TABLE.read_text(), re.M)) > 20
    for enum, name, _, _ in rows:
        assert name == enum.lower().replace("_", "-")
    return [Kind(name, severity.lower(), sentence != "NULL")
            for _, name, severity, sentence in rows if name != "none"]


def manual(section: str) -> list[tuple[str, str]]:
    """The list below a line such as "In *status*:"."""
    text = MANUAL.read_text().split(f"\n{section}\n\n")[1].split("\n\n")[0]
    return re.findall(r"^- _([\w-]+)_ \((\w+)", text, re.M)


@pytest.mark.parametrize(("schema", "section", "sentence"), [
    ("status", "In *status*:", True), ("check", "In *check*:", False)])
def test_all_list_the_same_kinds(schema: str, section: str, sentence: bool) -> None:
    first, *rest = table()
    assert first == Kind("configuration", "error", False)
    kinds = [kind for kind in rest if kind.sentence == sentence]
    listed = json.loads((SOURCE / f"docs/{schema}.schema.json").read_text())
    assert listed["definitions"]["kind"]["enum"] == [kind.name for kind in [first, *kinds]]
    assert manual("In both commands:") == [("configuration", "error")]
    assert manual(section) == [(kind.name, kind.severity) for kind in kinds]

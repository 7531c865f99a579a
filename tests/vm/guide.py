"""The commands of a page, as its reader types them: README.md, and those in docs/guides.

They are in blocks of "sh", in the order in which they are run. A test runs all of them: what it has
to change, such as the name of a disk, is in a table beside it.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Iterable, List, Mapping

SOURCE = Path(__file__).resolve().parent.parent.parent
BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.M | re.S)


def blocks(page: str, language: str) -> List[str]:
    """The blocks of a page, by its path, in one language."""
    found = BLOCK.findall((SOURCE / page).read_text(encoding="utf-8"))
    return [text for name, text in found if name == language]


def split(text: str) -> List[str]:
    """The commands of a block: a line, or several with what a backslash or << continues."""
    commands: List[str] = []
    end = None
    continued = False
    for line in text.splitlines():
        if continued or end is not None:
            commands[-1] += "\n" + line
        elif line:
            commands.append(line)
        opened = re.search(r"<<-?'?(\w+)'?", line) if end is None else None
        end = opened.group(1) if opened else None if line.strip() == end else end
        continued = line.endswith("\\")
    return commands


def commands(page: str, section: str = "") -> List[str]:
    """All commands of a page, or of its sections (## ...) whose title contains @section."""
    text = (SOURCE / page).read_text(encoding="utf-8")
    parts = re.split(r"^(?=## )", text, flags=re.M)
    chosen = "".join(part for part in parts if section in part.splitlines()[0])
    assert chosen, section
    return [command for name, block in BLOCK.findall(chosen) if name == "sh"
            for command in split(block)]


def adapted(command: str, changes: Mapping[str, str]) -> str:
    """The command with what a test has to change."""
    for old, new in changes.items():
        command = command.replace(old, new)
    return command


def not_run(page: Iterable[str], questions: Iterable[str], changes: Mapping[str, str]) -> List[str]:
    """Which commands of a page are not in the questions of a machine, in this order.

    A reboot is the end of a boot, of which the questions say nothing.
    """
    text = "\n".join(questions)
    at = 0
    missing = []
    for command in page:
        if command == "reboot":
            continue
        found = text.find(adapted(command, changes), at)
        if found < 0:
            missing.append(command)
        else:
            at = found
    return missing

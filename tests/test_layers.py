"""Nothing includes upwards: the modules of the model know only those before them."""

from __future__ import annotations

import re
from pathlib import Path
from typing import List

import pytest

# From docs/ARCHITECTURE.md, lowest first. Those in one line do not know each other, but for
# the parts of plan.
LAYERS: List[List[str]] = [
    ["macro"],
    ["strbuf", "text", "path"],
    ["diag"],
    ["ini", "value"],
    ["conf", "conf-keys"],
    ["bootmode", "change", "facts"],
    ["fstab"],
    ["plan", "plan-masks", "plan-overlay", "plan-persist", "plan-root", "plan-internal", "claims",
     "places", "unitname"],
    ["options", "seen"],
    ["unit", "unit-internal", "unit-layer", "unit-overlay", "unit-partition", "unit-persist",
     "unit-system", "unit-text", "verdict"],
    ["watch"],
]
LEVEL = {name: level for level, names in enumerate(LAYERS) for name in names}
SHARED = Path(__file__).resolve().parent.parent / "src" / "shared"
FILES = sorted(SHARED.glob("*.[ch]"))


def included(file: Path) -> List[str]:
    """The modules of ours that a file includes."""
    return re.findall(r'^#include "(.+)\.h"$', file.read_text(), flags=re.MULTILINE)


def test_every_module_has_its_place() -> None:
    assert {file.stem for file in FILES} - LEVEL.keys() == set()


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_no_module_includes_upwards(file: Path) -> None:
    upwards = [name for name in included(file) if LEVEL[name] > LEVEL[file.stem]]
    assert not upwards


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_the_model_touches_nothing(file: Path) -> None:
    """No descriptor, no environment, no output: that is for the programs and for src/world."""
    calls = re.findall(r"\b(open|openat|fopen|read|write|getenv|printf|fprintf|puts|exit|stat)\(",
                       re.sub(r"/\*.*?\*/", "", file.read_text(), flags=re.DOTALL))
    assert not calls

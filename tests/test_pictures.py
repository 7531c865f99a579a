"""The pictures of the README: how a terminal's output is drawn, and that they show the command."""

from __future__ import annotations

import re
import sys
import xml.etree.ElementTree as ElementTree

import pytest
from support import SOURCE

sys.path.insert(0, str(SOURCE / "tools"))

from ansi_svg import draw  # noqa: E402

TEXT = "{http://www.w3.org/2000/svg}text"
TSPAN = "{http://www.w3.org/2000/svg}tspan"


def lines(svg: str) -> list[str]:
    """What is written in a picture, from top to bottom."""
    return ["".join(text.itertext()) for text in ElementTree.fromstring(svg).iter(TEXT)]


def test_text_is_as_on_the_terminal() -> None:
    svg = draw("\033[1;31ma<b\033[0m & c  \r\n\n 0123456789\033[K\n\n", 8, "title")
    assert lines(svg) == ["a<b & c", " 0123456", "789"]
    coloured, = ElementTree.fromstring(svg).iter(TSPAN)
    assert (coloured.text, coloured.get("font-weight")) == ("a<b", "bold")


def test_rows_are_as_wide_as_their_characters() -> None:
    widths = [float(text.get("textLength", "0")) for text in
              ElementTree.fromstring(draw("1234\n├─/a\n", 80, "")).iter(TEXT)]
    assert widths == [4 * 8.4] * 2


@pytest.mark.parametrize("name", ["status", "diff", "check"])
def test_readme_shows_it(name: str) -> None:
    path = f"docs/images/{name}.svg"
    assert re.search(rf"!\[[^]]+\]\({path}\)", (SOURCE / "README.md").read_text(encoding="utf-8"))
    assert lines((SOURCE / path).read_text(encoding="utf-8"))[0].startswith(
        f"root@flash:~# rofs {name}")

"""Draws what a program printed on a terminal as SVG: text that can be selected and searched.

It knows what our programs print: lines, colours and weights (SGR), nothing that moves the cursor.
"""

from __future__ import annotations

import dataclasses
import re
from typing import Iterator, List
from xml.sax.saxutils import escape

FONT_PIXELS = 14
CELL_WIDTH = 8.4  # 0.6 em, as most monospaced fonts have it; textLength makes the others fit
LINE_HEIGHT = 19
MARGIN = 16

BACKGROUND = "#16181d"
FOREGROUND = "#d6d9de"
COLOURS = {31: "#ff7b72", 32: "#56d364", 33: "#e3b341", 36: "#79c0ff"}
DIM = "#8b949e"

SGR = re.compile(r"\033\[([0-9;]*)m")
OTHER = re.compile(r"\033\[[0-9;?]*[A-Za-ln-z]|\033[=>]|\r|\017")


@dataclasses.dataclass(frozen=True)
class Style:
    """How a character looks."""

    colour: str = FOREGROUND
    bold: bool = False

    def after(self, code: int) -> "Style":
        """This style, changed by one number of an SGR sequence."""
        if code == 0:
            return Style()
        if code == 1:
            return dataclasses.replace(self, bold=True)
        if code == 2:
            return dataclasses.replace(self, colour=DIM)
        if code in (22, 39):
            return Style(bold=self.bold and code == 39)
        return dataclasses.replace(self, colour=COLOURS.get(code, self.colour))

    def attributes(self) -> str:
        """Those of SVG that differ from the whole picture's."""
        colour = f' fill="{self.colour}"' if self.colour != FOREGROUND else ""
        return colour + (' font-weight="bold"' if self.bold else "")


@dataclasses.dataclass
class Run:
    """Characters of one style, beside each other."""

    style: Style
    text: str


def runs(text: str) -> Iterator[Run]:
    """The text in pieces of one style each."""
    style = Style()
    at = 0
    for match in SGR.finditer(text):
        if match.start() > at:
            yield Run(style, text[at:match.start()])
        for code in match[1].split(";"):
            style = style.after(int(code or 0))
        at = match.end()
    if text[at:]:
        yield Run(style, text[at:])


def rows(output: str, columns: int) -> List[List[Run]]:
    """The rows of a terminal, where long lines go on in the next one. One cell a character."""
    found: List[List[Run]] = [[]]
    width = 0
    for run in runs(OTHER.sub("", output)):
        for character in run.text:
            if character == "\n" or width == columns:
                found.append([])
                width = 0
            if character == "\n":
                continue
            row = found[-1]
            if row and row[-1].style == run.style:
                row[-1].text += character
            else:
                row.append(Run(run.style, character))
            width += 1
    while found and not "".join(run.text for run in found[-1]).strip():
        found.pop()
    return found


def draw_row(row: List[Run], y: int) -> str:
    """One line of text."""
    row = [dataclasses.replace(run) for run in row]
    while row and not row[-1].text.strip():
        row.pop()
    if not row:
        return ""
    row[-1].text = row[-1].text.rstrip()
    cells = sum(len(run.text) for run in row)
    inside = "".join(
        f"<tspan{run.style.attributes()}>{escape(run.text)}</tspan>"
        if run.style.attributes() else escape(run.text) for run in row)
    return (f'<text x="{MARGIN}" y="{y}" textLength="{cells * CELL_WIDTH:.1f}"'
            f' lengthAdjust="spacingAndGlyphs" xml:space="preserve">{inside}</text>\n')


def draw(output: str, columns: int, title: str) -> str:
    """The SVG. `title` is what screen readers say."""
    screen = rows(output, columns)
    width = round(columns * CELL_WIDTH) + 2 * MARGIN
    height = len(screen) * LINE_HEIGHT + 2 * MARGIN
    lines = "".join(draw_row(row, MARGIN + number * LINE_HEIGHT + FONT_PIXELS)
                    for number, row in enumerate(screen))
    return (f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}"'
            f' viewBox="0 0 {width} {height}" role="img">\n<title>{escape(title)}</title>\n'
            f'<rect width="100%" height="100%" rx="8" fill="{BACKGROUND}"/>\n'
            f'<g font-family="ui-monospace, Menlo, Consolas, \'DejaVu Sans Mono\', monospace"'
            f' font-size="{FONT_PIXELS}" fill="{FOREGROUND}">\n{lines}</g>\n</svg>\n')

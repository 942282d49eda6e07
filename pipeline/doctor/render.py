"""The report: lines for people, JSON for machines."""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Final

import msgspec
from rich.console import Console
from rich.text import Text

from pipeline.doctor.examine import Line
from pipeline.doctor.findings import Level

_WIDTH_OF_LEVEL: Final = max(map(len, Level))


def show(lines: Iterable[Line], console: Console) -> list[Line]:
    """Prints the lines as they come, and their numbers at the end; gives them back."""
    shown = []
    for line in lines:
        console.print(as_text(line), soft_wrap=True)
        shown.append(line)
    counts = Counter(line.finding.level for line in shown)
    console.print(", ".join(f"{counts[level]} {level}" for level in Level), soft_wrap=True)
    return shown


def as_text(line: Line) -> Text:
    """One finding: level, check, what was found; what to do in a line of its own."""
    level, found, do = line.finding.level, line.finding.found, line.finding.do
    text = Text(f"{level:<{_WIDTH_OF_LEVEL}}", style=f"bold {level.value}")
    text.append(f"  {line.check:<12}  {found}", style="default not bold")
    if do:
        text.append(f"\n{'':{_WIDTH_OF_LEVEL + 16}}→ {do}", style="default not bold")
    return text


def as_json(lines: Sequence[Line]) -> bytes:
    """{"ready": nothing is red, "findings": [{"check", "level", "found", "do"}]}, indented."""
    findings = [{"check": line.check, **msgspec.structs.asdict(line.finding)} for line in lines]
    report = {"ready": is_ready(lines), "findings": findings}
    return msgspec.json.format(msgspec.json.encode(report), indent=2)


def is_ready(lines: Iterable[Line]) -> bool:
    """Whether nothing is red."""
    return all(line.finding.level is not Level.RED for line in lines)

"""The report for a terminal."""

from rich.box import SIMPLE_HEAD
from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table as RichTable
from rich.text import Text

from pipeline.dryrun.document import (
    Bar,
    Block,
    Cards,
    Cell,
    Document,
    Hint,
    Hints,
    Mark,
    Name,
    Paragraph,
    Plot,
    Stack,
    Table,
    Tone,
)
from pipeline.dryrun.numbers import share, whole

_STYLES = {
    Tone.GOOD: "green",
    Tone.PLAIN: "",
    Tone.QUIET: "dim",
    Tone.WARN: "yellow",
    Tone.BAD: "bold red",
}
_SIGNS = {
    Tone.GOOD: "✓",
    Tone.PLAIN: "·",
    Tone.QUIET: "·",
    Tone.WARN: "!",
    Tone.BAD: "✗",
}
_BAR_CELLS = 12
_HEIGHTS = " ▁▂▃▄▅▆▇█"
_PLOT_CELLS = 60
_ROWS = 15
"""Of a table; the page has more."""


def render(document: Document) -> RenderableType:
    """The whole report."""
    shown: list[RenderableType] = [
        Text(document.title, "bold"),
        Text(document.subtitle, "dim"),
    ]
    for section in document.sections:
        shown += [Text(), Text(section.title, "bold underline"), Text(_plain(section.lead), "dim")]
        shown += [Padding(_block(block), (1, 0, 0, 0)) for block in section.blocks]
    return Group(*shown, Text(), Text(document.footer, "dim"))


def _block(block: Block) -> RenderableType:
    if isinstance(block, Table):
        return _table(block)
    if isinstance(block, Paragraph):
        return Text(_plain(block.text))
    if isinstance(block, Hints):
        return Group(*map(_hint, block.hints))
    if isinstance(block, Cards):
        table = RichTable.grid(padding=(0, 2))
        for card in block.cards:
            style = _STYLES[card.tone]
            table.add_row(Text(card.value, f"{style} bold"), card.label, Text(card.note, "dim"))
        return table
    if isinstance(block, Plot):
        return _plot(block)
    return _stack(block)


def _hint(hint: Hint) -> Text:
    return Text(f"{_SIGNS[hint.tone]} {_plain(hint.text)}", _STYLES[hint.tone])


def _stack(stack: Stack) -> Text:
    total = sum(part.records for part in stack.parts)
    texts = [
        (f"{whole(part.records)} {part.label} ({share(part.records, total)})", _STYLES[part.tone])
        for part in stack.parts
    ]
    line = Text(f"{stack.title}: ")
    for index, text in enumerate(texts):
        line.append(", " if index else "").append(*text)
    return line


def _plot(plot: Plot) -> RenderableType:
    """A line of blocks; where there are more spans than columns, several share one."""
    together = -(-len(plot.spans) // _PLOT_CELLS)
    counts = [count for _begin, count in plot.spans]
    sums = [sum(counts[at : at + together]) for at in range(0, len(counts), together)]
    most = max(sums)
    line = "".join(_HEIGHTS[-(-count * (len(_HEIGHTS) - 1) // most)] for count in sums)
    note = f"Highest: {whole(most)} records. {plot.note}"
    return Group(Text(plot.title, "bold"), Text(line, "cyan"), Text(note, "dim"))


def _table(block: Table) -> RichTable:
    hidden = len(block.rows) - _ROWS
    caption = f"{whole(hidden)} rows more are on the page of --report. " if hidden > 0 else ""
    table = RichTable(
        title=Text(block.title, "bold"),
        title_justify="left",
        caption=Text(caption + block.note, "dim") if caption or block.note else None,
        caption_justify="left",
        box=SIMPLE_HEAD,
        show_edge=False,
        pad_edge=False,
    )
    for column in block.columns:
        table.add_column(Text(column.title), justify="right" if column.number else "left")
    for row in block.rows[:_ROWS]:
        table.add_row(*map(_cell, row))
    if not block.rows:
        table.add_row(Text("none", "dim"))
    return table


def _cell(cell: Cell) -> Text:
    if isinstance(cell, Bar):
        filled = max(round(cell.share * _BAR_CELLS), int(cell.share > 0))
        bar = Text("█" * filled + "░" * (_BAR_CELLS - filled), _STYLES[cell.tone] or "cyan")
        return bar.append(f" {cell.text}", "default")
    if isinstance(cell, Mark):
        return Text(cell.text, _STYLES[cell.tone])
    return Text(cell.text if isinstance(cell, Name) else _plain(cell))


def _plain(words: str) -> str:
    """A text without the marks of code."""
    return words.replace("`", "")

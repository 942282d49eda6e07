"""The report as one HTML page: nothing else is loaded, and no script is needed.

It is built as a tree and written by the standard library, which escapes every text.
"""

from typing import Final
from xml.etree import ElementTree as ET
from xml.etree.ElementTree import Element

from pipeline.dryrun import plots
from pipeline.dryrun.document import (
    Bar,
    Block,
    Cards,
    Cell,
    Document,
    Hints,
    Mark,
    Name,
    Paragraph,
    Plot,
    Section,
    Stack,
    Table,
    Tone,
)
from pipeline.dryrun.style import STYLE
from pipeline.dryrun.tree import element, prose, text

_POLICY: Final = (
    "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
)
"""Should anything slip in after all, a browser neither runs nor loads it."""
_WORDS: Final = {
    Tone.GOOD: "Good",
    Tone.PLAIN: "Note",
    Tone.QUIET: "Note",
    Tone.WARN: "Look",
    Tone.BAD: "Problem",
}


def page(document: Document) -> str:
    """The report as HTML5."""
    head = element("head")
    element("meta", head, charset="utf-8")
    element("meta", head, **{"http-equiv": "Content-Security-Policy", "content": _POLICY})
    element("meta", head, name="viewport", content="width=device-width, initial-scale=1")
    element("meta", head, name="color-scheme", content="light dark")
    element("meta", head, name="referrer", content="no-referrer")
    text("title", document.title, head)
    text("style", STYLE, head)
    html = element("html", lang="en")
    html.append(head)
    body = element("body", html)
    header = element("header", body)
    text("h1", document.title, header)
    text("p", document.subtitle, header, class_="subtitle")
    _contents(document, element("nav", header, **{"aria-label": "Sections"}))
    main = element("main", body)
    for section in document.sections:
        main.append(_section(section))
    text("p", document.footer, element("footer", body))
    return "<!DOCTYPE html>\n" + ET.tostring(html, encoding="unicode", method="html") + "\n"


def _contents(document: Document, nav: Element) -> None:
    for section in document.sections:
        text("a", section.title, nav, href=f"#{_id(section)}")


def _id(section: Section) -> str:
    return section.title.lower().replace(" ", "-").replace("'", "").replace(".", "-")


def _section(section: Section) -> Element:
    made = element("section", id=_id(section))
    text("h2", section.title, made)
    prose(section.lead, element("p", made, class_="lead"))
    for block in section.blocks:
        made.append(_block(block))
    return made


def _block(block: Block) -> Element:
    if isinstance(block, Table):
        return _table(block)
    if isinstance(block, Cards):
        return _cards(block)
    if isinstance(block, Hints):
        return _hints(block)
    if isinstance(block, Stack):
        return plots.stack(block)
    if isinstance(block, Plot):
        return plots.bars(block)
    return _paragraph(block)


def _paragraph(block: Paragraph) -> Element:
    return prose(block.text, element("p"))


def _cards(block: Cards) -> Element:
    made = element("div", class_="cards")
    for card in block.cards:
        one = element("div", made, class_=f"card {card.tone.value}")
        text("span", card.label, one, class_="label")
        text("strong", card.value, one)
        text("small", card.note, one)
    return made


def _hints(block: Hints) -> Element:
    made = element("ul", class_="hints")
    for hint in block.hints:
        item = element("li", made, class_=hint.tone.value)
        text("b", _WORDS[hint.tone], item)
        prose(hint.text, element("span", item))
    return made


def _table(block: Table) -> Element:
    made = element("figure")
    text("figcaption", block.title, made)
    if not block.rows:
        text("p", "None.", made, class_="note")
        return made
    # Keyboards scroll what is wider than the screen, too.
    scroll = element("div", made, class_="scroll", tabindex="0", role="region")
    scroll.set("aria-label", block.title)
    table = element("table", scroll)
    row = element("tr", element("thead", table))
    for column in block.columns:
        text("th", column.title, row, scope="col", class_="number" if column.number else "text")
    body = element("tbody", table)
    for cells in block.rows:
        row = element("tr", body)
        for column, cell in zip(block.columns, cells, strict=True):
            place = element("td", row, class_="number" if column.number else "text")
            # On a narrow screen each row is a list of its cells, and the header is not shown.
            place.set("data-title", column.title)
            _cell(cell, place)
    if block.note:
        text("p", block.note, made, class_="note")
    return made


def _cell(cell: Cell, place: Element) -> None:
    if isinstance(cell, Bar):
        place.set("class", "bar")
        place.append(plots.meter(cell))
        text("span", cell.text, place)
    elif isinstance(cell, Mark):
        text("span", cell.text, place, class_=f"mark {cell.tone.value}")
    elif isinstance(cell, Name):
        # A name may be written from right to left; what stands around it is not.
        text("bdi", cell.text, element("code", place))
    else:
        prose(cell, element("span", place))

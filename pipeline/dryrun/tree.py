"""Making elements of a page."""

from xml.etree.ElementTree import Element, SubElement


def element(tag: str, parent: Element | None = None, **attributes: str) -> Element:
    """An element, within `parent` if there is one. `class_` is its class."""
    named = {name.rstrip("_"): value for name, value in attributes.items()}
    return Element(tag, named) if parent is None else SubElement(parent, tag, named)


def text(tag: str, words: str, parent: Element | None = None, **attributes: str) -> Element:
    """An element that holds a text."""
    made = element(tag, parent, **attributes)
    made.text = words
    return made


def prose(words: str, place: Element) -> Element:
    """Puts a text into an element; what stands between backticks is code."""
    plain, *rest = words.split("`")
    place.text = plain
    for code, after in zip(rest[::2], [*rest[1::2], ""], strict=False):
        text("code", code, place).tail = after
    return place

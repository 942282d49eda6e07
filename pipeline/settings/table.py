"""The settings page as the Markdown table of the README."""

from pipeline.settings.keys import KEYS, Key


def settings_table() -> str:
    """One row a key, in the order of the page: key, what is allowed, default, what it does.

    Ends with a line break.
    """
    rows = [
        "| key | allowed | default | what it does |",
        "| --- | --- | --- | --- |",
        *(_row(key) for key in KEYS.values() if not key.section),
    ]
    return "\n".join(rows) + "\n"


def _row(key: Key) -> str:
    allowed = ", ".join(f"`{choice}`" for choice in key.choices) or key.allowed
    default = f"`{key.default}`" if key.default else "must be given"
    cells = (f"`{key.name}`", allowed, default, key.description)
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"

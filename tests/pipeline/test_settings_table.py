"""The README's table of settings."""

from collections.abc import Iterator

from pipeline.settings.model import Section, Settings, WhereClause
from pipeline.settings.table import settings_table


def _leaves(section: type[Section], prefix: str = "") -> Iterator[str]:
    for name, field in section.model_fields.items():
        if isinstance(field.annotation, type) and issubclass(field.annotation, Section):
            yield from _leaves(field.annotation, f"{prefix}{name}.")
        else:
            yield prefix + name
    if prefix == "events.":
        yield from (f"events.where[].{name}" for name in WhereClause.model_fields)


def _cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.strip("|").split(" | ")]


def test_table_has_a_full_row_for_every_key() -> None:
    head, rule, *rows = settings_table().splitlines()
    assert _cells(head) == ["key", "allowed", "default", "what it does"]
    assert _cells(rule) == ["---"] * 4
    assert sorted(_cells(row)[0] for row in rows) == sorted(f"`{key}`" for key in _leaves(Settings))
    assert all(len(_cells(row)) == 4 and all(_cells(row)) for row in rows)


def test_rows_say_type_range_and_default() -> None:
    rows = {_cells(row)[0]: _cells(row)[1:3] for row in settings_table().splitlines()}
    assert rows["`customerio.region`"] == ["`us`, `eu`", "`us`"]
    assert rows["`customerio.site_id`"] == [
        "${ENV_NAME} or secret://projects/P/secrets/S/versions/V",
        "`${CUSTOMERIO_SITE_ID}`",
    ]
    assert rows["`events.enabled`"] == ["`true`, `false`", "`true`"]
    assert rows["`events.include`"] == ["all, or a list of event types", "`all`"]
    assert rows["`events.exclude`"] == ["a list of event types", "`[]`"]
    assert rows["`events.rename`"][1] == "`{}`"
    assert rows["`events.where[].op`"][1] == "must be given"
    assert rows["`users.trigger`"] == ["`identify`, `changed`, `always`", "`identify`"]
    assert rows["`delivery.max_batch_bytes`"] == ["an integer from 33000 to 499999", "`475000`"]
    assert rows["`delivery.request_timeout_s`"] == ["a number above 0, at most 300", "`10`"]
    assert rows["`preset`"] == ["`all_properties`, `null`", "`null`"]

"""Records at, above and far above the limits of Customer.io."""

from pipeline.local.traffic.message import Record
from pipeline.local.traffic.trouble.case import Case, of_records


def _numbered(count: int) -> Record:
    return {f"score_{number:03}": number for number in range(count)}


def _text(kilobytes: int) -> Record:
    """So many properties of 1 000 characters each."""
    return {f"paragraph_{number:03}": "lorem ipsum " * 83 + "sic!" for number in range(kilobytes)}


CASES: dict[str, Case] = of_records(
    {
        "event_name_of_100": lambda scene: scene.line(event_type="Report Exported".ljust(100, "!")),
        "event_name_too_long": lambda scene: scene.line(
            event_type="Report Exported".ljust(101, "!")
        ),
        "event_name_too_long_in_bytes": lambda scene: scene.line(event_type="予" * 34),
        "attributes_300": lambda scene: scene.update({"$set": _numbered(300)}),
        "attributes_301": lambda scene: scene.update({"$set": _numbered(301)}),
        "attributes_301_plain": lambda scene: scene.identify_object(_numbered(301)),
        "attribute_name_of_150": lambda scene: scene.update(
            {"$set": {"n" * 150: 1, "plan": "pro"}}
        ),
        "attribute_name_of_151": lambda scene: scene.update(
            {"$set": {"n" * 151: 1, "plan": "pro"}}
        ),
        "attribute_name_of_151_alone": lambda scene: scene.update({"$set": {"n" * 151: 1}}),
        "attribute_value_of_1000": lambda scene: scene.update({"$set": {"company": "é" * 500}}),
        "attribute_value_of_1001": lambda scene: scene.update(
            {"$set": {"company": "é" * 500 + "!", "plan": "pro"}}
        ),
        "attribute_value_too_long_list": lambda scene: scene.update(
            {"$set": {"tags": ["newsletter"] * 80, "plan": "pro"}}
        ),
        "item_too_large": lambda scene: scene.update({"$set": _text(33)}),
        "event_of_40_kb": lambda scene: scene.event(_text(40)),
        "event_of_40_kb_of_an_email": lambda scene: scene.event(
            _text(40), user_id="person003@example.com"
        ),
        "event_of_40_kb_of_a_cio_id": lambda scene: scene.event(
            _text(40), user_id="cio_a30000000007"
        ),
        "event_of_40_kb_of_odd_signs": lambda scene: scene.event(
            _text(40), user_id="team/7?x=1&y=#ü+%2F"
        ),
        "event_of_90_kb": lambda scene: scene.event(_text(88)),
        "event_data_too_large": lambda scene: scene.event(_text(110)),
        "event_data_too_large_in_one_value": lambda scene: scene.event({"notes": "x" * 120_000}),
    }
)

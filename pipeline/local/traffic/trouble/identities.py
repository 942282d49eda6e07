"""Records of nobody, of people with odd identifiers, and of people with too long ones."""

from pipeline.local.traffic.trouble.case import Case, of_records

LONGEST = 150  # bytes of UTF-8 that Customer.io takes as an identifier

CASES: dict[str, Case] = of_records(
    {
        "anonymous_null": lambda scene: scene.line(user_id=None),
        "anonymous_empty": lambda scene: scene.line(user_id=""),
        "anonymous_blank": lambda scene: scene.small_event(user_id="  \t"),
        "anonymous_update": lambda scene: scene.update({"$set": {"plan": "pro"}}, user_id=None),
        "no_identifier_object": lambda scene: scene.line(user_id={"id": "user-000001"}),
        "no_identifier_list": lambda scene: scene.line(user_id=["user-000001"]),
        "no_identifier_boolean": lambda scene: scene.line(user_id=True),
        "identifier_too_long": lambda scene: scene.line(user_id="x" * (LONGEST + 1)),
        "identifier_too_long_in_bytes": lambda scene: scene.line(user_id="é" * (LONGEST // 2 + 1)),
        "identifier_too_long_update": lambda scene: scene.update(
            {"$set": {"plan": "pro"}}, user_id="x" * (LONGEST + 1)
        ),
        "identifier_of_150": lambda scene: scene.line(user_id="x" * LONGEST),
        "identifier_of_150_bytes": lambda scene: scene.line(user_id="é" * (LONGEST // 2)),
        "identifier_cio_of_150": lambda scene: scene.line(user_id="cio_" + "a" * LONGEST),
        "identifier_cio_alone": lambda scene: scene.line(user_id="cio_"),
        "identifier_email": lambda scene: scene.line(user_id="Ada.Castro@Example.COM"),
        "identifier_almost_email": lambda scene: scene.line(user_id="ada@localhost"),
        "identifier_number": lambda scene: scene.line(user_id=4711),
        "identifier_whole_float": lambda scene: scene.line(user_id=4712.0),
        "identifier_float": lambda scene: scene.line(user_id=4713.25),
        "identifier_padded": lambda scene: scene.line(user_id="  user-000005 "),
        "identifier_with_signs": lambda scene: scene.line(user_id="team/7?x=1&y=#ü+%2F"),
    }
)

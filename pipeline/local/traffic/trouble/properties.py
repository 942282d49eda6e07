"""Properties with reserved names, odd names, odd values, and operators."""

from pipeline.local.traffic.trouble.case import Case, of_records

MAIL = {
    "recipient": "someone.else@example.com",
    "from_address": "not.us@example.com",
    "reply_to": "nobody@example.com",
}
BIG = {"above_64_bits": 2**64 + 1, "below": -(2**80), "just_64": 2**63 - 1}
NESTED = {
    "cart": {"items": [{"sku": "a", "options": [1, 2.5, None, {"deep": [True]}]}], "coupon": None},
    "empty_list": [],
    "empty_object": {},
}
NAMES = {
    "naïve café": "ü",
    "🚀 launches": "🎉🎉",
    "שם": "ערך",
    "اسم": "قيمة",
    "a.b[c]$d": "x",
    'quote " and \\': "tab\tand\u2028line",
}

CASES: dict[str, Case] = of_records(
    {
        "reserved_mail_names": lambda scene: scene.event(MAIL),
        "reserved_mail_names_of_user": lambda scene: scene.event_of(MAIL),
        "reserved_private": lambda scene: scene.update({"$set": {"_private": 1, "plan": "pro"}}),
        "reserved_private_alone": lambda scene: scene.update({"$set": {"_private": 1}}),
        "reserved_identifiers": lambda scene: scene.update(
            {"$set": {"id": "1", "email": "x@example.com", "cio_id": "a3", "plan": "pro"}}
        ),
        "clash": lambda scene: scene.event({"plan": "of the event"}),
        "property_named_groups": lambda scene: scene.event(
            {"groups": "mine"},
            groups={"company": ["Example Press"]},
            group_properties={"company": {"Example Press": {"tier": "gold"}}},
        ),
        "several_groups": lambda scene: scene.event(
            {},
            groups={"company": ["Example Press", "Example Bakery"], "team": ["A"]},
            group_properties={
                "company": {"Example Press": {"tier": "gold", "seats": 3}, "Example Bakery": {}},
                "team": {"A": {"lead": None}},
            },
        ),
        "null_properties": lambda scene: scene.event({"coupon": None, "discount": None}),
        "null_properties_of_update": lambda scene: scene.update({"$set": {"role": None}}),
        "nested_values": lambda scene: scene.event(NESTED),
        "nested_values_of_update": lambda scene: scene.update({"$set": NESTED}),
        "big_integers": lambda scene: scene.event(BIG),
        "big_integers_of_update": lambda scene: scene.update({"$set": BIG}),
        "odd_names": lambda scene: scene.event(NAMES),
        "odd_names_of_update": lambda scene: scene.update({"$set": NAMES}),
        "odd_event_name": lambda scene: scene.line(event_type="🚀 אירוע – événement"),
        "no_properties": lambda scene: scene.line(event_properties={}, user_properties={}),
        "properties_of_wrong_type": lambda scene: scene.line(
            event_properties=[1, 2], user_properties="none"
        ),
        "operators_in_an_event": lambda scene: scene.event_of(
            {"$set": {"plan": "team"}, "$unset": {"trial_end": "-"}, "$add": {"logins": 1}}
        ),
        "operators_only": lambda scene: scene.update(
            {"$add": {"logins": 1}, "$append": {"badges": "gold"}, "$setOnce": {"source": "ad"}}
        ),
        "operators_clear_all": lambda scene: scene.update({"$clearAll": "-"}),
        "operators_unset_only": lambda scene: scene.update({"$unset": {"plan": "-", "role": "-"}}),
        "operators_mixed": lambda scene: scene.update(
            {
                "$set": {"plan": "pro", "seats": 9},
                "$unset": {"role": "-"},
                "$add": {"logins": 1},
                "$preInsert": {"interests": "chess"},
            }
        ),
        "operators_beside_plain": lambda scene: scene.identify_object(
            {"plan": "free", "seats": 3, "$set": {"plan": "pro"}, "$unset": {"seats": "-"}}
        ),
        "update_without_properties": lambda scene: scene.update({}),
    }
)

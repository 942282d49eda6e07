"""Short makers of updates, and a person who gets them."""

from typing import Any

from transforms.memory.person import Answer, MemoryPolicy, Person, Update, remember

WHEN_TOUCHED = MemoryPolicy(settle_ms=100, only_changes=False)
WHEN_CHANGED = MemoryPolicy(settle_ms=100, only_changes=True)


def key(number: int) -> bytes:
    """16 bytes; keys sort as their numbers do."""
    return number.to_bytes(16, "big")


def at(time_ms: int, number: int = 0, /, **operators: dict[str, Any]) -> Update:
    """An update; its operators are named without their `$`, its key is `number` or its time."""
    operations = {f"${name}": arguments for name, arguments in operators.items()}
    return Update(key(number or time_ms), time_ms, operations)


def meet(
    *updates: Update, policy: MemoryPolicy = WHEN_TOUCHED, person: Person | None = None
) -> tuple[Person, list[Answer]]:
    """A person after some updates, and the answers."""
    answers = []
    for update in updates:
        person, answer = remember(person, update, policy)
        answers.append(answer)
    assert person is not None
    return person, answers


def values(*updates: Update, policy: MemoryPolicy = WHEN_TOUCHED) -> dict[str, Any]:
    """What some updates come to."""
    return meet(*updates, policy=policy)[0].values

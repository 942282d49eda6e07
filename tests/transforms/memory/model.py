"""The model test: the product against the reference, in random sequences of updates.

    python -m tests.transforms.memory.model --sequences 100000

Each sequence has bounds of its own (none, small, usual), updates out of order, copies and restarts.
After every step the values, the answer and what Customer.io holds are compared. Exits 1 at the
first difference, with the seed that shows it.
"""

import argparse
import sys
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from random import Random
from typing import Any

from tests.transforms.memory.reference import RECKONING, Person, text_of
from transforms.memory.person import (
    MemoryPolicy,
    Update,
    decode_person,
    encode_person,
    remember,
)
from transforms.memory.person import Person as Remembered

NAMES = ("a", "b", "c")
VALUES: tuple[Any, ...] = (
    *(0, 1, 2, 1.0, 0.0, 2.5, True, False, "", "x", "1", [], [1], ["x", "x"], [1, 1.0, True, "1"]),
    *({}, {"k": 1}, {"k": 1.0, "j": [None]}, [{"k": 1}], [[1]]),
)
NUMBERS: tuple[float, ...] = (0, 1, -1, 0.5, 1.0, 10**15, 1e308, -1e308)
SETTLE_MS = (0, 5, 20, 10**9)
JOURNALS = (0, 1, 3, 200)
KEYS = (0, 1, 3, 128)
TIMES = range(1, 60)


class Trial:
    """One person of the product beside one of the reference."""

    def __init__(self, policy: MemoryPolicy) -> None:
        self._policy = policy
        self._reference = Person(policy.settle_ms, policy.journal_updates, policy.remembered_keys)
        self._product: Remembered | None = None
        self._customerio: dict[str, Any] = {}
        self._sent: dict[str, str] = {}
        """Name -> the last text sent."""
        self._sent_at = 0
        self.seen: Counter[str] = Counter()

    def restart(self) -> None:
        """Nothing is left but the bytes."""
        if self._product is not None:
            self._product = decode_person(encode_person(self._product))
        self.seen["restarts"] += 1

    def comes(self, update: Update) -> None:
        """An update for both; raises AssertionError where they differ."""
        before = repr((self._product, update))
        product, answer = remember(self._product, update, self._policy)
        assert repr((self._product, update)) == before, "an argument was changed"
        kind = self._reference.comes(update.time_ms, update.key, update.operations)
        assert answer.duplicate == (kind == "duplicate"), kind
        assert answer.late == (kind == "late"), kind
        assert answer.settled_early == self._reference.early
        assert answer.time_ms == self._reference.newest_ms
        self._product = product
        self.seen[kind] += 1
        self.seen["settled early"] += answer.settled_early
        tracks = [self._reference.track(name, update.key) for name in NAMES]
        known = {track.name: track.value or "null" for track in tracks if track.known}
        assert texts(product.values) == known
        if kind == "duplicate":
            assert not answer.attributes
            return
        assert answer.refused == sum(track.refused for track in tracks)
        self.seen["refused"] += answer.refused
        self._check_sent(update.operations, answer.attributes, answer.time_ms, known)

    def _check_sent(
        self,
        operations: dict[str, Any],
        attributes: dict[str, Any],
        time_ms: int,
        known: dict[str, str],
    ) -> None:
        changed = {name for name, text in known.items() if self._sent.get(name) != text}
        expected = set(changed)
        if not self._policy.only_changes:
            named = {name for arguments in operations.values() for name in arguments}
            expected |= named & known.keys()
            if "$clearAll" in operations:
                expected |= self._sent.keys()
        assert attributes.keys() == expected, (attributes, expected)
        held_back = {name for of in operations.values() for name in of} - expected
        self.seen["touched, nothing to send"] += len(held_back)
        if attributes and time_ms >= self._sent_at:
            self._sent_at = time_ms
            self._customerio |= attributes
            self._customerio = {
                name: value for name, value in self._customerio.items() if value is not None
            }
        self._sent |= texts(attributes)
        assert texts(self._customerio) == {
            name: text for name, text in known.items() if text != "null"
        }


def texts(values: dict[str, Any]) -> dict[str, str]:
    """Values, each as its text."""
    return {name: text_of(value) for name, value in values.items()}


Pick = Callable[[Any], Any]
"""Picks one of a sequence."""


def draw_policy(pick: Pick) -> MemoryPolicy:
    """Bounds of a sequence."""
    return MemoryPolicy(
        settle_ms=pick(SETTLE_MS),
        only_changes=pick((True, False)),
        journal_updates=pick(JOURNALS),
        remembered_keys=pick(KEYS),
    )


def draw_operations(pick: Pick) -> dict[str, Any]:
    """What one update does: mostly one operator, as SDKs send it, up to three by hand."""
    operations: dict[str, Any] = {}
    deciding = ("$set", "$set", "$setOnce", "$unset", "$clearAll")
    for _ in range(pick((1, 1, 1, 2, 3))):
        operator = pick((*deciding, *sorted(RECKONING)))
        names = pick((NAMES[:1], NAMES[:1], NAMES[1:2], NAMES[2:], NAMES[:2], NAMES))
        if operator == "$clearAll":
            operations[operator] = dict.fromkeys(pick(((), (), names)), "-")
        elif operator == "$unset":
            operations[operator] = dict.fromkeys(names, "-")
        else:
            pool = NUMBERS if operator == "$add" else VALUES
            operations[operator] = {name: pick(pool) for name in names}
    return operations


def draw_key(pick: Pick, number: int) -> bytes:
    """A key of its own, whose order has nothing to do with when the update came."""
    return bytes([pick(range(256))]) + number.to_bytes(15, "big")


def run_sequence(seed: int) -> Counter[str]:
    """One random sequence; what was seen in it."""
    random = Random(seed)
    pick: Pick = random.choice
    trial = Trial(draw_policy(pick))
    updates: list[Update] = []
    for number in range(random.randint(1, 24)):
        if updates and random.random() < 0.2:
            trial.comes(pick(updates))
        else:
            key = draw_key(pick, number)
            updates.append(Update(key, pick(TIMES), draw_operations(pick)))
            trial.comes(updates[-1])
        if random.random() < 0.1:
            trial.restart()
    return trial.seen


def run_block(seeds: range) -> tuple[Counter[str], str]:
    """Some sequences: what was seen, and the first difference ("": none)."""
    seen: Counter[str] = Counter()
    for seed in seeds:
        try:
            seen += run_sequence(seed)
        except AssertionError as difference:
            return seen, f"seed {seed}: {difference}"
        seen["sequences"] += 1
    return seen, ""


def main(arguments: list[str] | None = None) -> int:
    """Runs sequences and prints what was in them."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--sequences", type=int, default=10_000)
    parser.add_argument("--first_seed", type=int, default=0)
    parser.add_argument("--processes", type=int, default=2)
    given = parser.parse_args(arguments)
    last = given.first_seed + given.sequences
    blocks = [range(start, min(start + 500, last)) for start in range(given.first_seed, last, 500)]
    seen: Counter[str] = Counter()
    differences = []
    with ProcessPoolExecutor(given.processes) as pool:
        for of_block, difference in pool.map(run_block, blocks):
            seen += of_block
            differences += [difference] if difference else []
    for name, count in seen.most_common():
        print(f"{count:>12,}  {name}")
    print(f"{len(differences):>12,}  differences")
    print(*differences, sep="\n", end="")
    return 1 if differences else 0


if __name__ == "__main__":
    sys.exit(main())

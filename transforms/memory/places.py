"""Places: where updates stand in the order of their times.

A place is 24 bytes, the time in milliseconds and the update's key, so that places sort as bytes.
Many of them are one `bytes` in that order: it is found in, stored and read back at once.
"""

KEY_BYTES = 16
PLACE_BYTES = 8 + KEY_BYTES


def place_of(time_ms: int, key: bytes) -> bytes:
    """The place of an update. Raises ValueError for a key of another size or a time before 1970."""
    if len(key) != KEY_BYTES or time_ms < 0:
        raise ValueError(f"an update takes a key of {KEY_BYTES} bytes and a time since 1970")
    return time_ms.to_bytes(8, "big") + key


def time_of(place: bytes) -> int:
    """The time of a place, or of the first of many; Unix milliseconds."""
    return int.from_bytes(place[:8], "big")


def holds_key(places: bytes, key: bytes) -> bool:
    """Whether one of the places has this key."""
    found = places.find(key)
    while found >= 0 and found % PLACE_BYTES != 8:
        found = places.find(key, found + 1)
    return found >= 0


def position(places: bytes, place: bytes) -> int:
    """How many of the places come before this one."""
    low, high = 0, len(places) // PLACE_BYTES
    if place > places[-PLACE_BYTES:]:
        return high
    while low < high:
        middle = (low + high) // 2
        if places[middle * PLACE_BYTES : (middle + 1) * PLACE_BYTES] < place:
            low = middle + 1
        else:
            high = middle
    return low


def insert(places: bytes, place: bytes, at: int) -> bytes:
    """The places with one more, `at` of them in front of it."""
    cut = at * PLACE_BYTES
    return places[:cut] + place + places[cut:]

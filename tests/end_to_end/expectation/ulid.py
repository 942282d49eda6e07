"""Checks ULIDs against their specification (https://github.com/ulid/spec)."""

# Crockford's base 32: no I, L, O, U. Five bits a character.
ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
LENGTH = 26
TIME_CHARACTERS = 10


def ulid_time_ms(text: str) -> int:
    """Return the time in a ULID as Unix milliseconds.

    Raises ValueError when `text` is no ULID. 26 characters hold 130 bits, a ULID has 128: the
    largest one is 7ZZZZZZZZZZZZZZZZZZZZZZZZZ. Letters may be of either case.
    """
    if len(text) != LENGTH:
        raise ValueError(f"a ULID has {LENGTH} characters, this has {len(text)}: {text!r}")
    number = 0
    for character in text:
        digit = ALPHABET.find(character.upper()) if character.isascii() else -1
        if digit < 0:
            raise ValueError(f"{character!r} is no character of a ULID: {text!r}")
        number = number * 32 + digit
    if number >= 1 << 128:
        raise ValueError(f"over 128 bits, a ULID starts with 0 to 7: {text!r}")
    return number >> 80

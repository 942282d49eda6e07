"""Writes sample traffic into a file: `python -m pipeline.local.traffic --count 1000 --out F`."""

import argparse
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from pipeline.local.traffic.generator import messages
from pipeline.places import unwritable


def main(arguments: Sequence[str] | None = None) -> None:
    """Write one JSON object a line.

    Records that a line cannot hold (broken JSON, bytes that are not UTF-8, items that are no
    objects) are left out and counted. Identify API objects get a time of their own, because a
    file has no publish time.
    """
    parser = argparse.ArgumentParser(prog="python -m pipeline.local.traffic", description=__doc__)
    parser.add_argument("--count", type=int, required=True, help="records to make")
    parser.add_argument("--seed", type=int, default=1, help="the same seed gives the same records")
    parser.add_argument("--out", type=Path, required=True, help="the file to write, .ndjson")
    parser.add_argument("--trouble", type=float, default=0.1, help="troubled share, 0 to 1")
    parser.add_argument("--now", type=float, default=None, help="Unix seconds; default: the clock")
    given = parser.parse_args(arguments)
    for problem in () if given.out.exists() else unwritable("--out", str(given.out)):
        parser.error(problem)
    now = time.time() if given.now is None else given.now
    records = written = 0
    try:
        with given.out.open("wb") as file:
            for _, message in messages(
                given.count, seed=given.seed, now=now, trouble=given.trouble
            ):
                records += message.records * message.copies
                for line in message.lines * message.copies:
                    file.write(line + b"\n")
                    written += 1
    except (OSError, ValueError) as error:
        sys.exit(f"{parser.prog}: {error}")
    left_out = records - written
    print(f"{written} records in {given.out}; {left_out} left out that no line of JSON can hold")


if __name__ == "__main__":
    main()

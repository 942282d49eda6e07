"""Everything on at once, under faults on both sides, killed again and again, and judged.

`python -m tests.chaos.everything --records 50000 --seed 1 --kills 5`
"""

import sys
from collections.abc import Sequence

from tests.chaos.everything.page import settings
from tests.chaos.everything.storm import EverythingStorm
from tests.chaos.storm import Plan, parser, run


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs a storm; the exit code is 0 when the verdict is clean, else 1."""
    commands = parser("python -m tests.chaos.everything", __doc__)
    commands.add_argument(
        "--trigger",
        choices=("identify", "always", "changed"),
        default="changed",
        help="users.trigger of the settings",
    )
    options = commands.parse_args(arguments)
    plan = Plan(
        options.records,
        options.seed,
        options.share,
        options.kills,
        letters_to_topic=options.topic,
        settings=settings(options.trigger),
    )
    return run(EverythingStorm, plan, options.report)


if __name__ == "__main__":
    sys.exit(main())

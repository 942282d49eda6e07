"""What a judge says."""

from collections import Counter, defaultdict
from dataclasses import dataclass, field

from tests.chaos.wanted import Digest, WantedIdentify


@dataclass
class Verdict:
    """What is wrong, each as a line to read.

    Lost: an event, an identify, a dead letter or a message that is nowhere. Twice: an event that
    counts more than once. Wrong: something at Customer.io that nobody sent so. Unexplained: a dead
    letter without a cause. Unbalanced: a ledger that does not add up, a process that ended badly.
    """

    lost: list[str] = field(default_factory=list)
    twice: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    unexplained: list[str] = field(default_factory=list)
    unbalanced: list[str] = field(default_factory=list)
    older_values: list[str] = field(default_factory=list)
    """No fault: an attribute has a value from before the newest identify. Two identifies of one
    request are sent as one, which gives what only the earlier one names the time of the later."""

    def faults(self) -> dict[str, list[str]]:
        """The lines that say that something is wrong, by what it is."""
        return {kind: lines for kind, lines in vars(self).items() if kind != "older_values"}

    def counts(self) -> dict[str, int]:
        """How many faults of each kind."""
        return {kind: len(lines) for kind, lines in self.faults().items()}

    @property
    def clean(self) -> bool:
        """Whether nothing is wrong."""
        return not any(self.faults().values())


@dataclass
class Excused:
    """Operations that Customer.io refused on order and that a dead letter keeps."""

    events: Counter[Digest] = field(default_factory=Counter)
    """Events by their content."""
    identifies: defaultdict[str, list[WantedIdentify]] = field(
        default_factory=lambda: defaultdict(list)
    )
    """By person."""

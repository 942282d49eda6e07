"""A look: messages go through one chain or two, and what they are is noted on the way."""

from pipeline.dryrun.chain import Chain
from pipeline.dryrun.differences import Differences
from pipeline.dryrun.identifiers import Identifiers
from pipeline.dryrun.traffic import Traffic, kind_of
from transforms.decode import Decoded, decoded
from transforms.records import Message, Record


class Look:
    """Everything that was noted so far. Give it bundle after bundle."""

    def __init__(self, chain: Chain, other: Chain | None = None) -> None:
        self.chain = chain
        self.other = other
        self.traffic = Traffic()
        self.identifiers = Identifiers(chain.settings.mappings.user_identifier)
        self.differences = Differences()
        """Empty without another chain."""

    def take(self, message: Message) -> None:
        """Looks at a message; each of its records goes through every chain."""
        whole = decoded(message)
        results = _read(self.chain, message, whole)
        others = _read(self.other, message, whole) if self.other else whole
        self.traffic.note_message(message, len(results))
        for seen, result, other_result in zip(whole, results, others, strict=True):
            taken = self.chain.take(result)
            # What is seen is the whole record, not only what the settings read of it.
            shown = seen if isinstance(seen, Record) else result
            kind = kind_of(shown)
            self.traffic.note_record(shown, taken.outcome)
            if isinstance(shown, Record) and taken.walk is not None and taken.walk.routed:
                self.identifiers.note(shown, kind)
            if self.other is not None:
                self.differences.note(kind, taken, self.other.take(other_result))

    def end_bundle(self) -> None:
        """What was given since the last call is one bundle: it is packed to its end."""
        self.chain.packing.end_bundle()
        if self.other is not None:
            self.other.packing.end_bundle()


def _read(chain: Chain, message: Message, whole: Decoded) -> Decoded:
    """What the job's decode makes of a message under a chain's settings."""
    record = chain.read(message)
    return whole if record is None else [record]

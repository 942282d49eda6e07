"""Which dead letters a replay takes."""

from datetime import datetime

from msgspec import Struct

from pipeline.replay.letter import Letter


class Choice(Struct, frozen=True):
    """What the command line asks for; everything when nothing is given."""

    reasons: frozenset[str] = frozenset()
    """Empty: every reason."""
    since: datetime | None = None
    """With a zone; compared with the time of the last failure."""

    def takes(self, letter: Letter) -> bool:
        """Whether the letter is one of them."""
        if self.reasons and letter.reason not in self.reasons:
            return False
        return self.since is None or letter.failed_at >= self.since

    def words(self) -> str:
        """The choice in words, to follow `dead letters`."""
        parts = [f"of reason {' or '.join(sorted(self.reasons))}"] if self.reasons else []
        if self.since is not None:
            parts.append(f"failed since {self.since.isoformat()}")
        return f" ({', '.join(parts)})" if parts else ""

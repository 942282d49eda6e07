"""Saying that Customer.io does not take anything: loudly, but not once a request."""

import logging
import threading
import time
from collections.abc import Callable

from transforms.sink.answers import Meaning, Verdict
from transforms.tally import PROCESS_LEDGER

_LOG = logging.getLogger(__name__)
_EVERY_S = 60.0

_TEXTS = {
    Meaning.CREDENTIALS: (
        logging.ERROR,
        "Customer.io refuses the credentials (%s). Nothing is lost and nothing is acknowledged: "
        "the same records are sent again until it takes them. Set the site id and the Track API "
        "key of the right workspace and region where the settings' customerio.site_id and "
        "customerio.api_key point to.",
    ),
    Meaning.ENDPOINT: (
        logging.ERROR,
        "What answers at the endpoint is not Customer.io's Track API (%s). Nothing is lost and "
        "nothing is acknowledged. Correct customerio.region or customerio.endpoint.",
    ),
    Meaning.RETRY: (
        logging.WARNING,
        "Customer.io does not take requests at the moment (%s). They are sent again.",
    ),
}
_UNREADABLE = (
    "The credentials cannot be read again: %s. Those that Customer.io refused are tried until they "
    "can be."
)
BLOCKED = {Meaning.CREDENTIALS: "blocked.credentials", Meaning.ENDPOINT: "blocked.endpoint"}
"""The counter of a meaning that holds everything up."""


class Alarm:
    """Counts and logs answers for which no record is at fault, each kind once a minute."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._last: dict[str, float] = {}

    def ring(self, verdict: Verdict) -> None:
        """Takes note of an answer that was neither an acceptance nor a refusal of an item."""
        counter = BLOCKED.get(verdict.meaning)
        if counter is not None:
            # At once, not with the bundle: it will not commit before this is mended.
            PROCESS_LEDGER.count_now(counter)
        level, text = _TEXTS[verdict.meaning]
        self._say(level, text, summary(verdict))

    def ring_unreadable(self, why: str) -> None:
        """Takes note of credentials that cannot be read again after they were refused."""
        self._say(logging.ERROR, _UNREADABLE, why)

    def _say(self, level: int, text: str, detail: str) -> None:
        with self._lock:
            now = self._clock()
            last = self._last.get(text)
            if last is not None and now - last < _EVERY_S:
                return
            self._last[text] = now
        _LOG.log(level, text, detail)


def summary(verdict: Verdict) -> str:
    """The answer's status, or the kind of failure; not its body, which may quote a record."""
    return verdict.detail.split(" ", 1)[0] if verdict.detail[:1].isdigit() else verdict.detail

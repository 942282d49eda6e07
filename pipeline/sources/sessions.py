"""The pull sessions of this process: one a subscription, whatever becomes of its readers."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from pipeline.sources.choice import Choose, take_all
from pipeline.sources.session import PullSession

_lock = threading.Lock()
_sessions: dict[str, PullSession] = {}
_choosers: dict[str, Choose] = {}


@contextmanager
def choosing(subscription: str, choose: Choose) -> Iterator[None]:
    """Sessions of this subscription that are opened within read what `choose` takes."""
    _choosers[subscription] = choose
    try:
        yield
    finally:
        del _choosers[subscription]


def session_of(subscription: str) -> PullSession:
    """This process's session of a subscription; opened when there is none."""
    with _lock:
        session = _sessions.get(subscription)
        if session is None:
            choose = _choosers.get(subscription, take_all)
            session = _sessions[subscription] = PullSession(subscription, choose=choose)
        return session


def close_session(subscription: str) -> None:
    """Closes this process's session of a subscription, if there is one."""
    with _lock:
        session = _sessions.pop(subscription, None)
    if session is not None:
        session.close()

"""Running on one machine: generation after generation of the pipeline, until told to stop.

FnApiRunner neither retries a bundle nor lets go of what it remembers of each one. So a generation
ends after some bundles, with nothing in flight, and the next one begins; and when a bundle fails,
a new generation takes up its messages, which stay leased meanwhile.
"""

import gc
import logging

import apache_beam as beam
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.runners.portability.fn_api_runner.fn_runner import FnApiRunner
from google.api_core.exceptions import GoogleAPIError

from pipeline import finality
from pipeline.graph import Builder
from pipeline.people.file import StateFileError
from pipeline.settings import CredentialError
from pipeline.sources.files import FileReadError
from pipeline.sources.sessions import close_session, session_of
from pipeline.sources.subscription import is_idle
from pipeline.stop import STOP
from transforms.sink.lane import DeliveryError
from transforms.stack import stack

_LOG = logging.getLogger(__name__)
_LONGEST_PAUSE_S = 30.0


def run_subscription(
    build: Builder,
    options: PipelineOptions,
    subscription: str,
    stop_when_idle_s: float | None,
) -> None:
    """Runs until STOP is set or the subscription is idle. Raises SubscriptionError."""
    session = session_of(subscription)
    failures = 0
    try:
        while not STOP.is_set():
            try:
                run_once(build, options)
                failures = 0
            except Exception as error:
                finality.roll_back(comes_again=True)
                session.take_again()
                if session.error is not None:
                    raise session.error from None
                failures += 1
                wait_after(
                    failures,
                    "A bundle failed, nothing of it is acknowledged; trying again",
                    error,
                )
            if stop_when_idle_s is not None and is_idle(session, stop_when_idle_s):
                return
    finally:
        close_session(subscription)


def wait_after(failures: int, words: str, error: Exception) -> None:
    """Waits before the next try, the longer the more have failed in a row; ends with a stop.

    `words`: what failed and what comes next, for the log; how long it takes and why come behind.
    """
    pause = min(_LONGEST_PAUSE_S, 0.5 * 2.0 ** min(failures - 1, 10))
    _LOG.warning("%s in %.1f s: %s", words, pause, cause(error))
    STOP.wait(pause)


def run_once(
    build: Builder,
    options: PipelineOptions,
) -> None:
    """Runs the pipeline once, to its end; its counts are final when this returns."""
    pipeline = beam.Pipeline(runner=FnApiRunner(), options=options)
    build(pipeline)
    try:
        pipeline.run().wait_until_finish()
    finally:
        # What Beam keeps of a generation is one large cycle; left to itself, Python would look for
        # it only two generations later.
        del pipeline
        gc.collect()
    finality.commit()


_TELLS_NO_DATA = (
    DeliveryError,
    CredentialError,
    FileReadError,
    StateFileError,
    GoogleAPIError,
    OSError,
)
"""What the world does to us. The text of any other exception, of a bug, may hold a record."""


def cause(error: Exception) -> str:
    """Why a pipeline ended, in one line without a customer's data."""
    if not isinstance(error, _TELLS_NO_DATA):
        return f"a bug of ours: {stack(error)}"
    # Beam may put the whole traceback in front.
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[-1] if lines else type(error).__name__

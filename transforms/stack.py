"""Where an exception was raised, without its text: that may hold a customer's data or more."""

import traceback
from pathlib import Path

_INNERMOST, _OUTERMOST = 20, 5


def stack(error: BaseException) -> str:
    """The kind of an exception and the places in the code that it came through, innermost first.

    Of a stack that is deeper than 25 places, the middle is left out.
    """
    frames = traceback.extract_tb(error.__traceback__)
    places = [f"{Path(frame.filename).name}:{frame.lineno} {frame.name}" for frame in frames[::-1]]
    if len(places) > _INNERMOST + _OUTERMOST:
        # A recursion that did not end is a thousand times the same.
        places[_INNERMOST:-_OUTERMOST] = ["…"]
    return f"{type(error).__name__} at {' < '.join(places)}"

"""Customer.io's OpenAPI document of the Track API, where it is at hand.

Save https://docs.customer.io/files/journeys-track.json to a file, and name that file in the
environment variable CUSTOMERIO_OPENAPI. No test fetches it.
"""

import json
import os
from pathlib import Path
from typing import Any

import pytest

VARIABLE = "CUSTOMERIO_OPENAPI"


@pytest.fixture(scope="session")
def document() -> dict[str, Any]:
    path = os.environ.get(VARIABLE)
    if not path:
        pytest.skip(f"{VARIABLE} does not name Customer.io's OpenAPI document of the Track API")
    read: dict[str, Any] = json.loads(Path(path).read_text(encoding="utf-8"))
    return read

"""Dead letters in Cloud Storage: creatable, and not for everybody to read. Nothing is written."""

from typing import Any, Final

import requests

from pipeline.doctor.findings import Finding, green, red, yellow
from pipeline.doctor.google_calls import (
    DENIED,
    NOT_FOUND,
    ONCE,
    Refusal,
    ask,
    judge_right,
    unreachable,
)

SCHEME: Final = "gs://"
CREATE: Final = "storage.objects.create"
_EVERYBODY: Final = frozenset({"allUsers", "allAuthenticatedUsers"})
_VIEW: Final = "grant storage.buckets.getIamPolicy to whoever runs the doctor, or look yourself"


def look(prefix: str) -> list[Finding]:
    """The findings about objects whose names begin with `prefix`, gs://BUCKET/…"""
    name, _, path = prefix.removeprefix(SCHEME).partition("/")
    if not name or not path:
        return [red(f"{prefix} is no prefix in a bucket", "write gs://BUCKET/NAME")]
    # Imported here: it takes a second, and only gs:// needs it.
    from google.cloud.storage import Client

    what = f"{SCHEME}{name}"
    client = ask(Client)
    if isinstance(client, Refusal):
        return [unreachable(what, client)]
    try:
        return _look(what, client.bucket(name))
    except requests.RequestException as error:
        return [unreachable(what, Refusal(type(error).__name__))]
    finally:
        client.close()


def _look(what: str, bucket: Any) -> list[Finding]:
    granted = ask(lambda: bucket.test_iam_permissions([CREATE], **ONCE))
    if isinstance(granted, Refusal):
        if granted.status == NOT_FOUND:
            return [red(f"{what}: there is no such bucket", "correct --dead_letter_files")]
        if granted.status != DENIED:
            return [unreachable(what, granted)]
    right = judge_right(what, granted, CREATE, "roles/storage.objectCreator on the bucket")
    return [right, _readers(what, bucket)]


def _readers(what: str, bucket: Any) -> Finding:
    policy = ask(lambda: bucket.get_iam_policy(**ONCE))
    if isinstance(policy, Refusal):
        return yellow(f"{what}: who may read it could not be looked at ({policy.status})", _VIEW)
    public = {
        binding["role"] for binding in policy.bindings if _EVERYBODY & set(binding["members"])
    }
    if public:
        return red(
            f"{what} is open to everybody ({', '.join(sorted(public))}); letters hold personal "
            "data",
            "take allUsers and allAuthenticatedUsers out, and enforce public access prevention",
        )
    return green(f"{what} is not open to everybody")

"""Where dead letters go: a Pub/Sub topic, or files of JSON lines.

They are written within the bundle that made them, each stage's by a step of its own: a bundle ends,
and Pub/Sub hears of it, only when they are stored. (Flattening them into one collection would put a
materialisation between the stages and the store on some runners.)
"""

import gzip
import os
import stat
import threading
from collections.abc import Iterable, Sequence
from concurrent.futures import Future
from datetime import UTC, datetime
from hashlib import blake2b
from pathlib import Path
from typing import Any, Protocol
from uuid import uuid4

import apache_beam as beam
import msgspec
from apache_beam.io.filesystems import FileSystems
from apache_beam.pvalue import PCollection
from google.cloud.pubsub_v1 import PublisherClient

from transforms.records import DeadLetter, History

MAX_MESSAGE_BYTES = 9_500_000
"""Pub/Sub takes 10 MB; attributes and framing need some of it."""
_KEPT_CHARACTERS = 1_000_000
"""Of a record that is too large for a message even when it is gzipped. A multiple of 4: base64."""
_STORE_TIMEOUT_S = 60.0
_LETTERS_A_WRITE = 1_000


class Store(Protocol):
    """A place for dead letters. Lives on a worker; `open` comes first, `close` last."""

    def open(self) -> None:
        """Opens connections or files."""

    def write(self, letters: Sequence[tuple[DeadLetter, bytes]]) -> None:
        """Stores letters with their encoding; returns when they are safe, else raises."""

    def close(self) -> None:
        """Lets go of what `open` took."""


def encode(letter: DeadLetter, failed_at: str) -> bytes:
    """The letter as one line of JSON, with either its record or its operation.

    `failed_at`: ISO 8601, UTC. It is stamped here and not where the letter is made, so that a
    bundle that is tried again makes the same letters.
    """
    before = letter.history or History(0, failed_at, letter.reason)
    fields: dict[str, Any] = {
        "letter_id": letter_id(letter),
        "reason": letter.reason,
        "detail": letter.detail,
        "stage": letter.stage,
        "kind": letter.kind,
        "message_id": letter.message_id,
        "publish_time": letter.publish_time,
        "failed_at": failed_at,
        "attempts": before.attempts + 1,
        "first_failed_at": before.first_failed_at,
        "first_reason": before.first_reason,
        "attributes": letter.attributes,
    }
    if letter.operation is not None:
        fields["operation"] = letter.operation
    else:
        fields["record"] = letter.record
        fields["encoding"] = letter.encoding
    return msgspec.json.encode(fields)


def letter_id(letter: DeadLetter) -> str:
    """What tells a letter that a retried bundle stored twice: the same for the same failure.

    32 hexadecimal digits, of the reason, the stage, the message and the content.
    """
    content = letter.record if letter.operation is None else letter.operation
    parts = (letter.reason, letter.stage, letter.message_id, content)
    return blake2b(msgspec.json.encode(parts), digest_size=16).hexdigest()


class TopicStore:
    """A Pub/Sub topic, projects/P/topics/T: one message a letter, its reason as an attribute."""

    def __init__(self, topic: str) -> None:
        self._topic = topic

    def open(self) -> None:
        self._client = PublisherClient()

    def write(self, letters: Sequence[tuple[DeadLetter, bytes]]) -> None:
        futures: list[Future[str]] = []
        for letter, data in letters:
            attributes = {"reason": letter.reason, "stage": letter.stage}
            if len(data) > MAX_MESSAGE_BYTES:
                data = _gzipped(data)
                attributes["content_encoding"] = "gzip"
            futures.append(self._client.publish(self._topic, data, **attributes))
        for future in futures:
            future.result(timeout=_STORE_TIMEOUT_S)

    def close(self) -> None:
        self._client.stop()
        self._client.transport.close()


def _gzipped(data: bytes) -> bytes:
    """A letter compressed, whole if it then fits into a message.

    It does, unless its record is large and noise. The stream would wait for ever for a letter that
    Pub/Sub refuses, so the record of such a one is cut, and the detail says so.
    """
    whole = gzip.compress(data, mtime=0)
    if len(whole) <= MAX_MESSAGE_BYTES:
        return whole
    letter = msgspec.json.decode(data)
    letter["detail"] += f"; of the record only the first {_KEPT_CHARACTERS} characters are kept"
    letter["record"] = letter["record"][:_KEPT_CHARACTERS]
    return gzip.compress(msgspec.json.encode(letter), mtime=0)


_started = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
_file_lock = threading.Lock()


# O_NONBLOCK: whoever opens a pipe would else wait for its reader.
_FLAGS = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK


def _open_private(path: str) -> int:
    """A descriptor to append to a file that is ours and readable by us alone.

    The name can be known beforehand: in a directory of several users a link, a pipe or a file of
    somebody else may wait there. Raises OSError for these.
    """
    descriptor = os.open(path, _FLAGS, 0o600)
    try:
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode) or found.st_uid != os.geteuid():
            raise OSError(f"{path} is no file of this user; dead letters would be read by others")
        os.fchmod(descriptor, 0o600)
    except OSError:
        os.close(descriptor)
        raise
    return descriptor


class FileStore:
    """Files of JSON lines whose names begin with `prefix`, readable by their owner alone.

    A local prefix gives one file a process, which grows; elsewhere (gs://) every bundle with dead
    letters gives an object.
    """

    def __init__(self, prefix: str) -> None:
        self._prefix = prefix
        self._local = FileSystems.get_scheme(prefix) is None

    def open(self) -> None:
        if self._local:
            Path(self._prefix).parent.mkdir(mode=0o700, parents=True, exist_ok=True)

    def write(self, letters: Sequence[tuple[DeadLetter, bytes]]) -> None:
        data = b"".join(line + b"\n" for _letter, line in letters)
        name = f"{self._prefix}-{_started}-{os.getpid()}"
        if not self._local:
            # Workers may share their start and their process id: only a random name is their own.
            with FileSystems.create(f"{name}-{uuid4().hex}.jsonl", "application/json") as file:
                file.write(data)
            return
        with _file_lock:
            descriptor = _open_private(f"{name}.jsonl")
            size = os.fstat(descriptor).st_size
            try:
                with open(descriptor, "ab", closefd=False) as file:
                    file.write(data)
                os.fsync(descriptor)
            except OSError:
                # A half line would damage the first letter of the next try.
                os.ftruncate(descriptor, size)
                raise
            finally:
                os.close(descriptor)

    def close(self) -> None:
        """Nothing stays open between two bundles."""


class _StoreDoFn(beam.DoFn):
    def __init__(self, store: Store) -> None:
        self._store = store

    def setup(self) -> None:
        self._store.open()

    def start_bundle(self) -> None:
        self._letters: list[DeadLetter] = []

    def process(self, element: DeadLetter, *_args: Any, **_kwargs: Any) -> Iterable[Any]:
        self._letters.append(element)
        if len(self._letters) >= _LETTERS_A_WRITE:
            self.finish_bundle()
        return ()

    def finish_bundle(self) -> None:
        letters, self._letters = self._letters, []
        if letters:
            now = datetime.now(UTC).isoformat(timespec="milliseconds")
            self._store.write([(letter, encode(letter, now)) for letter in letters])

    def teardown(self) -> None:
        self._store.close()


class StoreDeadLetters(beam.PTransform[PCollection[DeadLetter], PCollection[Any]]):
    """Writes dead letters to a store; the bundle fails when the store does."""

    def __init__(self, store: Store) -> None:
        super().__init__()
        self._store = store

    def expand(self, input_or_inputs: PCollection[DeadLetter]) -> PCollection[Any]:
        done: PCollection[Any] = input_or_inputs | "Write" >> beam.ParDo(_StoreDoFn(self._store))
        return done

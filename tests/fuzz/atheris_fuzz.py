"""The long run: coverage-guided fuzzing of the transforms with atheris.

    pip install --require-hashes -r tests/fuzz/requirements.txt
    python -m tests.fuzz.atheris_fuzz --runs 5000000 [--seed N] [--corpus DIR] [--findings DIR]

An input that breaks a promise is written to the directory of findings, once for each place in the
code, and the run goes on. The exit status is 1 if there was one.
"""

import argparse
import hashlib
import os
import resource
import sys
import tempfile
import time
import traceback
from pathlib import Path
from random import Random

import atheris  # type: ignore[import-untyped,import-not-found,unused-ignore]

with atheris.instrument_imports(include=["transforms"]):
    from tests.fuzz.target import target

from tests.fuzz.mutator import mutated, plausible_message
from tests.fuzz.seeds import COMMITTED, seeds

_MAX_BYTES = 1024
_PROGRESS_EVERY = 100_000


class Run:
    """Counts what has been run and what was found."""

    def __init__(self, wanted: int, corpus: Path, findings: Path) -> None:
        self._wanted = wanted
        self._corpus = corpus
        self._findings = findings
        self._started = time.monotonic()
        self._runs = 0
        self._found: dict[str, str] = {}

    def one(self, data: bytes) -> None:
        """Runs one input and notes it down if it breaks a promise."""
        try:
            target(data)
        except Exception as error:
            self._note(data, error)
        self._runs += 1
        if self._runs % _PROGRESS_EVERY == 0:
            print(self.summary(), flush=True)
        if self._runs >= self._wanted:
            self.end()

    def _note(self, data: bytes, error: Exception) -> None:
        frames = traceback.extract_tb(error.__traceback__)
        where = " < ".join(f"{frame.name}:{frame.lineno}" for frame in reversed(frames[-4:]))
        place = f"{type(error).__name__} at {where}"
        if place in self._found:
            return
        self._findings.mkdir(parents=True, exist_ok=True)
        path = self._findings / hashlib.sha256(data).hexdigest()[:16]
        path.write_bytes(data)
        self._found[place] = str(path)
        print(f"FOUND {place}: {str(error)[:200]!r}; input in {path}", flush=True)

    def summary(self) -> str:
        """Runs, seconds, executions a second, corpus size, findings, peak memory; one line."""
        seconds = time.monotonic() - self._started
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
        return (
            f"runs={self._runs} seconds={seconds:.0f} per_second={self._runs / seconds:.0f} "
            f"corpus={sum(1 for _ in self._corpus.iterdir())} findings={len(self._found)} "
            f"peak_mb={peak}"
        )

    def end(self) -> None:
        """Says what was found and leaves; atheris itself never returns."""
        print(f"done: {self.summary()}", flush=True)
        for place, path in self._found.items():
            print(f"finding: {place}: {path}", flush=True)
        # Past libFuzzer's own exit, which takes a SystemExit for a crash.
        os._exit(1 if self._found else 0)


def _mutate(data: bytes, max_size: int, seed: int) -> bytes:
    """LibFuzzer's own mutations half of the time, else those that know JSON and Amplitude."""
    rng = Random(seed)
    chance = rng.random()
    if chance < 0.4:
        return atheris.Mutate(data, max_size)  # type: ignore[no-any-return]
    if chance < 0.45 or not data:
        return bytes([rng.randrange(256)]) + plausible_message(rng)[: max_size - 1]
    head = data[:1] if rng.random() < 0.8 else bytes([rng.randrange(256)])
    return (head + mutated(data[1:], rng))[:max_size]


def main() -> None:
    """Parses the command line and fuzzes."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--runs", type=int, default=5_000_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--corpus", type=Path, help="kept and grown; a temporary one if not given")
    parser.add_argument("--findings", type=Path, default=Path("local-run/fuzz-findings"))
    options = parser.parse_args()
    corpus: Path = options.corpus or Path(tempfile.mkdtemp(prefix="fuzz-corpus-"))
    corpus.mkdir(parents=True, exist_ok=True)
    for data in seeds():
        (corpus / hashlib.sha256(data).hexdigest()[:16]).write_bytes(data)
    run = Run(options.runs, corpus, options.findings)
    flags = [
        *(sys.argv[0], str(corpus), str(COMMITTED)),
        *(f"-seed={options.seed}", f"-max_len={_MAX_BYTES}", "-rss_limit_mb=4096"),
        *("-timeout=60", "-print_final_stats=0", "-verbosity=0"),
    ]
    atheris.Setup(flags, run.one, custom_mutator=_mutate)
    atheris.Fuzz()


if __name__ == "__main__":
    main()

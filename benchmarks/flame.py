"""Where the time goes, as flame graphs: `python -m benchmarks.flame [--into docs]`.

Looks into the core and into the streaming program with py-spy, once they have warmed up, and writes
flame-core.svg and flame-streaming.svg. Takes py-spy, which is in benchmarks/requirements.txt.

Only threads that hold Python's lock are counted: the others wait, or the system works for them.
py-spy slows both down, so the graphs tell shares, not rates.
"""

import argparse
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from benchmarks import graph_run
from benchmarks.accept import accepting
from benchmarks.balance import balanced, wait_for
from benchmarks.bench import after_warming
from benchmarks.child import Pause, in_child
from benchmarks.inputs import Inputs, Portion
from benchmarks.machine import keep_to, other_core
from benchmarks.observed import allow_observers
from benchmarks.program import running
from benchmarks.pubsub import emulator, publisher
from benchmarks.rows.streaming import warming_up

_SAMPLES_A_SECOND = "200"
_WARM = 1_000
_READY = "Sampling process"
_TITLE = re.compile(r'(<text id="title"[^>]*>)[^<]*')


class Spy:
    """py-spy, looking into a process until that ends.

    Raises RuntimeError when it cannot.
    """

    def __init__(self, program: str, pid: int, svg: Path, title: str) -> None:
        self._svg, self._title = svg, title
        words = [program, "record", "--gil", "--pid", str(pid), "--rate", _SAMPLES_A_SECOND]
        words += ["--format", "flamegraph", "--output", str(svg)]
        self._process = subprocess.Popen(
            words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        assert self._process.stdout is not None
        said = ""
        for line in self._process.stdout:
            said += line
            if _READY in line:
                return
        raise RuntimeError(f"py-spy cannot look into process {pid}:\n{said}")

    def wait(self) -> None:
        """Waits until it has written its file."""
        said, _ = self._process.communicate()
        if self._process.returncode:
            raise RuntimeError(f"py-spy failed:\n{said}")
        # It writes its own command line there.
        self._svg.write_text(titled(self._svg.read_text(), self._title))


def titled(svg: str, title: str) -> str:
    """A flame graph under another title."""
    return _TITLE.sub(lambda found: found[1] + title, svg)


def main(arguments: Sequence[str] | None = None) -> int:
    """Draws both."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.flame", description=__doc__)
    parser.add_argument("--into", type=Path, default=Path("docs"), help="directory of the files")
    parser.add_argument("--records", type=int, default=200_000)
    given = parser.parse_args(arguments)
    spy = shutil.which("py-spy", path=str(Path(sys.executable).parent)) or shutil.which("py-spy")
    if spy is None:
        sys.exit("a flame graph takes py-spy: pip install -r benchmarks/requirements.txt")
    given.into.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="benchmarks-") as name:
        inputs = Inputs(Path(name))
        warm, portion = inputs.warm(_WARM), inputs.take(given.records)
        core(spy, warm, portion, given.into / "flame-core.svg")
        streaming(spy, warm, portion, given.into / "flame-streaming.svg")
    return 0


def _observed(pause: Pause, warm: Portion, portion: Portion, url: str) -> None:
    allow_observers()
    graph_run.measured(pause, warm, portion, url, str(portion.path.parent))


def core(program: str, warm: Portion, portion: Portion, svg: Path) -> None:
    """Looks into the graph on one core."""
    spies: list[Spy] = []
    with accepting() as acceptor:
        keep_to(other_core(), acceptor.pid)

        def when_warm(pid: int) -> None:
            after_warming(acceptor, warm)
            spies.append(Spy(program, pid, svg, f"core: {portion.records:,} records"))

        in_child(_observed, warm, portion, acceptor.url, when_warm=when_warm)
        balanced(acceptor.seen(), portion)
    for spy in spies:
        spy.wait()


def streaming(program: str, warm: Portion, portion: Portion, svg: Path) -> None:
    """Looks into the program behind Pub/Sub."""
    with (
        emulator() as pubsub,
        publisher(pubsub) as publishing,
        accepting() as acceptor,
        running(pubsub, acceptor.url, observed=True) as subject,
    ):
        warming_up(acceptor, publishing, [subject], warm)
        spy = Spy(program, subject.pid, svg, f"streaming: {portion.records:,} records")
        publishing.publish_all(portion)
        wait_for(acceptor, portion, subject.alive)
        subject.stop()
        balanced(acceptor.seen(), portion)
    spy.wait()


if __name__ == "__main__":
    sys.exit(main())

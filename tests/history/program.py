"""`python -m pipeline backfill` as a process of its own."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from pipeline.backfill.manifest import Manifest
from tests.end_to_end.harness import API_KEY, SITE_ID, Program, patient

_PATIENCE_S = 1_800.0


class Backfill(Program):
    """A backfill in a directory; a second one there goes on with the first one's manifest."""

    def __init__(
        self,
        directory: Path,
        settings: Mapping[str, Any],
        endpoint: str,
        source: str,
        *flags: str,
    ) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        self.directory = directory
        self._log = directory / "log.txt"
        self.manifest_path = directory / "place.manifest"
        (directory / "settings.json").write_text(json.dumps(patient(settings)))
        arguments = [
            f"--from={source}",
            f"--settings={directory / 'settings.json'}",
            f"--customerio_endpoint={endpoint}",
            f"--ledger_file={directory / 'ledger.json'}",
            f"--dead_letter_files={directory / 'dead'}",
            f"--manifest={self.manifest_path}",
            *flags,
        ]
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "pipeline", "backfill", *arguments],
                env=os.environ | {"CUSTOMERIO_SITE_ID": SITE_ID, "CUSTOMERIO_API_KEY": API_KEY},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        self._started.append(self)

    def wait(self) -> int:
        """Waits for the end; the exit code."""
        return self._process.wait(_PATIENCE_S)

    def poll(self) -> int | None:
        """The exit code; None while it runs."""
        return self._process.poll()

    def manifest(self) -> Manifest | None:
        """The manifest as it stands; None before there is one."""
        try:
            return msgspec.json.decode(self.manifest_path.read_bytes(), type=Manifest)
        except FileNotFoundError:
            return None

    def received(self) -> int:
        """Records that are settled, by the manifest."""
        manifest = self.manifest()
        return 0 if manifest is None else manifest.counts.get("received", 0)

    def peak_mib(self) -> float:
        """Its largest resident memory so far, MiB; 0 when it has ended."""
        try:
            status = Path(f"/proc/{self._process.pid}/status").read_text()
        except OSError:
            return 0.0
        lines = dict(line.split(":", 1) for line in status.splitlines() if ":" in line)
        return int(lines.get("VmHWM", "0 kB").split()[0]) / 1024

"""The activity page: the shell in page.html, filled with what activity.py shows."""

import base64
import hashlib
import html
import re
from pathlib import Path

from pipeline.local.customerio.activity import render
from pipeline.local.customerio.workspace import Workspace

_SHELL = Path(__file__).with_name("page.html")
_PART = re.compile(r"\{\{(activity|wanted)\}\}")
_SCRIPT = re.compile(r"<script>(.*?)</script>", re.DOTALL)


class Page:
    """One self-contained HTML page. Only its own script may run, whatever the data holds."""

    def __init__(self, region: str) -> None:
        shell = _SHELL.read_text(encoding="utf-8")
        self._shell = shell.replace("{{region}}", html.escape(region.upper()))
        found = _SCRIPT.search(self._shell)
        if found is None:
            raise ValueError(f"{_SHELL} has no <script> of its own")
        digest = base64.b64encode(hashlib.sha256(found[1].encode()).digest()).decode()
        self.headers = {
            "Cache-Control": "no-store",
            "X-Content-Type-Options": "nosniff",
            "Content-Security-Policy": (
                f"default-src 'none'; connect-src 'self'; style-src 'unsafe-inline'; "
                f"img-src data:; script-src 'sha256-{digest}'; base-uri 'none'; "
                "form-action 'none'"
            ),
        }

    def whole(self, workspace: Workspace, wanted: str = "") -> str:
        """The page with what there is now; its script renews the activity each second.

        ``wanted``: what the lists are filtered by, and what stands in the page's field for it.
        """
        parts = {"activity": render(workspace, wanted), "wanted": html.escape(wanted)}
        # All in one go: data may hold what looks like the place of another part.
        return _PART.sub(lambda found: parts[found[1]], self._shell)

    def activity(self, workspace: Workspace, wanted: str = "") -> str:
        """The part that changes."""
        return render(workspace, wanted)

"""Where pstest cannot be built, it is said why."""

import shutil
from pathlib import Path

import pytest

from tests.conformance.pubsub.build import NoGoError, build, path_of


def test_a_machine_without_go(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(NoGoError, match="Go is not installed"):
        build(tmp_path)


@pytest.mark.skipif(shutil.which("go") is None, reason="Go is not installed")
@pytest.mark.parametrize("proxies", ["off", "direct", "direct,off"])
def test_a_machine_that_gets_no_modules(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, proxies: str
) -> None:
    monkeypatch.setenv("GOMODCACHE", str(tmp_path / "modules"))
    monkeypatch.setenv("GOPROXY", proxies)
    with pytest.raises(NoGoError, match=r"cannot get the modules: .*GOPROXY=off"):
        build(tmp_path)


def test_what_was_built_once_needs_no_go(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path_of(tmp_path).touch()
    monkeypatch.setenv("PATH", str(tmp_path))
    assert build(tmp_path) == path_of(tmp_path)

"""The manifest: whatever is interrupted, what stands there is whole; and it is not mistaken."""

import os
from pathlib import Path

import pytest
from msgspec.structs import replace

from pipeline.backfill import manifest as manifests
from pipeline.backfill.find import SourceFile
from pipeline.backfill.manifest import Manifest, ManifestError, Place, Work, digest
from pipeline.settings import parse_settings
from transforms.filter import TimeRange

WORK = Work((SourceFile("a.json", 10, 1.5), SourceFile("b.json", 20, 2.5)), "digest", None, None)
SETTINGS = "events: {include: [A]}\n"


def kept(path: Path, **changes: object) -> Manifest:
    manifest = replace(manifests.begin(WORK), **changes)
    manifests.write(path, manifest)
    return manifest


def refusal(path: Path, work: Work = WORK) -> str:
    with pytest.raises(ManifestError) as refused:
        manifests.read(path, work)
    return str(refused.value)


def test_what_is_written_is_read(tmp_path: Path) -> None:
    path = tmp_path / "m"
    written = kept(path, place=Place(1, 2, 3), counts={"received": 7}, damaged={"a": "why"})
    assert manifests.read(path, WORK) == written
    assert [file.name for file in tmp_path.iterdir()] == ["m"]


def test_none_begins_anew(tmp_path: Path) -> None:
    manifest = manifests.read(tmp_path / "m", WORK)
    assert (manifest.place, manifest.counts, manifest.finished) == (Place(), {}, False)


@pytest.mark.parametrize(
    ("work", "words"),
    [
        (replace(WORK, settings="other"), "the settings say otherwise what is sent, or where"),
        (replace(WORK, within=TimeRange(1, None)), "--since or --until is another one"),
        (replace(WORK, events=("A",)), "--events is another one"),
        (replace(WORK, files=WORK.files[1:]), "a.json is gone"),
        (replace(WORK, files=()), "a.json is gone (and 1 more)"),
        (replace(WORK, files=(*WORK.files, SourceFile("c.json", 1, 1.0))), "c.json is new"),
        (
            replace(WORK, files=(WORK.files[0], SourceFile("b.json", 20, 2.6))),
            "b.json has changed",
        ),
    ],
    ids=["settings", "range", "events", "gone", "all gone", "new", "changed"],
)
def test_another_work_is_refused_and_told_what_to_do(
    tmp_path: Path, work: Work, words: str
) -> None:
    path = tmp_path / "m"
    kept(path)
    text = refusal(path, work)
    assert text.startswith(f"{path} belongs to another backfill: {words}. To go on")
    assert "give another --manifest or delete this one: what was delivered counts once" in text


@pytest.mark.parametrize("content", [b"", b"{}", b"[1]", b'{"work": 3}'])
def test_what_is_no_manifest(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "m").write_bytes(content)
    assert "is no manifest of a backfill" in refusal(tmp_path / "m")


def test_another_version(tmp_path: Path) -> None:
    kept(tmp_path / "m", version=2)
    assert "is of another version of this program" in refusal(tmp_path / "m")


def test_a_write_that_fails_leaves_the_one_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "m"
    before = kept(path)
    for function in ("fsync", "replace"):
        with monkeypatch.context() as broken:
            broken.setattr(os, function, _no_space)
            with pytest.raises(OSError, match="no space"):
                manifests.write(path, replace(before, finished=True))
        assert manifests.read(path, WORK) == before
        assert [file.name for file in tmp_path.iterdir()] == ["m"]


def _no_space(*_arguments: object) -> None:
    raise OSError(28, "no space")


def test_one_process_holds_it(tmp_path: Path) -> None:
    path = tmp_path / "new" / "m"
    with (
        manifests.held(path),
        pytest.raises(ManifestError, match="is in use"),
        manifests.held(path),
    ):
        pytest.fail("held twice")
    with manifests.held(path):
        pass


def test_the_digest_is_of_what_is_sent_and_where() -> None:
    one = digest(parse_settings(SETTINGS))
    assert digest(parse_settings(SETTINGS + "delivery: {max_requests_per_second: 3}")) == one
    assert digest(parse_settings(SETTINGS + "customerio: {api_key: '${OTHER}'}")) == one
    for other in (
        "events: {include: [B]}",
        SETTINGS + "customerio: {region: eu}",
        SETTINGS + "users: {update_only: true}",
        "events: {include: [A], where: [{property: user_id, op: is, values: [a]}]}",
    ):
        assert digest(parse_settings(other)) != one

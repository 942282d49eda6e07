"""The manifest: whatever is interrupted, what stands there is whole; and it is not mistaken."""

import os
from pathlib import Path

import pytest
from msgspec.structs import replace

from pipeline.backfill import manifest as manifests
from pipeline.backfill.find import SourceFile
from pipeline.backfill.fingerprint import fingerprint
from pipeline.backfill.manifest import Manifest, ManifestError, Place, Work
from pipeline.settings import Settings, parse_settings
from transforms.filter import TimeRange

WORK = Work((SourceFile("a.json", 10, 1.5), SourceFile("b.json", 20, 2.5)), {}, None, None)
SETTINGS = "events: {include: [A]}\n"


def of_settings(text: str) -> Work:
    return replace(WORK, settings=fingerprint(parse_settings(text)))


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
        (
            replace(WORK, within=TimeRange(1_000, None)),
            "--since was not given, is 1970-01-01 00:00:01 UTC",
        ),
        (
            replace(WORK, within=TimeRange(None, 10**18)),
            "--until was not given, is 1000000000000000 s (Unix)",
        ),
        (replace(WORK, events=("A", "B, C")), "--events was not given, is A, B, C"),
        (replace(WORK, files=WORK.files[1:]), "a.json is gone"),
        (replace(WORK, files=()), "a.json is gone (and 1 more)"),
        (replace(WORK, files=(*WORK.files, SourceFile("c.json", 1, 1.0))), "c.json is new"),
        (
            replace(WORK, files=(WORK.files[0], SourceFile("b.json", 20, 2.6))),
            "b.json has changed",
        ),
    ],
    ids=["since", "until", "events", "gone", "all gone", "new", "changed"],
)
def test_another_work_is_refused_and_told_what_to_do(
    tmp_path: Path, work: Work, words: str
) -> None:
    path = tmp_path / "m"
    kept(path)
    text = refusal(path, work)
    assert text.startswith(f"{path} belongs to another backfill: {words}. To go on")
    assert "give another --manifest or delete this one: what was delivered counts once" in text


@pytest.mark.parametrize(
    ("before", "now", "words"),
    [
        ("events: {include: [A]}", "events: {include: [A, B]}", 'events.include now has "B"'),
        (
            "events: {include: [A, B]}",
            "events: {include: [B, C]}",
            'events.include no longer has "A", now has "C"',
        ),
        (
            "events: {include: [A, B]}",
            "events: {include: [B, A]}",
            'events.include was ["A","B"], is ["B","A"]',
        ),
        (SETTINGS, "events: {include: all}", 'events.include was ["A"], is "all"'),
        (
            SETTINGS,
            f"{SETTINGS}users: {{update_only: true}}",
            "users.update_only was false, is true",
        ),
        (
            SETTINGS,
            f"{SETTINGS}customerio: {{region: eu}}",
            'customerio.endpoint was "https://track.customer.io", '
            'is "https://track-eu.customer.io"',
        ),
        (
            "events: {rename: {A: B, C: D}}",
            "events: {rename: {A: B, C: E}}",
            'events.rename no longer has {"C":"D"}, now has {"C":"E"}',
        ),
        (
            SETTINGS,
            "events: {include: [A], where: [{property: user_id, op: is, values: [x@example.com]}]}",
            "events.where has other conditions",
        ),
        (
            "mappings: {user_identifier: device_id}",
            f"{SETTINGS}users: {{update_only: true}}",
            'mappings.user_identifier was "device_id", is "user_id"; events.include was "all", '
            'is ["A"]; users.update_only was false, is true',
        ),
    ],
    ids=["more", "others", "order", "all", "flag", "region", "mapping", "conditions", "several"],
)
def test_the_settings_that_differ_are_named(
    tmp_path: Path, before: str, now: str, words: str
) -> None:
    path = tmp_path / "m"
    manifests.write(path, manifests.begin(of_settings(before)))
    text = refusal(path, of_settings(now))
    assert text.startswith(f"{path} belongs to another backfill: {words}. To go on")


def test_values_of_conditions_are_not_kept(tmp_path: Path) -> None:
    clause = "{property: user_id, op: is, values: [x@example.com]}"
    path = tmp_path / "m"
    manifests.write(path, manifests.begin(of_settings(f"events: {{where: [{clause}]}}")))
    assert b"x@example.com" not in path.read_bytes()


def test_event_types_of_the_flag_are_not_told_twice(tmp_path: Path) -> None:
    path = tmp_path / "m"
    manifests.write(path, manifests.begin(replace(of_settings(SETTINGS), events=("A",))))
    other = replace(of_settings("events: {include: [B]}"), events=("B",))
    assert "another backfill: --events was A, is B. To go on" in refusal(path, other)


@pytest.mark.parametrize("content", [b"", b"{}", b"[1]", b'{"work": 3}'])
def test_what_is_no_manifest(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "m").write_bytes(content)
    assert "is no manifest of a backfill" in refusal(tmp_path / "m")


def test_another_version(tmp_path: Path) -> None:
    kept(tmp_path / "m", version=1)
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


def test_one_of_the_version_before(tmp_path: Path) -> None:
    (tmp_path / "m").write_bytes(b'{"version":1,"work":{"files":[],"settings":"0f"}}')
    assert "is of another version of this program" in refusal(tmp_path / "m")


def test_the_fingerprint_is_of_what_is_sent_and_where() -> None:
    one = fingerprint(parse_settings(SETTINGS))
    assert fingerprint(parse_settings(SETTINGS + "delivery: {max_requests_per_second: 3}")) == one
    assert fingerprint(parse_settings(SETTINGS + "customerio: {api_key: '${OTHER}'}")) == one
    everything = {"event_properties": "all", "user_properties": "all", "group_properties": "all"}
    assert fingerprint(Settings.model_validate({"preset": "all_properties"})) == fingerprint(
        Settings.model_validate({"events": everything})
    )
    for other in (
        "events: {include: [B]}",
        SETTINGS + "customerio: {region: eu}",
        SETTINGS + "users: {update_only: true}",
        "events: {include: [A], where: [{property: user_id, op: is, values: [a]}]}",
    ):
        assert fingerprint(parse_settings(other)) != one

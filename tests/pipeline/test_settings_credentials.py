"""Credentials by reference: what is accepted, what comes back, what never shows."""

import pickle
import re
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
from google.api_core import exceptions
from google.auth.exceptions import DefaultCredentialsError
from google.cloud import secretmanager

from pipeline.settings import CredentialError, CredentialReference, Credentials

SECRET = "secret://projects/my-project/secrets/customerio-api-key/versions/3"
VALUE = "0123456789abcdef"


@pytest.mark.parametrize(
    "reference",
    [
        "${CUSTOMERIO_API_KEY}",
        "${_x1}",
        SECRET,
        "secret://projects/123456/secrets/a_B-9/versions/latest",
        "secret://projects/example.com:old/secrets/a/versions/prod",
    ],
)
def test_references_that_are_accepted(reference: str) -> None:
    assert str(CredentialReference(reference)) == reference


@pytest.mark.parametrize(
    "text",
    [
        VALUE,
        "",
        "$NAME",
        "${}",
        "${1A}",
        "${A-B}",
        "${A}x",
        "x${A}",
        "${A}\n",
        " ${A}",
        "projects/p/secrets/s/versions/1",
        "secret://projects/p/secrets/s",
        "secret://projects/p/secrets/s/versions/",
        "secret://projects/p/secrets/s/versions/1/x",
        "secret://projects/p/secrets/a b/versions/1",
        "secret://projects//secrets/s/versions/1",
    ],
)
def test_everything_else_is_refused_and_not_repeated(text: str) -> None:
    with pytest.raises(ValueError, match="not a credential reference") as refused:
        CredentialReference(text)
    if text:
        assert text not in str(refused.value).replace("${ENV_NAME}", "")


def test_environment_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOME_KEY", f"  {VALUE}\n")
    assert CredentialReference("${SOME_KEY}").resolve() == VALUE


def test_pair(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("A", "site")
    monkeypatch.setenv("B", VALUE)
    pair = Credentials(CredentialReference("${A}"), CredentialReference("${B}"))
    assert pair.resolve() == ("site", VALUE)


def test_value_is_read_afresh_and_kept_nowhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("A", VALUE)
    pair = Credentials(CredentialReference("${A}"), CredentialReference("${A}"))
    pair.resolve()
    assert VALUE.encode() not in pickle.dumps(pair)
    assert VALUE not in repr(pair)
    monkeypatch.setenv("A", "another")
    assert pickle.loads(pickle.dumps(pair)).resolve() == ("another", "another")


def test_variable_that_is_not_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SOME_KEY", raising=False)
    with pytest.raises(CredentialError) as refused:
        CredentialReference("${SOME_KEY}").resolve()
    assert str(refused.value) == (
        "environment variable SOME_KEY is not set; set it for the process that sends to "
        "Customer.io, or refer to Secret Manager: secret://projects/P/secrets/S/versions/V"
    )


@pytest.mark.parametrize(
    ("value", "words"),
    [
        pytest.param("", "is empty", id="empty"),
        pytest.param(" \t\n", "is empty", id="blank"),
        pytest.param(f"{VALUE}\n{VALUE}", "control characters", id="two-lines"),
        pytest.param(f"{VALUE}\x7f{VALUE}", "control characters", id="delete"),
        pytest.param(f"{VALUE}\x85{VALUE}", "control characters", id="next-line"),
    ],
)
def test_values_that_are_no_credential(
    monkeypatch: pytest.MonkeyPatch, value: str, words: str
) -> None:
    monkeypatch.setenv("SOME_KEY", value)
    with pytest.raises(CredentialError, match=words) as refused:
        CredentialReference("${SOME_KEY}").resolve()
    assert VALUE not in str(refused.value)


class _SecretManager:
    """Google's client, with an answer prepared in advance."""

    answer: bytes | Exception = b""
    asked: str = ""

    def access_secret_version(self, *, request: dict[str, str], timeout: float) -> object:
        _SecretManager.asked = request["name"]
        if isinstance(self.answer, Exception):
            raise self.answer
        return SimpleNamespace(payload=SimpleNamespace(data=self.answer))


@pytest.fixture
def secret_manager(monkeypatch: pytest.MonkeyPatch) -> type[_SecretManager]:
    monkeypatch.setattr(secretmanager, "SecretManagerServiceClient", _SecretManager)
    return _SecretManager


def test_secret_manager(secret_manager: type[_SecretManager]) -> None:
    secret_manager.answer = f"{VALUE}\n".encode()
    assert CredentialReference(SECRET).resolve() == VALUE
    assert secret_manager.asked == "projects/my-project/secrets/customerio-api-key/versions/3"


@pytest.mark.parametrize(
    ("error", "words"),
    [
        pytest.param(exceptions.NotFound("x"), "there is no such secret version", id="missing"),
        pytest.param(
            exceptions.PermissionDenied("x"),
            "grant roles/secretmanager.secretAccessor",
            id="denied",
        ),
        pytest.param(exceptions.FailedPrecondition("x"), "version is enabled", id="disabled"),
        pytest.param(exceptions.RetryError("x", None), "can be reached", id="out-of-reach"),
        pytest.param(DefaultCredentialsError("x"), "no usable Google credentials", id="no-login"),
    ],
)
def test_secret_manager_failures_say_what_to_do(
    secret_manager: type[_SecretManager], error: Exception, words: str
) -> None:
    secret_manager.answer = error
    with pytest.raises(CredentialError, match=words) as refused:
        CredentialReference(SECRET).resolve()
    assert "projects/my-project/secrets/customerio-api-key/versions/3" in str(refused.value)


def test_secret_that_is_no_text_is_not_shown(secret_manager: type[_SecretManager]) -> None:
    secret_manager.answer = VALUE.encode() + b"\xff"
    with pytest.raises(CredentialError, match="not UTF-8 text") as refused:
        CredentialReference(SECRET).resolve()
    assert refused.value.__cause__ is None
    assert refused.value.__suppress_context__
    assert VALUE not in str(refused.value)


PAIR = Credentials(CredentialReference("${SITE}"), CredentialReference("${KEY}"))


def with_file(path: Path) -> Credentials:
    return replace(PAIR, environment_file=str(path))


def test_an_environment_file_wins_and_is_read_afresh(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SITE", "site of the environment")
    monkeypatch.setenv("KEY", "key of the environment")
    file = tmp_path / "customerio.env"
    file.write_text(f"# the workspace\nexport KEY='{VALUE}'\n")

    assert with_file(file).resolve() == ("site of the environment", VALUE)
    file.write_text('SITE=s\nKEY="k$SITE#${SITE}"\n')
    assert with_file(file).resolve() == ("s", "k$SITE#${SITE}")
    assert PAIR.resolve() == ("site of the environment", "key of the environment")


@pytest.mark.parametrize(
    ("content", "says"),
    [
        pytest.param(None, "cannot be read: No such file or directory", id="missing"),
        pytest.param(VALUE.encode() + b"\xff", "cannot be read: it is not UTF-8", id="not text"),
        pytest.param(b"", "environment variable SITE is not set", id="empty"),
        pytest.param(VALUE.encode(), "environment variable SITE is not set", id="no line of it"),
        pytest.param(b"SITE=\nKEY=k", "environment variable SITE is not set", id="no value"),
    ],
)
def test_an_environment_file_that_does_not_hold_them(
    tmp_path: Path, content: bytes | None, says: str
) -> None:
    file = tmp_path / "customerio.env"
    if content is not None:
        file.write_bytes(content)

    with pytest.raises(CredentialError, match=re.escape(says)) as refused:
        with_file(file).resolve()
    assert VALUE not in str(refused.value)
    assert refused.value.__cause__ is None


def test_the_pair_pickles_without_its_values(tmp_path: Path) -> None:
    file = tmp_path / "customerio.env"
    file.write_text(f"SITE=s\nKEY={VALUE}\n")
    credentials = with_file(file)
    credentials.resolve()

    pickled = pickle.dumps(credentials)
    assert VALUE.encode() not in pickled
    assert pickle.loads(pickled) == credentials

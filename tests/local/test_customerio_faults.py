"""The queue of scripted faults and the throttle, without sockets."""

import threading

import msgspec
import pytest

from pipeline.local.customerio.faults import (
    Action,
    Fault,
    Faults,
    Hang,
    ItemErrors,
    Match,
    Reset,
    Respond,
    Script,
    Throttle,
    html_page,
    rate_limited,
    redirect,
    unavailable,
)

BATCH = ("POST", "/api/v2/batch", b'{"batch":["ada"]}')


def test_faults_are_used_up_in_order() -> None:
    faults = Faults()
    faults.next(unavailable(), times=2)
    faults.next(Reset())
    assert faults.pending() == 2
    taken = [faults.take(*BATCH) for _ in range(4)]
    assert taken == [unavailable(), unavailable(), Reset(), None]
    assert faults.pending() == 0


def test_a_fault_without_end_lasts_until_it_is_cleared() -> None:
    faults = Faults()
    faults.next(redirect("http://127.0.0.1/"), times=None)
    taken = [faults.take(*BATCH) for _ in range(50)]
    assert taken == [redirect("http://127.0.0.1/")] * 50
    faults.clear()
    assert faults.take(*BATCH) is None


@pytest.mark.parametrize(
    ("match", "covered"),
    [
        pytest.param(Match(), True, id="anything"),
        pytest.param(Match(method="POST"), True, id="method"),
        pytest.param(Match(method="GET"), False, id="other-method"),
        pytest.param(Match(path="/api/v2/*"), True, id="path-pattern"),
        pytest.param(Match(path="/api/v1/*"), False, id="other-path"),
        pytest.param(Match(contains="ada"), True, id="body"),
        pytest.param(Match(contains="eve"), False, id="other-body"),
        pytest.param(Match(path="/api/v2/batch", contains="eve"), False, id="all-must-hold"),
    ],
)
def test_matching(match: Match, covered: bool) -> None:
    faults = Faults()
    faults.next(Reset(), match=match)
    assert (faults.take(*BATCH) == Reset()) is covered
    assert faults.pending() == (0 if covered else 1)


def test_a_fault_that_does_not_match_does_not_hold_up_the_next() -> None:
    faults = Faults()
    faults.next(Reset(), match=Match(contains="eve"))
    faults.next(unavailable())
    assert faults.take(*BATCH) == unavailable()
    assert faults.take("POST", "/", b"eve") == Reset()


def test_at_most_so_many_requests_in_any_second() -> None:
    faults = Faults()
    assert faults.excess(0.0) is None
    faults.throttle(2, retry_after_s=7)
    assert [faults.excess(now) is None for now in (10.0, 10.5, 10.9, 10.99)] == [
        True,
        True,
        False,
        False,
    ]
    assert [faults.excess(now) is None for now in (11.0, 11.4, 11.5)] == [True, False, True]
    assert faults.excess(11.6) == rate_limited(7)
    faults.throttle(None)
    assert faults.excess(11.7) is None


def test_releasing_what_hangs() -> None:
    faults = Faults()
    assert not faults.wait_until_hanging(1, 0)
    first, second = faults.hold(), faults.hold()
    assert faults.wait_until_hanging(2, 0)
    faults.let_go(first)
    assert not faults.wait_until_hanging(2, 0)
    faults.release()
    assert second.done()
    assert not first.done()
    assert not faults.wait_until_hanging(1, 0)
    second.cancel()
    faults.release()


def test_waiting_for_a_hanging_request() -> None:
    faults = Faults()
    thread = threading.Thread(target=faults.hold)
    thread.start()
    assert faults.wait_until_hanging(1, 10)
    thread.join()


@pytest.mark.parametrize(
    ("text", "action"),
    [
        pytest.param(b'{"do":"respond","status":503}', Respond(503), id="respond"),
        pytest.param(
            b'{"do":"respond","status":429,"headers":{"Retry-After":"2"},"body":"x","apply":true}',
            Respond(429, {"Retry-After": "2"}, "x", apply=True),
            id="respond-full",
        ),
        pytest.param(b'{"do":"reset","apply":true}', Reset(apply=True), id="reset"),
        pytest.param(b'{"do":"hang"}', Hang(), id="hang"),
        pytest.param(b'{"do":"hang","seconds":0.5}', Hang(0.5), id="hang-for"),
        pytest.param(
            b'{"do":"item_errors","indexes":[0,2],"status":207}',
            ItemErrors((0, 2), 207),
            id="item-errors",
        ),
    ],
)
def test_faults_as_json(text: bytes, action: Action) -> None:
    script = b'{"clear":true,"throttle":{"requests_per_second":3},"faults":[{"times":null,"match":'
    script += b'{"path":"/api/v2/*"},"action":' + text + b"}]}"
    assert msgspec.json.decode(script, type=Script) == Script(
        clear=True,
        throttle=Throttle(3),
        faults=(Fault(action, Match(path="/api/v2/*"), None),),
    )


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(b'{"faults":[{"action":{"do":"explode"}}]}', id="unknown-action"),
        pytest.param(b'{"faults":[{"action":{"do":"reset","when":1}}]}', id="unknown-setting"),
        pytest.param(b'{"fault":[]}', id="unknown-key"),
        pytest.param(
            b'{"faults":[{"action":{"do":"item_errors","indexes":[0],"status":500}}]}', id="s"
        ),
    ],
)
def test_a_wrong_script_is_refused(text: bytes) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.json.decode(text, type=Script)


def test_a_script_is_carried_out_from_top_to_bottom() -> None:
    faults = Faults()
    faults.next(Reset(), times=None)
    held = faults.hold()
    faults.run(Script(clear=True, release=True, throttle=Throttle(0), faults=(Fault(Hang()),)))
    assert held.done()
    assert faults.take(*BATCH) == Hang()
    assert faults.take(*BATCH) is None
    assert faults.excess(1.0) == rate_limited(1)


def test_ready_made_answers() -> None:
    assert rate_limited(None).headers == {}
    assert redirect("http://x/", 307) == Respond(307, {"Location": "http://x/"})
    assert html_page(502).content_type == "text/html"

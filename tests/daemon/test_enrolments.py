"""Who gets credentials, how often, and when they end; the world is any that enrols."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from elastic.adapters.ledger import SqlLedger
from elastic.core.actions import ActionResult, Forget, Outcome
from elastic.core.memory import MemoryChange, WorkerRecord
from elastic.core.model import Snapshot
from elastic.core.record import Plan, TickRecord
from elastic.daemon.enrolments import REFUSALS_A_MINUTE, Enrolments
from elastic.ports import Asking, Denial, Granted, NotEnrolled, Transient

NOW = 1_800_000_000.0
SERVER = "0a9b4c52-3f1e-4d57-9d0e-6b1f4f0e7f11"
ASKING = Asking(group="small", server_id=SERVER, address="10.0.0.7", secret="right" * 8, proof="mine" * 8)


@dataclass
class Pool:
    """Admits who shows the right secret, unless the cloud is down; numbers what it grants."""

    down: bool = False
    granted: list[str] = field(default_factory=list)
    revoked: set[str] = field(default_factory=set)
    swept: list[set[str]] = field(default_factory=list)

    def admit(self, asking: Asking, ledgers: Collection[str], now: float) -> None:
        assert (now, len(ledgers)) == (NOW, 1)
        if asking.secret != ASKING.secret:
            raise NotEnrolled(Denial.SECRET, "no such group, or not its secret")
        if self.down:
            raise Transient("nova does not answer")

    def grant(self, asking: Asking) -> Granted:
        self.granted.append(asking.server_id)
        number = len(self.granted)
        return Granted(
            signing_key_id=asking.server_id, signing_key=b"key", token=f"token {number}", own_token=f"own {number}"
        )

    def renew(self, token: str, living: Collection[str], now: float) -> tuple[str, str]:
        assert now == NOW
        if token not in living:
            raise NotEnrolled(Denial.SERVER, f"{token} is no worker any more")
        return token, f"fresh for {token}"

    def revoke(self, gone: Collection[str]) -> None:
        self.revoked.update(gone)

    def sweep(self, living: Collection[str], now: float) -> Sequence[str]:
        assert now == NOW
        self.swept.append(set(living))
        return ()


@dataclass
class Clock:
    """Stands still until it is told otherwise."""

    passed: float = 0.0

    def now(self) -> float:
        return NOW

    def monotonic(self) -> float:
        return self.passed


def denied(enrolments: Enrolments, asking: Asking) -> Denial:
    with pytest.raises(NotEnrolled) as raised:
        enrolments.enrol(asking)
    return raised.value.denial


def kinds(ledger: SqlLedger) -> list[str]:
    return [event.kind for event in ledger.events()]


def test_a_server_gets_credentials_once_and_who_asks_after_it_is_refused_and_written_down() -> None:
    ledger, pool = SqlLedger.in_memory(pool="try"), Pool()
    enrolments = Enrolments(ledger, pool, Clock())

    assert enrolments.enrol(ASKING).token == "token 1"
    assert denied(enrolments, replace(ASKING, proof="other" * 8)) is Denial.AGAIN

    assert pool.granted == [SERVER]
    assert [(event.kind, event.text) for event in ledger.events()] == [
        ("enrolled", f"server {SERVER}: it has a key and a token of its own"),
        ("enrolment_refused", f"server {SERVER}: asked from 10.0.0.7: server {SERVER} has enrolled already"),
    ]


def test_the_server_itself_may_ask_again_when_an_answer_was_lost_also_after_a_restart(tmp_path: Path) -> None:
    path, pool = tmp_path / "ledger.sqlite", Pool()
    for expected in ("token 1", "token 2"):
        ledger = SqlLedger.open(path, pool="try")
        assert Enrolments(ledger, pool, Clock()).enrol(ASKING).token == expected
        ledger.close()
    ledger = SqlLedger.open(path, pool="try")
    assert denied(Enrolments(ledger, pool, Clock()), replace(ASKING, proof="other" * 8)) is Denial.AGAIN
    ledger.close()
    assert ASKING.proof.encode() not in path.read_bytes()


def test_while_the_cloud_does_not_answer_nothing_is_given_and_nothing_is_lost() -> None:
    ledger, pool = SqlLedger.in_memory(pool="try"), Pool(down=True)
    enrolments = Enrolments(ledger, pool, Clock())
    for _ in range(2 * REFUSALS_A_MINUTE):
        with pytest.raises(Transient):
            enrolments.enrol(ASKING)
    pool.down = False
    assert enrolments.enrol(ASKING).token == "token 1"


def test_who_guesses_is_made_to_wait_and_others_are_not() -> None:
    ledger, clock = SqlLedger.in_memory(pool="try"), Clock()
    enrolments = Enrolments(ledger, Pool(), clock)
    guess = replace(ASKING, secret="wrong" * 8)

    said = [denied(enrolments, guess) for _ in range(REFUSALS_A_MINUTE + 2)]
    assert said == [Denial.SECRET] * REFUSALS_A_MINUTE + [Denial.OFTEN] * 2
    assert denied(enrolments, ASKING) is Denial.OFTEN
    assert enrolments.enrol(replace(ASKING, address="10.0.0.8")).token == "token 1"
    clock.passed = 61.0
    assert denied(enrolments, guess) is Denial.SECRET


def test_strangers_at_many_addresses_do_not_fill_the_ledger() -> None:
    ledger = SqlLedger.in_memory(pool="try")
    enrolments = Enrolments(ledger, Pool(), Clock())
    for number in range(200):
        denied(enrolments, replace(ASKING, secret="wrong" * 8, address=f"10.1.0.{number}"))
    assert kinds(ledger) == ["enrolment_refused"] * 30


def test_no_secret_is_ever_shown(capsys: pytest.CaptureFixture[str]) -> None:
    ledger = SqlLedger.in_memory(pool="try")
    enrolments = Enrolments(ledger, Pool(), Clock())
    granted = enrolments.enrol(ASKING)
    denied(enrolments, replace(ASKING, secret="wrong" * 8))
    out, err = capsys.readouterr()
    shown = f"{ASKING} {granted} {out} {err} {ledger.events()}"
    assert [secret for secret in ("right", "wrong", "mine", "token 1", "own 1", "b'key'") if secret in shown] == []


def test_a_pool_whose_workers_do_not_enrol_says_so_and_writes_nothing() -> None:
    ledger = SqlLedger.in_memory(pool="try")
    enrolments = Enrolments(ledger, None, Clock())
    assert denied(enrolments, ASKING) is Denial.UNUSED
    enrolments.after(ticked(forgot("small-1")))
    enrolments.sweep()
    assert kinds(ledger) == []


def test_credentials_end_with_their_worker_by_its_name_and_by_its_servers_id() -> None:
    ledger, pool = SqlLedger.in_memory(pool="try"), Pool()
    records = (
        WorkerRecord(name="small-1", group="small", requested_at=NOW, server_id=SERVER),
        WorkerRecord(name="small-2", group="small", requested_at=NOW, server_id="another"),
    )
    ledger.save(MemoryChange(workers=records))
    ledger.save(MemoryChange(forgotten=("small-1",), last_now=NOW))
    enrolments = Enrolments(ledger, pool, Clock())

    enrolments.after(ticked(forgot("small-2", Outcome.REFUSED)))
    assert pool.revoked == set()
    enrolments.after(ticked(forgot("small-1")))
    assert pool.revoked == {"small-1", SERVER}
    enrolments.sweep()
    assert pool.swept == [{"small-2", "another"}]


def test_a_fresh_token_is_for_living_workers_by_name_or_server_id_and_who_guesses_is_made_to_wait() -> None:
    ledger = SqlLedger.in_memory(pool="try")
    ledger.save(
        MemoryChange(workers=(WorkerRecord(name="small-1", group="small", requested_at=NOW, server_id=SERVER),))
    )
    enrolments = Enrolments(ledger, Pool(), Clock())

    assert [enrolments.renew(shown, "10.0.0.7") for shown in ("small-1", SERVER)] == [
        "fresh for small-1",
        f"fresh for {SERVER}",
    ]
    said = []
    for _ in range(REFUSALS_A_MINUTE + 1):
        with pytest.raises(NotEnrolled) as raised:
            enrolments.renew("small-9", "10.0.0.7")
        said.append(raised.value.denial)
    assert said == [Denial.SERVER] * REFUSALS_A_MINUTE + [Denial.OFTEN]
    with pytest.raises(NotEnrolled, match="do not enrol"):
        Enrolments(ledger, None, Clock()).renew("small-1", "10.0.0.7")


def forgot(worker: str, outcome: Outcome = Outcome.DONE) -> ActionResult:
    return ActionResult(action=Forget(group="small", worker=worker, reason="gone"), outcome=outcome)


def ticked(*results: ActionResult) -> TickRecord:
    snapshot = Snapshot(now=NOW, tick=1, groups={})
    return TickRecord(tick=1, now=NOW, snapshot=snapshot, proposal={}, targets={}, plan=Plan(), results=results)

"""Tokens and keys; that real daemons accept them is shown in tests/lab."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from elastic.local import tokens


def minted(key: bytes = b"k" * 64, key_id: str = "w1", **more: object) -> str:
    return tokens.mint(key, key_id=key_id, domain="pool", subject="u@pool", issued_at=1000.7, **more)  # type: ignore[arg-type]


def test_a_token_says_who_may_do_what_until_when() -> None:
    said = tokens.claims(minted(expires_at=1060.2, scopes=("READ", "ADVERTISE_STARTD")))
    assert len(str(said.pop("jti"))) == 32
    assert said == {
        "alg": "HS256",
        "typ": "JWT",
        "kid": "w1",
        "iss": "pool",
        "sub": "u@pool",
        "iat": 1000,
        "exp": 1060,
        "scope": "condor:/READ condor:/ADVERTISE_STARTD",
    }


def test_a_token_without_expiry_or_scopes_has_no_such_claims() -> None:
    assert {"exp", "scope"} & tokens.claims(minted()).keys() == set()


def test_no_two_tokens_are_the_same() -> None:
    assert minted() != minted()


def test_another_key_gives_another_signature() -> None:
    one, other = minted(b"k" * 64), minted(b"l" * 64)
    assert one.rpartition(".")[2] != other.rpartition(".")[2]


def test_the_pools_key_is_doubled_and_a_workers_is_not() -> None:
    key = tokens.new_signing_key()
    assert tokens.signing_secret(key, "POOL") == tokens.signing_secret(key * 2, "w1")
    assert tokens.signing_secret(key, "POOL") != tokens.signing_secret(key, "w1")


def test_a_known_key_gives_a_known_secret() -> None:
    # Computed once with another HKDF (cryptography 50.0.2) for a key file of 64 times the byte 1.
    expected = "a1fef69e04b2f5354b7e983d29486ebb9ef7cc34598b4cd8f17e37733b725977"
    assert tokens.signing_secret(b"\x01" * 64, "w1").hex() == expected


@given(st.binary(max_size=200))
def test_scrambling_twice_gives_the_key_back(key: bytes) -> None:
    assert tokens.scrambled(tokens.scrambled(key)) == key


def test_a_new_key_has_no_zero_byte_on_disk_or_in_memory() -> None:
    for _ in range(100):
        key = tokens.new_signing_key()
        assert len(key) == 64
        assert 0 not in key
        assert 0 not in tokens.scrambled(key)


def borne(token: str, key: bytes = b"k" * 64, subject: str = "u@pool", now: float = 1059.0) -> str:
    return tokens.bearer(token, key, key_id="w1", subject=subject, now=now)


def test_whose_a_token_is_shows_from_the_token_while_it_is_good() -> None:
    assert borne(minted(expires_at=1060.0, bearer="small.x-1")) == "small.x-1"
    assert borne(minted(bearer="small-1"), now=1e12) == "small-1"


@pytest.mark.parametrize(
    ("token", "why"),
    [
        ("", "it is no token"),
        ("a.b.c", "it is no token"),
        ("W10.W10.x", "it is no token"),
        (minted(b"l" * 64, bearer="small-1"), "the key w1 has not signed it"),
        (minted(key_id="w2", bearer="small-1"), "the key w1 has not signed it"),
        (minted(bearer="small-1")[:-1], "the key w1 has not signed it"),
        (minted(), "it is nobody's that can be told"),
        (minted(expires_at=1050.0, bearer="small-1"), "it ended 9 s ago"),
    ],
)
def test_a_token_that_is_not_good_is_nobodys(token: str, why: str) -> None:
    with pytest.raises(ValueError, match=f"^{why}$"):
        borne(token)


def test_a_token_of_another_user_is_nobodys() -> None:
    with pytest.raises(ValueError, match="nobody's"):
        borne(minted(bearer="small-1"), subject="someone@pool")

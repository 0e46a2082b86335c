"""User data: what elastic writes is what the launcher reads; mistakes are all named at once."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from elastic.local.errors import LocalError
from elastic.local.userdata import UserData, parse

TEXT = st.text(st.characters(codec="utf-8", exclude_categories=["Cs"]), max_size=30)
TABLE = st.dictionaries(TEXT, TEXT, max_size=4)


@given(
    st.builds(
        UserData,
        name=TEXT,
        collector=TEXT,
        token=TEXT,
        signing_key=st.binary(max_size=64),
        signing_key_id=TEXT,
        cpus=st.integers(0, 128),
        memory_mb=st.integers(0, 10**6),
        disk_mb=st.integers(0, 10**6),
        gpus=st.integers(0, 8),
        boot_delay_seconds=st.floats(0, 1e4),
        attributes=TABLE,
        config=TABLE,
    )
)
def test_what_is_written_is_what_is_read(user_data: UserData) -> None:
    assert parse(user_data.to_toml()) == user_data


def test_every_mistake_is_named_at_once() -> None:
    text = 'name = 1\ncollector = "c"\ntoken = "t"\nsigning_key_id = "k"\ncpus = "two"\nconfig = 3\nbost = "x"\n'
    with pytest.raises(LocalError) as caught:
        parse(text)
    assert str(caught.value) == (
        "user data: unknown key bost; name must be text; signing_key must be text; cpus must be a number; "
        "config must be a table"
    )


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("name", "not TOML"),
        ('name="n"\ncollector="c"\ntoken="t"\nsigning_key_id="k"\nsigning_key="%"\n', "signing_key must be base64"),
    ],
)
def test_what_cannot_be_read_is_said(text: str, complaint: str) -> None:
    with pytest.raises(LocalError, match=complaint):
        parse(text)

from pathlib import Path

import pytest

from tools.docs import anchors, broken_links, regenerated


def test_writes_a_generated_part_anew_and_leaves_the_rest() -> None:
    text = "before\n<!-- generated: fruit -->\nold\n<!-- end -->\nafter\n"
    expected = "before\n<!-- generated: fruit -->\n\napple\n\n<!-- end -->\nafter\n"
    assert regenerated(text, {"fruit": lambda: "apple\n"}) == expected


def test_a_generated_part_that_is_up_to_date_stays_the_same() -> None:
    text = "<!-- generated: fruit -->\n\napple\n\n<!-- end -->\n"
    assert regenerated(text, {"fruit": lambda: "apple"}) == text


def test_an_unknown_generator_is_an_error() -> None:
    with pytest.raises(KeyError, match="fruit"):
        regenerated("<!-- generated: fruit -->\n<!-- end -->", {})


def test_headings_become_anchors_as_the_forges_make_them() -> None:
    text = "# The life of a *worker*\n\n## `make run`, twice\n\n## Again\n\n## Again\n\n```\n# no heading\n```\n"
    assert anchors(text) == {"the-life-of-a-worker", "make-run-twice", "again", "again-1"}


def test_finds_links_to_missing_files_and_headings(tmp_path: Path) -> None:
    (tmp_path / "other.md").write_text("# There\n", encoding="utf-8")
    page = tmp_path / "page.md"
    page.write_text(
        "# Here\n"
        "[ok](other.md) [ok](other.md#there) [ok](#here) [ok](https://example.org/x) `[code](nowhere.md)`\n"
        "[gone](gone.md) [gone](other.md#gone) [gone][reference]\n"
        "\n"
        "[reference]: gone/too.md\n",
        encoding="utf-8",
    )
    assert list(broken_links(page)) == [
        "gone.md: no such file",
        "other.md#gone: no such heading",
        "gone/too.md: no such file",
    ]

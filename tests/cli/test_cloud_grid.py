"""`elastic grid --cloud`, as far as it needs no cloud: what is wrong is said at once, and nobody is asked."""

from pathlib import Path

import pytest

from tests.daemon_rig import here

CLOUDS = """\
clouds:
  nowhere:
    auth: {auth_url: "http://127.0.0.1:9/v3", username: a, password: b, project_name: c, user_domain_name: Default,
           project_domain_name: Default}
"""


@pytest.fixture
def clouds(tmp_path: Path) -> Path:
    """A clouds.yaml whose only cloud does not answer."""
    file = tmp_path / "clouds.yaml"
    file.write_text(CLOUDS, encoding="utf-8")
    return file


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["up", "night", "-p", "maximun=3"], "unknown parameters: maximun; known: "),
        (["up", "night", "-p", "maximum"], "write NAME=VALUE"),
        (["up", "night", "-p", "maximum=many"], "a whole number is wanted"),
        (["up", "night", "-p", "master_user_data=@no-such-file"], "no-such-file"),
        (["up", "night", "-e", "no-such-file"], "no-such-file"),
        (["up", "night", "--minimum", "1", "--home", "."], "--minimum, --home: only for grids on this machine"),
        (["up", "7up"], "a letter first"),
        (["down", "night", "--home", "."], "--home: only for grids on this machine"),
        (["list", "--home", "."], "--home: only for grids on this machine"),
    ],
)
def test_wrong_usage_is_said_before_anybody_is_asked(clouds: Path, arguments: list[str], said: str) -> None:
    ended = here("grid", *arguments, "--cloud", "nowhere", "--clouds-file", clouds)
    assert (ended.returncode, ended.stdout, said in ended.stderr) == (2, "", True), ended.stderr


def test_parameters_without_a_cloud_are_refused() -> None:
    ended = here("grid", "up", "night", "-p", "maximum=3")
    assert (ended.returncode, "--parameter: only for grids with --cloud" in ended.stderr) == (2, True)


def test_an_environment_file_with_more_than_parameters_is_refused(clouds: Path, tmp_path: Path) -> None:
    file = tmp_path / "env.yaml"
    file.write_text("parameters: {maximum: 3}\nresource_registry: {}\n", encoding="utf-8")
    ended = here("grid", "up", "night", "-e", file, "--cloud", "nowhere", "--clouds-file", clouds)
    assert (ended.returncode, "`parameters` is wanted, and nothing else" in ended.stderr) == (2, True)


def test_a_cloud_that_does_not_answer_has_an_exit_code_of_its_own(clouds: Path) -> None:
    ended = here("grid", "list", "--cloud", "nowhere", "--clouds-file", clouds)
    assert (ended.returncode, ended.stderr.startswith("elastic: cloud nowhere: ")) == (3, True), ended.stderr


def test_a_cloud_that_clouds_yaml_does_not_have_is_said(clouds: Path) -> None:
    ended = here("grid", "list", "--cloud", "mine", "--clouds-file", clouds)
    assert (ended.returncode, "mine was not found" in ended.stderr) == (1, True), ended.stderr

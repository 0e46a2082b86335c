"""The settings of the tests themselves: a gate that never closes is none."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

TESTS = Path(__file__).parent.parent

PASSING = "def test_passes():\n    pass\n"
SKIPPING = "import pytest\ndef test_skips():\n    pytest.skip('no reason')\n"
EXPECTED_FAILURE = "import pytest\n@pytest.mark.xfail\ndef test_fails():\n    raise RuntimeError\n"
UNEXPECTED_PASS = "import pytest\n@pytest.mark.xfail\ndef test_passes():\n    pass\n"
LARGE = "import pytest\n@pytest.mark.full\ndef test_large():\n    raise RuntimeError\n"
WARNING = "import warnings\ndef test_warns():\n    warnings.warn('old', DeprecationWarning)\n"
MISSPELT = "import pytest\n@pytest.mark.ful\ndef test_passes():\n    pass\n"


@pytest.mark.parametrize(
    ("source", "options", "code"),
    [
        (PASSING, [], 0),
        (SKIPPING, [], 0),
        (SKIPPING, ["--nothing-skipped"], 1),
        (EXPECTED_FAILURE, ["--nothing-skipped"], 0),
        (UNEXPECTED_PASS, [], 1),
        (PASSING + LARGE, [], 0),
        (PASSING + LARGE, ["-m", ""], 1),
        (WARNING, [], 1),
        (MISSPELT, [], 2),
    ],
)
def test_what_counts_as_failed(tmp_path: Path, source: str, options: list[str], code: int) -> None:
    shutil.copy(TESTS / "conftest.py", tmp_path)
    (tmp_path / "test_it.py").write_text(source, encoding="utf-8")
    config = ["-c", str(TESTS.parent / "pyproject.toml"), f"--rootdir={tmp_path}", "-p", "no:cacheprovider"]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", *config, *options, str(tmp_path)],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=50,
        check=False,
    )
    assert done.returncode == code, done.stdout + done.stderr

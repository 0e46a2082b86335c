import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parent.parent.parent
LOCK = (ROOT / "requirements" / "dev.lock").read_text(encoding="utf-8")
LOCKED = {canonicalize_name(name): version for name, version in re.findall(r"^([\w.-]+)==(\S+)", LOCK, re.MULTILINE)}


def required() -> list[Requirement]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"]
    named = [Requirement(text) for text in (*project["dependencies"], *(r for e in extras.values() for r in e))]
    return [requirement for requirement in named if requirement.name != project["name"]]


def test_the_lock_satisfies_every_requirement() -> None:
    unmet = [
        str(requirement)
        for requirement in required()
        if (version := LOCKED.get(canonicalize_name(requirement.name))) is None
        or not requirement.specifier.contains(version)
    ]
    assert unmet == [], "run `make lock`"


def test_every_locked_package_has_a_hash() -> None:
    entries = re.split(r"^(?=[\w.-]+==)", LOCK, flags=re.MULTILINE)[1:]
    # One package may be there twice, for older and newer Pythons.
    assert {canonicalize_name(entry.split("==")[0]) for entry in entries} == LOCKED.keys()
    assert [entry.split()[0] for entry in entries if "--hash=sha256:" not in entry] == []


def test_the_lock_names_no_host_and_no_folder_of_a_machine() -> None:
    assert re.findall(r"\w+://|--(?:extra-)?index-url|--find-links| @ |(?:^|\s)/\w+/", LOCK) == []


def test_the_wheel_holds_every_file_of_the_packages(tmp_path: Path) -> None:
    """Templates and migrations are forgotten easily; an editable install does not show it."""
    source, out = tmp_path / "source", tmp_path / "out"
    listing = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    tops = ("elastic/", "policies/elastic_policies/", "simulations/elastic_simulations/")
    listed = subprocess.run(listing, cwd=ROOT, check=True, capture_output=True, text=True).stdout.split("\0")
    packaged = [name for name in listed if name.startswith(tops) and (ROOT / name).is_file()]
    for name in (*packaged, "pyproject.toml", "README.md", "LICENSE"):
        (source / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, source / name)
    build = [sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "--no-build-isolation", "--no-index"]
    subprocess.run([*build, "-w", out, source], check=True, capture_output=True)
    (wheel,) = out.glob("*.whl")
    held = set(zipfile.ZipFile(wheel).namelist())
    wanted = {name.removeprefix("policies/").removeprefix("simulations/") for name in packaged}
    assert wanted - held == set()

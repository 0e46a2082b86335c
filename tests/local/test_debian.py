"""Finding the machine's own Debian mirror, in both spellings of sources.list(5)."""

from pathlib import Path

import pytest

from elastic.local.debian import Mirror, download, host_mirror
from elastic.local.errors import LocalError

DEBIAN = 'ID=debian\nVERSION_CODENAME=bookworm\nPRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\n'


def machine(etc: Path, sources: dict[str, str], release: str = DEBIAN) -> Path:
    (etc / "apt" / "sources.list.d").mkdir(parents=True)
    (etc / "os-release").write_text(release)
    for name, text in sources.items():
        (etc / "apt" / name).write_text(text)
    return etc


@pytest.mark.parametrize(
    ("sources", "expected"),
    [
        pytest.param(
            {"sources.list": "deb https://mirror.test/debian bookworm main contrib # ours\n"},
            Mirror(uri="https://mirror.test/debian"),
            id="one line",
        ),
        pytest.param(
            {"sources.list": "deb [arch=amd64 signed-by=/k.gpg] https://mirror.test/debian stable main\n"},
            Mirror(uri="https://mirror.test/debian", keyring="/k.gpg"),
            id="one line with options, by alias",
        ),
        pytest.param(
            {
                "sources.list": (
                    "# deb https://old.test/debian bookworm main\ndeb-src https://src.test/ bookworm main\n"
                ),
                "sources.list.d/other.list": "deb https://other.test/apt cloud-bookworm main\n",
                "sources.list.d/debian.sources": (
                    "Types: deb\n# a comment\nURIs: https://mirror.test/debian\nSuites: bookworm bookworm-updates\n"
                    "Components: main\nSigned-By: /k.gpg\n\n"
                    "Types: deb\nURIs: https://mirror.test/security\nSuites: bookworm-security\nComponents: main\n"
                ),
            },
            Mirror(uri="https://mirror.test/debian", keyring="/k.gpg"),
            id="deb822, past comments, sources and strangers",
        ),
        pytest.param(
            {
                "sources.list.d/a.sources": (
                    "Types: deb\nEnabled: no\nURIs: https://off.test/debian\nSuites: bookworm\nComponents: main\n"
                ),
                "sources.list.d/b.sources": (
                    "Types: deb deb-src\nURIs: https://mirror.test/debian\nSuites: bookworm\nComponents: main\n"
                    "Signed-By:\n -----BEGIN PGP PUBLIC KEY BLOCK-----\n .\n mQINBF\n"
                ),
            },
            Mirror(uri="https://mirror.test/debian"),
            id="deb822, one switched off, one with its key inside",
        ),
    ],
)
def test_the_mirror_is_the_machines_own(tmp_path: Path, sources: dict[str, str], expected: Mirror) -> None:
    assert host_mirror(machine(tmp_path, sources)) == expected


def test_a_machine_without_a_debian_source_says_so(tmp_path: Path) -> None:
    etc = machine(tmp_path, {"sources.list": "deb https://other.test/apt cloud-bookworm main\n"})
    with pytest.raises(LocalError, match=r"no Debian source for .*bookworm"):
        host_mirror(etc)


def test_another_system_is_not_mistaken_for_debian(tmp_path: Path) -> None:
    etc = machine(tmp_path, {"sources.list": "deb https://mirror.test/ubuntu noble main\n"}, "ID=ubuntu\n")
    with pytest.raises(LocalError, match="ubuntu"):
        host_mirror(etc)


def test_a_mirror_without_a_signature_is_refused(tmp_path: Path) -> None:
    suite = tmp_path / "mirror" / "dists" / "trixie"
    (suite / "main" / "binary-amd64").mkdir(parents=True)
    (suite / "main" / "binary-amd64" / "Packages").write_text("")
    (suite / "Release").write_text("Suite: trixie\nComponents: main\nArchitectures: amd64\n")
    with pytest.raises(LocalError, match="not signed"):
        download(["condor"], suite="trixie", mirror=Mirror(uri=f"file:{tmp_path}/mirror"), folder=tmp_path / "apt")

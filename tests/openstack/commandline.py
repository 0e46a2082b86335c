"""OpenStack's own command line, `openstack`, as an operator has it: the lab's program, with the plugin for Senlin."""

import os
import subprocess
from importlib.metadata import distribution
from pathlib import Path

from elastic.lab.folder import LabFolder
from elastic.lab.release import Release
from elastic.lab.software import known
from tests.openstack.rig import lab_folder

SECONDS = 300.0
"""For one command, which loads dozens of plugins before it asks anybody."""
PLUGIN = ("senlinclient", "python-senlinclient")
"""Package and distribution; the lab's own environment has all other plugins."""


class CommandLine:
    """Runs `openstack` as a member of the lab's project."""

    def __init__(self, folder: Path) -> None:
        """Put the plugin where the program finds it, into `folder`; the plugin itself is this environment's."""
        memory = LabFolder(lab_folder()).memory()
        software = known(Release(memory.release))
        self._program = software.script("openstack")
        package, name = PLUGIN
        found = distribution(name)
        for part in (package, f"{name.replace('-', '_')}-{found.version}.dist-info"):
            (folder / part).symlink_to(Path(str(found.locate_file(part))).resolve())
        path = [str(folder), software.variables.get("PYTHONPATH", "")]
        self._environment = {
            **os.environ,
            **software.variables,
            "PYTHONPATH": os.pathsep.join(filter(None, path)),
            "OS_CLIENT_CONFIG_FILE": str((lab_folder() / "clouds.yaml").resolve()),
            "OS_CLOUD": "lab",
        }

    def __call__(self, *words: str) -> str:
        """What one command prints; AssertionError with all it says when it fails."""
        ended = subprocess.run(
            [self._program, *words],
            env=self._environment, capture_output=True, text=True, timeout=SECONDS, check=False,
        )  # fmt: skip
        assert ended.returncode == 0, f"openstack {' '.join(words)}: {ended.stdout}{ended.stderr}"
        return ended.stdout

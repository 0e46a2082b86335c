"""nova-compute, told where to find a driver that is not its own: Nova looks for drivers below nova.virt only."""

import sys
from pathlib import Path

# First of all of Nova: it decides how threads work.
from nova.cmd import compute  # isort: skip
from nova import virt  # isort: skip

virt.__path__.append(str(Path(__file__).resolve().parent))

if __name__ == "__main__":
    sys.exit(compute.main())

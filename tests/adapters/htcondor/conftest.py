"""The bindings read the environment when they are imported; no pool is asked here."""

import os

os.environ.setdefault("CONDOR_CONFIG", "ONLY_ENV")

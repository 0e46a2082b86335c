"""The adapter for real HTCondor pools; the bindings themselves are used only in processes of their own."""

from elastic.adapters.htcondor.batch import HTCondorBatch
from elastic.adapters.htcondor.settings import HTCondorSettings

__all__ = ["HTCondorBatch", "HTCondorSettings"]

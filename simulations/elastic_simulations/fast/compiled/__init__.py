"""The compiled engine (numba, extra `compiled`): the same tables, records and figures as the pure-Python specification.

Nothing here is imported before a run is large enough for it to pay (see `elastic_simulations.runs.engines`).
"""

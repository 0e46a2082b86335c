"""Many runs: each a value, carried out on all local cores or on a cluster, kept in one table, resumed after a kill."""

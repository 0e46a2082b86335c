"""One module a schema; released ones never change."""

"""The external checks: figures that others have published or computed, one module a source."""

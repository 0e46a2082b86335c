"""Workload traces: read from every common format into columns, shaped, generated, summarised, written out again."""

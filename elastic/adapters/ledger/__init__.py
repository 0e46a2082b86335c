"""The ledger on SQLite: what must never be forgotten, in a file that survives SIGKILL at any instruction."""

from elastic.adapters.ledger.ledger import Mode, SqlLedger

__all__ = ["Mode", "SqlLedger"]

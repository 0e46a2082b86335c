"""The ledger on SQLite: what must never be forgotten, in a file that survives SIGKILL at any instruction."""

from elastic.adapters.ledger.ledger import Mode, SqlLedger
from elastic.adapters.ledger.looking import Look, look
from elastic.adapters.ledger.schema import HEAD

__all__ = ["HEAD", "Look", "Mode", "SqlLedger", "look"]

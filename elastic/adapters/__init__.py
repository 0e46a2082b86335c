"""What speaks to the world: HTCondor, clouds, the ledger and the record files; all client libraries live here."""

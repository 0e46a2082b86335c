"""The built-in policies: one file each, found by entry point; nothing else lives here."""

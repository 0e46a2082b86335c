"""The command line: commands talk to the daemon's HTTP interface, or start it; nothing heavy is imported here."""


def main() -> None:
    """Run the command line; exit with 0 done, 1 failed, 2 wrong usage or settings, 3 daemon not reachable."""
    from elastic.cli.app import app

    app()

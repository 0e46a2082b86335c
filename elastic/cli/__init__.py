"""The command line: commands talk to the daemon's HTTP interface, or start it; nothing heavy is imported here."""


def main() -> None:
    """Run the command line; exit with 0 done, 1 failed, 2 wrong usage or settings, 3 daemon not reachable."""
    import sys

    from elastic.cli import quick

    words = sys.argv[1:]
    if quick.done(words):
        return

    from elastic.cli import plugged
    from elastic.cli.app import app

    plugged.add_to(app, words)
    app()

"""`python -m elastic` is the command `elastic`."""

from elastic.cli import main

if __name__ == "__main__":
    main()

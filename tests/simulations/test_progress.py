"""Bars where somebody looks, and nothing where nobody does."""

import io
import os
import pty
import subprocess
import sys
from contextlib import suppress
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path
from time import monotonic, sleep

from elastic_simulations.progress import shown
from elastic_simulations.traces.exporting import write_swf
from elastic_simulations.traces.reading import read
from elastic_simulations.traces.reference import reference_case


class Terminal(io.StringIO):
    """Takes what is written, and says that it is a terminal."""

    def isatty(self) -> bool:
        return True


def patient(stream: io.StringIO, text: str) -> None:
    """Wait until the text was written: the bar has a thread of its own."""
    deadline = monotonic() + 30
    while text not in stream.getvalue():
        assert monotonic() < deadline, stream.getvalue()
        sleep(0.02)


def test_a_bar_says_what_is_done_and_how_much_of_it() -> None:
    out, done = Terminal(), [0.25]
    with shown("simulating", lambda: done[0], stream=out, after=0.0):
        patient(out, "25%")
        done[0] = 0.5
        patient(out, "50%")
    assert "simulating" in out.getvalue()


def test_a_bar_without_a_share_is_shown_too_and_ends_with_an_error() -> None:
    out = Terminal()
    with suppress(KeyError), shown("writing", stream=out, after=0.0):
        patient(out, "writing")
        raise KeyError
    told = out.getvalue()
    sleep(0.3)
    assert out.getvalue() == told


def test_nothing_is_written_where_nobody_looks_or_before_a_second_is_over() -> None:
    quiet, short = io.StringIO(), Terminal()
    with shown("simulating", stream=quiet, after=0.0), shown("simulating", stream=short, after=60.0):
        sleep(0.1)
    assert (quiet.getvalue(), short.getvalue()) == ("", "")


def test_what_is_done_within_a_bar_shows_none_of_its_own() -> None:
    outer, inner = Terminal(), Terminal()
    with shown("comparing", stream=outer, after=0.0):
        with shown("simulating", stream=inner, after=0.0):
            patient(outer, "comparing")
        assert inner.getvalue() == ""
    with shown("writing", stream=inner, after=0.0):
        patient(inner, "writing")


def in_a_helper(connection: Connection) -> None:
    stream = Terminal()
    with shown("simulating", stream=stream, after=0.0):
        sleep(0.2)
    connection.send(stream.getvalue())


def test_a_process_that_works_for_another_one_shows_no_bar() -> None:
    ours, theirs = get_context("spawn").Pipe()
    process = get_context("spawn").Process(target=in_a_helper, args=(theirs,))
    process.start()
    assert ours.poll(60)
    assert ours.recv() == ""
    process.join()
    ours.close()
    theirs.close()


def test_a_short_run_on_a_terminal_imports_no_library_for_bars(tmp_path: Path) -> None:
    trace = tmp_path / "reference.swf"
    with trace.open("w") as file:
        write_swf(reference_case(10_000), file)
    program = (
        "import sys, elastic_simulations.progress as p, elastic.cli\n"
        "p.AFTER_SECONDS = 60.0\n"
        "elastic.cli.main()\n"
        "assert sys.stderr.isatty()\n"
        "print([name for name in ('pydantic', 'rich', 'numpy', 'pyarrow') if name in sys.modules])"
    )
    ours, theirs = pty.openpty()
    words = ["sim", "run", "--trace", str(trace), "-o", "json", "--jobs", str(tmp_path / "jobs.csv")]
    environment = {**os.environ, "XDG_CACHE_HOME": str(tmp_path / "cache")}
    command = [sys.executable, "-c", program, *words]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=theirs, text=True, env=environment, check=True)
    os.close(theirs)
    os.close(ours)
    assert done.stdout.endswith("}\n[]\n")


def test_reading_goes_on_while_its_share_is_asked(tmp_path: Path) -> None:
    trace = tmp_path / "reference.swf"
    with trace.open("w") as file:
        write_swf(reference_case(2000), file)
    assert len(read(trace, cached=False)) == 2000

"""What systemd is told: ready, stopping, reloading, still alive; nothing happens where it does not ask."""

import os
import time

from sdnotify import SystemdNotifier


class Systemd:
    """Notifications over the socket that systemd names, if it does."""

    def __init__(self) -> None:
        self._notifier = SystemdNotifier()
        microseconds = os.environ.get("WATCHDOG_USEC", "")
        self._every = int(microseconds) / 2e6 if microseconds.isdigit() else None
        self._told = time.monotonic()
        self._is_ready = False

    def ready(self, text: str) -> None:
        """The service works, or waits for what is missing; said once, and again after a reload."""
        if not self._is_ready:
            self._tell("READY=1", text)
        self._is_ready = True

    def reloading(self) -> None:
        """The settings are read anew; `ready` follows."""
        self._is_ready = False
        self._notifier.notify(f"RELOADING=1\nMONOTONIC_USEC={time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000}")

    def stopping(self) -> None:
        """The service ends."""
        self._tell("STOPPING=1", "stopping")

    def alive(self) -> None:
        """Say so as often as systemd wants to hear it; not called while the loop hangs."""
        if self._every is not None and time.monotonic() - self._told >= self._every:
            self._notifier.notify("WATCHDOG=1")
            self._told = time.monotonic()

    def _tell(self, state: str, text: str) -> None:
        self._notifier.notify(f"{state}\nSTATUS={text}")

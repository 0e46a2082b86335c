"""What routes are given: the daemon behind the interface, and its metrics."""

from typing import Annotated

from fastapi import Depends, Request

from elastic.api.service import Measurements, Service


def _service(request: Request) -> Service:
    service: Service = request.app.state.service
    return service


def _metrics(request: Request) -> Measurements:
    metrics: Measurements = request.app.state.metrics
    return metrics


Daemon = Annotated[Service, Depends(_service)]
Measured = Annotated[Measurements, Depends(_metrics)]

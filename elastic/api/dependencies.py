"""What routes are given: the daemon behind the interface, and its metrics."""

from typing import Annotated

from fastapi import Depends, Request

from elastic.api.service import Service
from elastic.metrics import Metrics


def _service(request: Request) -> Service:
    service: Service = request.app.state.service
    return service


def _metrics(request: Request) -> Metrics:
    metrics: Metrics = request.app.state.metrics
    return metrics


Daemon = Annotated[Service, Depends(_service)]
Measured = Annotated[Metrics, Depends(_metrics)]

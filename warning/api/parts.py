"""What route handlers ask for: the services, and who makes the request."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Request

from warning.domain.account import Principal
from warning.service.services import Services


async def _services(request: Request) -> Services:
    services: Services = request.app.state.services
    return services


async def _principal(request: Request) -> Principal:
    """Return who it is; the guard let somebody through."""
    principal: Principal = request.state.principal
    return principal


TheServices = Annotated[Services, Depends(_services)]
Whoever = Annotated[Principal, Depends(_principal)]

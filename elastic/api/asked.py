"""The bodies of requests: bounded in every field, unknown fields are errors."""

from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from elastic.core.memory import WishKind
from elastic.core.override import OverrideKind

MAX_WORKERS = 100_000
MAX_SECONDS = 30 * 86_400.0
MAX_TEXT = 500

Author = Annotated[str, Field(min_length=1, max_length=100, description="Who asks.", examples=["anna"])]
Reason = Annotated[str, Field(min_length=1, max_length=500, description="Why.", examples=["maintenance of rack 4"])]


class Asked(BaseModel):
    """A request's body: unknown fields are errors."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)


class OverrideIn(Asked):
    """An override of one group, or of all (`*`). It replaces the group's override of the same kind."""

    kind: OverrideKind = Field(description="pause = do nothing; pin = exactly this many; floor, ceiling.")
    workers: int | None = Field(
        None, ge=0, le=MAX_WORKERS, description="How many workers; none for a pause.", examples=[7]
    )
    author: Author
    reason: Reason
    expires_in_seconds: float | None = Field(
        None, gt=0, le=MAX_SECONDS, description="How long it holds, at most 30 days.", examples=[3600]
    )
    expires_at: float | None = Field(
        None,
        gt=0,
        description="Until when it holds, seconds since the epoch; instead of `expires_in_seconds`.",
    )

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if (self.workers is None) != (self.kind is OverrideKind.PAUSE):
            raise ValueError("`workers` belongs to pin, floor and ceiling, and must be there; a pause has none")
        if (self.expires_in_seconds is None) == (self.expires_at is None):
            raise ValueError("give exactly one of `expires_in_seconds` and `expires_at`: every override ends")
        return self


class OverridesIn(Asked):
    """Several overrides of one group, each of another kind."""

    overrides: Annotated[list[OverrideIn], Field(min_length=1, max_length=len(OverrideKind))]

    @model_validator(mode="after")
    def _each_kind_once(self) -> Self:
        if len({each.kind for each in self.overrides}) < len(self.overrides):
            raise ValueError("each kind at most once: a group has at most one override of a kind")
        return self


class DrainIn(Asked):
    """A wish that one worker leave."""

    kind: WishKind = Field(
        WishKind.DRAIN,
        description="drain = once it is empty; drain_busy = after its jobs; force = now, with its jobs.",
    )
    author: Author
    reason: Reason
    confirm: bool = Field(default=False, description="For a force: yes, kill the jobs that the first answer named.")


class AdoptIn(Asked):
    """The identity (UUID) of another ledger whose servers this daemon takes over."""

    ledger: Annotated[str, Field(min_length=1, max_length=100, description="As the servers' metadata carries it.")]
    author: Author


class Asker(Asked):
    """Who asks, and why."""

    author: Author
    reason: Annotated[str, Field(max_length=500, description="Why.")] = ""


class AodhIn(BaseModel):
    """What Aodh posts when an alarm changes; fields that a later release adds are let pass."""

    model_config = ConfigDict(extra="ignore", str_strip_whitespace=True)

    alarm_name: Annotated[str, Field(min_length=1, max_length=500, examples=["small-cpu-high"])]
    current: Annotated[str, Field(min_length=1, max_length=50, examples=["alarm"])]
    previous: Annotated[str, Field(max_length=50, examples=["ok"])] = ""
    reason: Annotated[str, Field(max_length=4000, description="Aodh's own sentence.")] = ""

    def text(self) -> str:
        """All of it as one line, without what a terminal would take for a command."""
        said = f"{self.alarm_name}: {self.previous or 'unknown'} -> {self.current}: {self.reason}"
        return "".join(sign if sign.isprintable() else " " for sign in said)[:MAX_TEXT]


class EnrolIn(Asked):
    """A server at its first boot."""

    group: Annotated[str, Field(min_length=1, max_length=200, description="Its worker group.", examples=["small"])]
    server_id: Annotated[
        str,
        Field(
            pattern=r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$",
            description="Its id, from the cloud's metadata service.",
            examples=["0a9b4c52-3f1e-4d57-9d0e-6b1f4f0e7f11"],
        ),
    ]
    secret: Annotated[str, Field(min_length=16, max_length=200, description="The group's, from its user data.")]
    proof: Annotated[
        str,
        Field(min_length=32, max_length=200, description="Random, its own: shown again, the question may be repeated."),
    ]


class RenewIn(Asked):
    """A worker whose token has passed half its life."""

    token: Annotated[str, Field(min_length=64, max_length=4096, description="The one it has, which is still good.")]

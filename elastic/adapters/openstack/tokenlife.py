"""What `elastic check` says of the life of workers' tokens: that they outlast their workers, or are renewed in time."""

from collections.abc import Collection

from elastic.adapters.openstack.options import SiteOptions
from elastic.ports import Finding

DAY_SECONDS = 86400.0
WHAT = "workers' tokens"
MEND = (
    "name signing_keys or enrol_url in [cloud.options] for workers made from now on, and drain the older ones: once "
    "their token has ended, they do not come back after a restart of the collector"
)


def check(site: SiteOptions, made_at: Collection[float], now: float) -> Finding:
    """Whether a living worker has passed half the life of a token that nobody renews; `made_at` are their servers'."""
    if site.signing_keys is not None:
        return Finding(what=WHAT, ok=True, seen="have no end, and are worth nothing once their worker is gone")
    life = f"end after {_days(site.token_seconds)}"
    if site.enrol_url:
        return Finding(what=WHAT, ok=True, seen=f"{life}, and are renewed at half of that by {site.enrol_url}")
    oldest = max((now - at for at in made_at), default=0.0)
    late = oldest > site.token_seconds / 2
    seen = f"{life}, and are not renewed; the oldest worker is {_days(oldest)} old"
    return Finding(what=WHAT, ok=not late, seen=seen, mend=MEND if late else "")


def _days(seconds: float) -> str:
    return f"{seconds / DAY_SECONDS:.3g} days"

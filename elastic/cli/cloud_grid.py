"""`elastic grid` on OpenStack: what its commands do when a cloud is named."""

import re
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from elastic.cli.errors import CommandError, Exit
from elastic.cli.options import Output

if TYPE_CHECKING:
    from elastic.adapters.openstack.connection import Services
    from elastic.adapters.openstack.grids import CloudGrids
    from elastic.adapters.openstack.gridstack import GridStack

NAME = re.compile(r"[a-z](?:[a-z0-9-]{0,37}[a-z0-9])?")
"""A grid's name is also that of its pool."""
CALL_SECONDS = 60.0
IMAGES, FLAVORS = ("image", "master_image"), ("flavor", "master_flavor")
GENERATED = "master_user_data"


class Place:
    """The cloud that was named, and how long its answers may take."""

    def __init__(self, cloud: str, clouds_file: Path | None, minutes: float = 60.0) -> None:
        """Ask nobody yet."""
        self.cloud, self.clouds_file, self.seconds = cloud, clouds_file, minutes * 60

    @contextmanager
    def grids(self) -> Iterator[tuple["CloudGrids", "Services"]]:
        """The cloud's grids; what goes wrong is one line on standard error."""
        from elastic.adapters.openstack.connection import Services
        from elastic.adapters.openstack.grids import CloudGrids
        from elastic.ports import PortError, Throttled, Transient, Unauthorized

        services = Services(self.cloud, seconds=CALL_SECONDS, clouds_file=self.clouds_file)
        try:
            yield CloudGrids(services, _reporter(), self.seconds), services
        except (Transient, Throttled, Unauthorized) as error:
            raise CommandError(f"cloud {self.cloud}: {error}", Exit.UNREACHABLE) from error
        except PortError as error:
            raise CommandError(str(error)) from error
        finally:
            services.close()

    def up(self, name: str, environments: Sequence[Path], parameters: Sequence[str], output: Output) -> None:
        """Make the grid, or what of it is missing."""
        from elastic.cli.printing import show

        wanted = _wanted(environments, parameters)
        began = time.monotonic()
        with self.grids() as (grids, services):
            named = _resolved(services, wanted)
            done, stack = grids.up(name, named, _first(services, name, named))
        row = {"name": name, "done": done.value, "stack": stack.name, "status": stack.status, **_known(stack.outputs)}
        row |= {"seconds": round(time.monotonic() - began, 1)}
        show(output, row, lambda console: console.print(_welcome(name, self.cloud, stack, row), soft_wrap=True))

    def down(self, name: str, output: Output, *, force: bool) -> None:
        """Remove the grid with everything that its daemon made."""
        from elastic.adapters.openstack.grids import InUse
        from elastic.cli.printing import show

        with self.grids() as (grids, _):
            try:
                existed, workers = grids.down(name, force=force)
            except InUse as error:
                mend = f"`elastic grid down {name} --cloud {self.cloud} --force` removes the grid with them"
                raise CommandError(f"{error}; {mend}") from error
        row = {"name": name, "existed": existed, "workers": workers}
        text = f"grid {name} is removed; {workers} workers went with it" if existed else f"no grid {name} is here"
        show(output, row, lambda console: console.print(text, soft_wrap=True))

    def list(self, output: Output) -> None:
        """Show every grid of the project."""
        from elastic.cli.printing import columns, show

        with self.grids() as (grids, _):
            rows = [
                {"name": r.name, "status": r.status, "workers": r.workers, "made": r.made_at, "detail": r.detail}
                for r in grids.listed()
            ]
        names = ("name", "status", "workers", "made", "detail")
        show(output, rows, lambda console: console.print(columns(names, [[row[n] for n in names] for row in rows])))


def _reporter() -> Callable[[str], None]:
    began = time.monotonic()

    def report(step: str) -> None:
        print(f"{time.monotonic() - began:6.1f} s  {step}", file=sys.stderr, flush=True)

    return report


def _wanted(environments: Sequence[Path], parameters: Sequence[str]) -> dict[str, Any]:
    """The grid's parameters: of the environment files in turn, then of the command line; all problems at once."""
    from elastic.adapters.openstack.gridstack import shipped_parameters

    found: dict[str, Any] = {}
    for file in environments:
        found |= _environment(file)
    for each in parameters:
        key, equals, value = each.partition("=")
        if not equals:
            raise CommandError(f"parameter {each}: write NAME=VALUE", Exit.USAGE)
        found[key.strip()] = _content(value)
    known = shipped_parameters()
    if unknown := sorted(found.keys() - known):
        text = f"unknown parameters: {', '.join(unknown)}; known: {', '.join(sorted(known))}"
        raise CommandError(text, Exit.USAGE)
    if not str(found.get("maximum", 1)).isdecimal():
        raise CommandError(f"maximum={found['maximum']}: a whole number is wanted", Exit.USAGE)
    return found


def _environment(file: Path) -> Mapping[str, Any]:
    """The section `parameters` of a Heat environment; what else may be in one would be ignored, so it is an error."""
    import yaml

    try:
        content = yaml.safe_load(file.read_text(encoding="utf-8")) or {}
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise CommandError(f"{file}: {error}", Exit.USAGE) from error
    found = content.get("parameters") if isinstance(content, dict) else None
    if not isinstance(found, dict) or content.keys() != {"parameters"}:
        raise CommandError(f"{file}: one section `parameters` is wanted, and nothing else", Exit.USAGE)
    return found


def _content(value: str) -> str:
    """A value, or with a leading @ what the file of that name holds."""
    if not value.startswith("@"):
        return value
    try:
        return Path(value[1:]).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise CommandError(f"{value[1:]}: {error}", Exit.USAGE) from error


def _resolved(services: "Services", wanted: Mapping[str, Any]) -> dict[str, Any]:
    """The same with ids for names of images and flavors, which could be re-pointed under living workers."""
    from elastic.adapters.openstack.names import Names

    names = Names(services)
    images = {key: names.image(str(wanted[key])) for key in IMAGES if key in wanted}
    flavors = {key: names.flavor(str(wanted[key])).id for key in FLAVORS if key in wanted}
    return {**wanted, **images, **flavors}


def _first(services: "Services", name: str, wanted: Mapping[str, Any]) -> dict[str, Any]:
    """What only the making of a grid needs: the master's user data with new secrets, unless somebody gave some."""
    from elastic.adapters.openstack.master import GridPlan, master_user_data
    from elastic.adapters.openstack.names import Names

    if GENERATED in wanted or not {"image", "flavor", "maximum"} <= wanted.keys():
        return {}
    shape = Names(services).flavor(str(wanted["flavor"])).resources
    plan = GridPlan(
        name=name,
        domain=f"{name}.elastic",
        maximum=int(wanted["maximum"]),
        image=str(wanted["image"]),
        flavor=str(wanted["flavor"]),
        shape=shape,
    )
    return {GENERATED: master_user_data(plan)}


def _known(outputs: Mapping[str, Any]) -> dict[str, Any]:
    """Outputs of the parts that were made."""
    return {name: value for name, value in outputs.items() if value not in (None, "")}


def _welcome(name: str, cloud: str, stack: "GridStack", row: Mapping[str, Any]) -> str:
    address = stack.outputs.get("floating_address") or stack.outputs.get("master_address") or "without an address"
    lines = [f"grid {name} is {row['done']}, after {row['seconds']} s", f"  master     {address}"]
    if group := stack.outputs.get("worker_group"):
        lines.append(f"  workers    the stack {group}, which elastic can take over: docs/grids.md")
    lines += [
        f"  look       elastic grid list --cloud {cloud}",
        f"  remove     elastic grid down {name} --cloud {cloud}",
    ]
    return "\n".join(lines)

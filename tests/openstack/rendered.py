"""Run by the lab's own Python: what Heat's engine makes of a template, with no service asked, as JSON.

python rendered.py < {"template": TEXT, "files": {NAME: TEXT}, "parameters": {CASE: {NAME: VALUE}}}
"""

# mypy: ignore-errors
# Heat is in the lab's environment alone.

import json
import sys

from heat.common import context, template_format
from heat.engine import clients, environment, function, resources, stack, template
from oslo_config import cfg


def main() -> int:
    """Print, by case, name -> {type, requires, properties} of every resource that the conditions let in."""
    asked = json.load(sys.stdin)
    # Without a file of its own: older releases look for their policy as soon as anybody asks.
    cfg.CONF([], project="heat", default_config_files=[])
    clients.initialise()
    resources.initialise()
    cases = asked["parameters"].items()
    json.dump({case: rendered(asked, parameters) for case, parameters in cases}, sys.stdout, default=str)
    return 0


def rendered(asked: dict, parameters: dict) -> dict:
    chosen = environment.Environment({"parameters": parameters})
    parsed = template.Template(template_format.parse(asked["template"]), env=chosen, files=asked["files"])
    made = stack.Stack(context.RequestContext(project_id="project", is_admin=False), "grid", parsed)
    for name, resource in made.resources.items():
        # As if it had been made: who refers to it shows its name.
        resource.resource_id = name
    return {
        name: {
            "type": definition.resource_type,
            "requires": sorted(definition.required_resource_names() & made.resources.keys()),
            "properties": function.resolve(definition._properties),  # noqa: SLF001  there is no other way in
        }
        for name, definition in parsed.resource_definitions(made).items()
    }


if __name__ == "__main__":
    sys.exit(main())

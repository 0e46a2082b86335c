"""The reference of the HTTP interface as Markdown, from the OpenAPI description that the daemon serves itself."""

from collections.abc import Iterator, Mapping
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI

from elastic.api.routes import alarms, enrol, health, orphans, read, write

Json = Mapping[str, Any]
SECTIONS = {
    "health": "Whether it works",
    "read": "Reading",
    "write": "Writing",
    "orphans": "Orphans",
    "alarms": "Alarms of the cloud's monitoring",
    "enrol": "Enrolment of new workers",
}
METHODS = ("get", "put", "post", "delete")
INVALID = frozenset({"HTTPValidationError", "ValidationError"})
"""What the library says of 422; the daemon answers with a Problem there as everywhere."""


def render_reference() -> str:
    """Every route with what it takes and what it answers, then every object in these."""
    app = FastAPI(title="elastic")
    for routes in (health, read, write, orphans, alarms, enrol):
        app.include_router(routes.router)
    described = app.openapi()
    operations = [
        (path, method, found)
        for path, methods in described["paths"].items()
        for method, found in methods.items()
        if method in METHODS
    ]
    tags = dict.fromkeys(tag for *_, found in operations for tag in found["tags"])
    lines: list[str] = []
    for tag in tags:
        lines += [f"## {SECTIONS.get(tag, tag.capitalize())}", ""]
        for path, method, found in operations:
            if tag in found["tags"]:
                lines += _operation(path, method, found)
    return "\n".join([*lines, "## Objects", "", *_objects(described["components"]["schemas"])])


def _operation(path: str, method: str, found: Json) -> Iterator[str]:
    yield from (f"### {method.upper()} {path}", "", " ".join(found.get("description", "").split()), "")
    parameters = found.get("parameters", ())
    for one in parameters:
        needed = "" if one.get("required") else ", optional"
        yield f"* `{one['name']}` ({one['in']}, {_kind(one['schema'])}{needed}) {one.get('description', '')}".rstrip()
    if body := found.get("requestBody"):
        yield f"* body: {_kind(_content(body))}"
    for status, answer in found["responses"].items():
        said = _kind(_content(answer)) if answer.get("content") else "empty"
        why = answer.get("description", "")
        # Its own words for 200 and 422 say no more than the status does.
        yield f"* {status} {said}{f': {why}' if why not in _stock(status) else ''}"
    yield ""


def _stock(status: str) -> tuple[str, ...]:
    return ("Successful Response", "Validation Error", HTTPStatus(int(status)).phrase, "")


def _content(said: Json) -> Json:
    found: Json = next(iter(said["content"].values())).get("schema", {})
    return found


def _objects(schemas: Json) -> Iterator[str]:
    for name, schema in sorted((name, schema) for name, schema in schemas.items() if name not in INVALID):
        yield from (f"### {name}", "")
        if described := " ".join(schema.get("description", "").split()):
            yield from (described, "")
        if values := schema.get("enum"):
            yield from (", ".join(f"`{value}`" for value in values), "")
        if properties := schema.get("properties"):
            yield from ("| field | kind | what it is |", "| --- | --- | --- |")
            for field, said in properties.items():
                optional = "" if field in schema.get("required", ()) else ", optional"
                what = " ".join(said.get("description", "").split()).replace("|", "\\|")
                yield f"| `{field}` | {_kind(said)}{optional} | {what} |"
            yield ""


def _kind(said: Json) -> str:
    """What a value is, in a word or a link."""
    if "$ref" in said:
        name = str(said["$ref"]).rpartition("/")[2]
        name = "Problem" if name in INVALID else name
        return f"[{name}](#{name.lower()})"
    if choices := said.get("anyOf") or said.get("oneOf"):
        return " or ".join(dict.fromkeys(_kind(one) for one in choices))
    if values := said.get("enum"):
        return " or ".join(f"`{value}`" for value in values)
    match said.get("type"):
        case "array":
            return f"list of {_kind(said.get('items', {}))}"
        case "object":
            inside = said.get("additionalProperties")
            return f"object of {_kind(inside)}" if isinstance(inside, Mapping) else "object"
        case None:
            return "anything"
        case kind:
            return str(kind)

"""Rewrites a JSON Schema so that an editor marks only the key that is wrong. May import the standard library."""

from typing import Any

Schema = dict[str, Any]


def narrow_errors(part: Any, definitions: dict[str, Schema]) -> None:
    """Change a schema in place so that an error is that of one key, not of the whole table or union that it is in.

    `additionalProperties: false` is an error of the table; a schema that no value fits, one of the unknown key. A union
    fails as a whole, so conditions select one alternative first. The `anyOf` beside them refuses nothing: editors look
    there for keys to complete.
    """
    if isinstance(part, list):
        for item in part:
            narrow_errors(item, definitions)
    if not isinstance(part, dict):
        return
    for item in list(part.values()):
        narrow_errors(item, definitions)
    if part.get("additionalProperties") is False:
        part["additionalProperties"] = {"not": {"title": "no such key"}}
    for union in ("oneOf", "anyOf"):
        if union in part and (selected := _conditions(part[union], definitions)):
            options = part.pop(union)
            part |= selected | {"anyOf": [*options, {}]}


def _conditions(options: list[Schema], definitions: dict[str, Schema]) -> Schema | None:
    """Return conditions that select one alternative by its type, its `kind` or a required key; None if nothing does."""
    plain = [option for option in options if option.get("type", "object") != "object"]
    tables = [option for option in options if option not in plain]
    if not all("$ref" in table for table in tables):
        return None
    referred = [definitions[table["$ref"].rpartition("/")[2]] for table in tables]
    kinds = [str(table["properties"].get("kind", {}).get("const", "")) for table in referred]
    if all(kinds) and len(kinds) > 1:
        found = _by_kind(dict(zip(kinds, tables, strict=True)))
    else:
        found = tables[0] if tables else plain.pop()
        for option, table in zip(tables[1:], referred[1:], strict=True):
            found = {"if": {"type": "object", "required": table["required"][:1]}, "then": option, "else": found}
    for option in plain:
        found = {"if": {"type": option["type"]}, "then": option, "else": found}
    return found


def _by_kind(tables: dict[str, Schema]) -> Schema:
    kind = {kind: {"properties": {"kind": {"const": kind}}, "required": ["kind"]} for kind in tables}
    return {
        "type": "object",
        "required": ["kind"],
        "properties": {"kind": {"enum": list(tables)}},
        "allOf": [{"if": kind[name], "then": table} for name, table in tables.items()],
    }

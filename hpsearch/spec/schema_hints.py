"""Makes a JSON Schema point at the one key that is wrong, for editors. May import the standard library."""

from typing import Any

Schema = dict[str, Any]


def point_at_what_is_wrong(part: Any, definitions: dict[str, Schema]) -> None:
    """Let an editor underline the one key that is wrong, not all of the table or the union that it is in.

    That a table must have no other keys is an error of the table; that a key must not have any value, one of the key.
    A union fails as a whole, so its alternatives are told apart before one of them is looked into. The `anyOf` beside
    them refuses nothing: it is where editors look for keys to complete.
    """
    if isinstance(part, list):
        for item in part:
            point_at_what_is_wrong(item, definitions)
    if not isinstance(part, dict):
        return
    for item in list(part.values()):
        point_at_what_is_wrong(item, definitions)
    if part.get("additionalProperties") is False:
        part["additionalProperties"] = {"not": {"title": "no such key"}}
    for union in ("oneOf", "anyOf"):
        if union in part and (told := _told_apart(part[union], definitions)):
            options = part.pop(union)
            part |= told | {"anyOf": [*options, {}]}


def _told_apart(options: list[Schema], definitions: dict[str, Schema]) -> Schema | None:
    """Return the conditions that lead to the one alternative that is meant: by its type, by `kind`, by a needed key.

    None where that cannot be told.
    """
    plain = [option for option in options if option.get("type", "object") != "object"]
    tables = [option for option in options if option not in plain]
    if not all("$ref" in table for table in tables):
        return None
    meant = [definitions[table["$ref"].rpartition("/")[2]] for table in tables]
    kinds = [str(table["properties"].get("kind", {}).get("const", "")) for table in meant]
    if all(kinds) and len(kinds) > 1:
        told = _by_kind(dict(zip(kinds, tables, strict=True)))
    else:
        told = tables[0] if tables else plain.pop()
        for option, table in zip(tables[1:], meant[1:], strict=True):
            told = {"if": {"type": "object", "required": table["required"][:1]}, "then": option, "else": told}
    for option in plain:
        told = {"if": {"type": option["type"]}, "then": option, "else": told}
    return told


def _by_kind(tables: dict[str, Schema]) -> Schema:
    kind = {kind: {"properties": {"kind": {"const": kind}}, "required": ["kind"]} for kind in tables}
    return {
        "type": "object",
        "required": ["kind"],
        "properties": {"kind": {"enum": list(tables)}},
        "allOf": [{"if": kind[name], "then": table} for name, table in tables.items()],
    }

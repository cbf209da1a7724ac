"""The study file's JSON Schema (draft 7), for editors and for the reference in the documentation. May import pydantic.

It is made from the tables themselves: their types, limits and defaults, and the docstring of each key. It cannot
express rules between tables: it refuses nothing that `read` accepts, but accepts some of what `check` refuses.
"""

import ast
import inspect
from collections.abc import Iterator
from typing import Any, get_args

from hpsearch.spec.schema_hints import narrow_errors
from hpsearch.spec.tables.base import Table
from hpsearch.spec.tables.study import Study
from hpsearch.spec.tables.training import TABLES

Schema = dict[str, Any]

DATASETS = ("digits", "cifar10")
"""What an editor proposes for `dataset`. This package does not know which names there are."""


def json_schema() -> Schema:
    """Return the JSON Schema of a whole study file."""
    whole = Study.model_json_schema(ref_template="#/definitions/{model}")
    definitions: dict[str, Schema] = whole.pop("$defs")
    definitions["Study"] = whole
    several = definitions.pop("Objectives")
    whole["properties"]["objective"] = {"anyOf": [_ref("Objective"), several]}
    classes = {cls.__name__: cls for cls in _tables(Table)}
    for name, table in definitions.items():
        _add_descriptions(classes[name], table)
    definitions = _without_null(definitions)
    for name, table in definitions.items():
        _require_kind(classes[name], table)
    definitions["Budget"]["minProperties"] = 1
    _add_short_forms(definitions)
    narrow_errors(definitions, definitions)
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "hpsearch study file",
        **definitions.pop("Study"),
        "definitions": dict(sorted(definitions.items())),
    }


def meanings(cls: type[Table]) -> dict[str, str]:
    """Return the meaning of each key of a table, by its name in the study file: the field's docstring on one line."""
    found: dict[str, str] = {}
    for base in reversed([base for base in cls.__mro__ if issubclass(base, Table)]):
        body = ast.parse(inspect.getsource(base)).body[0]
        assert isinstance(body, ast.ClassDef)
        for field, text in zip(body.body, body.body[1:], strict=False):
            match field, text:
                case (
                    ast.AnnAssign(target=ast.Name(name)),
                    ast.Expr(value=ast.Constant(value=str(sentence))),
                ) if name in cls.model_fields:
                    found[cls.model_fields[name].alias or name] = " ".join(sentence.split())
    return found


def _tables(cls: type[Table]) -> Iterator[type[Table]]:
    yield cls
    for derived in cls.__subclasses__():
        yield from _tables(derived)


def _add_descriptions(cls: type[Table], table: Schema) -> None:
    """Add each key's description. A reference goes into an `allOf`, because draft 7 ignores what is beside `$ref`."""
    known = meanings(cls)
    if "description" in table:
        table["description"] = " ".join(table["description"].split("\n\n")[0].split())
    for key, value in table.get("properties", {}).items():
        value.pop("description", None)
        if "$ref" in value:
            value["allOf"] = [{"$ref": value.pop("$ref")}]
        if key in known:
            value["description"] = known[key]


def _require_kind(cls: type[Table], table: Schema) -> None:
    """Require `kind` in each table that has one, although our own default values leave it out."""
    if "kind" in cls.model_fields:
        table["properties"]["kind"].pop("default", None)
        table["required"] = ["kind", *(key for key in table.get("required", ()) if key != "kind")]


def _without_null(schema: Any) -> Any:
    """Leave out null and defaults of null, which TOML does not have, and pydantic's titles, which repeat the keys."""
    if isinstance(schema, list):
        return [_without_null(part) for part in schema if part != {"type": "null"}]
    if not isinstance(schema, dict):
        return schema
    kept: Schema = {}
    for key, part in schema.items():
        if key == "default" and isinstance(part, dict) and "description" not in part:  # that is the key of a stage
            part = {"kind": part["kind"]} if "kind" in part else None
        if (key == "title" and isinstance(part, str)) or (key == "default" and part in (None, [])):
            continue
        kept[key] = _without_null(part)
    for union in ("anyOf", "oneOf"):
        if len(kept.get(union, ())) == 1:
            (only,) = kept.pop(union)
            kept = {"allOf": [only]} | kept if "$ref" in only else only | kept
    return kept


def _add_short_forms(definitions: dict[str, Schema]) -> None:
    """Allow the short forms that the validators of these keys expand."""
    confirm = definitions["Confirm"]
    confirm["required"] = ["best"]
    del definitions["Range"]["properties"]["integer"]["default"]  # it follows from the key and the ends
    del definitions["Choices"]["properties"]["ordered"]["default"]  # it follows from the values
    stage = definitions["Stage"]["properties"]
    stage["confirm"] = _either(stage["confirm"], confirm["properties"]["best"])
    training = definitions["PartialTraining"]["properties"]
    training["optimiser"] = _either(training["optimiser"], {"type": "string", "enum": _kinds("optimiser")})
    dataset = definitions["Data"]["properties"]["dataset"]["oneOf"]
    dataset[0]["examples"] = list(DATASETS)
    del definitions["Branching"]  # which a study file writes as choices
    definitions["TrainingOverrides"] = overrides = _overrides(definitions)
    definitions["Configuration"] = overrides | {"additionalProperties": True}
    definitions["Space"] = _space(definitions)
    stage["space"] = _described(stage["space"], _ref("Space"))
    final = definitions["Final"]["properties"]
    final["data"] = _either(final["data"], {"type": "string", "enum": ["all"]})
    for step in (stage, final):
        step["training"] = _described(step["training"], _ref("TrainingOverrides"))
    stage["default"] = _described(stage["default"], _ref("Configuration"))
    for key in ("configurations", "first"):
        stage[key]["items"] = _ref("Configuration")


def _overrides(definitions: dict[str, Schema]) -> Schema:
    """Return [training] with every key optional, in its inner tables too."""
    whole = definitions["PartialTraining"]["properties"]
    parts = {
        key: {k: v for k, v in value.items() if k != "default"} for key, value in whole.items() if key not in TABLES
    }
    for key, kinds in TABLES.items():
        inner: dict[str, list[Schema]] = {}
        for kind in kinds:
            for name, value in definitions[kind.__name__]["properties"].items():
                if name != "kind" and value not in inner.setdefault(name, []):
                    inner[name].append(value)
        table: Schema = {"type": "object", "additionalProperties": False, "properties": {}}
        if named := _kinds(key):
            table["properties"]["kind"] = {"enum": named}
        table["properties"] |= {k: v[0] if len(v) == 1 else {"anyOf": v} for k, v in inner.items()}
        parts[key] = _described(
            whole[key], _either(table, {"type": "string", "enum": named}) if key == "optimiser" else table
        )
    return {"type": "object", "additionalProperties": False, "properties": parts}


def _space(definitions: dict[str, Schema]) -> Schema:
    """Return the schema of a space; `schedule.eta_max = …` is a table in a table."""
    listed: Schema = {"type": "array", "minItems": 1, "description": "Choices."}
    tables = [_ref(name) for name in ("Range", "Choices", "Around")]
    definitions["Entry"] = {"anyOf": [listed, *tables]}
    entry = _ref("Entry")
    table = {"type": "object", "additionalProperties": entry}
    keys: dict[str, Schema] = {}
    for key, value in definitions["PartialTraining"]["properties"].items():
        if key not in TABLES:
            keys[key] = _described(value, entry)
            continue
        inner = {name for kind in TABLES[key] for name in definitions[kind.__name__]["properties"]}
        known = {"type": "object", "additionalProperties": False, "properties": dict.fromkeys(sorted(inner), entry)}
        keys[key] = _described(value, {"anyOf": [listed, *tables, known]})
    return {"type": "object", "properties": keys, "additionalProperties": {"anyOf": [listed, *tables, table]}}


def _kinds(key: str) -> list[str]:
    """Return the values of `kind` of the tables that [training].`key` can be."""
    fields = (kind.model_fields.get("kind") for kind in TABLES[key])
    return [get_args(field.annotation)[0] for field in fields if field is not None]


def _ref(name: str) -> Schema:
    return {"$ref": f"#/definitions/{name}"}


def _described(old: Schema, new: Schema) -> Schema:
    """Return `new` with the description of `old`."""
    if "$ref" in new:
        new = {"allOf": [new]}
    return new | {"description": old["description"]} if "description" in old else new


def _either(old: Schema, other: Schema) -> Schema:
    """Return a schema that allows `other` beside `old`, with the description and default of `old`."""
    outside: Schema = {key: old[key] for key in ("description", "default") if key in old}
    inside = {key: part for key, part in old.items() if key not in outside}
    alternatives = inside.get("oneOf") or inside.get("allOf") or [inside]
    return {"anyOf": [*alternatives, other], **outside}

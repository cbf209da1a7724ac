"""Nodes of an ONNX graph and their constants, added one after the other. Imports onnx."""

from typing import Any

from onnx import compose, helper, numpy_helper

PREFIX = "model."
"""Before the names of a graph that another package made."""


class Graph:
    """A graph being made: `add` returns the name of what a node gives."""

    def __init__(self, opset: int, ir: int) -> None:
        self.opsets, self.ir = {"": opset}, ir
        self.inputs: list[Any] = []
        self.outputs: list[Any] = []
        self.nodes: list[Any] = []
        self.constants: list[Any] = []

    def input(self, name: str, kind: int, columns: int) -> str:
        """Add an input (n, columns)."""
        self.inputs.append(helper.make_tensor_value_info(name, kind, ["n", columns]))
        return name

    def output(self, name: str, kind: int, *columns: int) -> None:
        """Declare an output (n,) or (n, columns)."""
        self.outputs.append(helper.make_tensor_value_info(name, kind, ["n", *columns]))

    def constant(self, array: Any, name: str = "") -> str:
        """Add a constant array."""
        name = name or f"constant_{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(array, name))
        return name

    def add(self, kind: str, *given: str, output: str = "", domain: str = "", **attributes: Any) -> str:
        """Add a node of what earlier ones gave."""
        output = output or f"{kind}_{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, [*given], [output], domain=domain, **attributes))
        if domain:
            self.opsets.setdefault(domain, 3)
        return output

    def attach(self, model: Any, given: str) -> list[str]:
        """Add the nodes of a model with one input, which is what an earlier node gave; return its outputs."""
        theirs = compose.add_prefix(model, PREFIX)
        (single,) = theirs.graph.input
        self.nodes.append(helper.make_node("Identity", [given], [single.name]))
        self.nodes += theirs.graph.node
        self.constants += theirs.graph.initializer
        for each in theirs.opset_import:
            self.opsets[each.domain] = max(each.version, self.opsets.get(each.domain, 0))
        self.ir = max(self.ir, theirs.ir_version)
        return [each.name for each in theirs.graph.output]

    def model(self, properties: dict[str, str]) -> Any:
        """Return the complete model, checked."""
        from onnx import checker

        graph = helper.make_graph(self.nodes, "hpsearch", self.inputs, self.outputs, self.constants)
        opsets = [helper.make_opsetid(domain, version) for domain, version in self.opsets.items()]
        made = helper.make_model(graph, opset_imports=opsets, ir_version=self.ir, producer_name="hpsearch")
        helper.set_model_props(made, properties)
        checker.check_model(made)
        return made

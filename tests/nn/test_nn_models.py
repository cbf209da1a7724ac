"""The model files that come with the program."""

import importlib.util
from pathlib import Path

import pytest

from hpsearch.nn import Dense, Network

MODELS = Path(__file__).parents[2] / "models"


def build(name, **keys):
    spec = importlib.util.spec_from_file_location(f"models_{name}", MODELS / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.build(10, **keys)


@pytest.mark.parametrize(
    ("keys", "layers", "size"),
    [
        ({}, "Dense ReLU Dense", 20 * 50 + 50 + 50 * 10 + 10),
        ({"hidden": [8, 6], "activation": "tanh"}, "Dense Tanh Dense Tanh Dense", 20 * 8 + 8 + 8 * 6 + 6 + 6 * 10 + 10),
        ({"hidden": [8], "dropout": 0.2}, "Dense ReLU Dropout Dense", 20 * 8 + 8 + 8 * 10 + 10),
        (
            {"hidden": [8], "activation": "leaky_relu", "batch_norm": True, "dropout": 0.5},
            "Dense BatchNorm LeakyReLU Dropout Dense",
            20 * 8 + 8 + 2 * 8 + 8 * 10 + 10,
        ),
        ({"hidden": []}, "Dense", 20 * 10 + 10),
    ],
)
def test_mlp_has_the_layers_that_its_keys_ask_for(keys, layers, size):
    made = build("mlp", **keys)
    assert " ".join(type(layer).__name__ for layer in made) == layers
    assert Network(made, inputs=20).size == size


def test_softmax_is_one_dense_layer():
    assert [type(layer).__name__ for layer in build("softmax")] == ["Dense"]


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"activation": "gelu"}, "activation must be one of relu, leaky_relu, tanh, got 'gelu'"),
        ({"dropout": 1.0}, "dropout must be at least 0 and below 1, got 1.0"),
        ({"dropout": -0.5}, "dropout must be at least 0 and below 1, got -0.5"),
        ({"hidden": [50, 0]}, "outputs must be at least 1, got 0"),
        ({"init": "zeros"}, "init must be one of he, gaussian, got 'zeros'"),
    ],
)
def test_mlp_refuses_other_values_with_rule_and_value(keys, message):
    with pytest.raises(ValueError) as caught:
        build("mlp", **keys)
    assert str(caught.value) == message


def test_a_layer_too_large_for_memory_is_refused_before_any_is_allocated():
    with pytest.raises(ValueError, match="a layer of 64 × 1,000,000,000 weights needs 1,024 GB to train"):
        Network([Dense(10**9)], inputs=64)

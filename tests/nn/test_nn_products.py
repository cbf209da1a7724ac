"""Wide products: where the columns stand, and that every trial has the bits that it has alone."""

import os
import subprocess
import sys
from itertools import pairwise

import numpy as np
import pytest

from hpsearch.nn.layouts import EDGE, Scheme, schemes
from hpsearch.nn.parameters import Weights
from hpsearch.nn.products import accumulate, choose_scheme, cohort_size, is_exact

SCHEMES = [Scheme(), Scheme(2), Scheme(4), Scheme(4, per_call=2), Scheme(8), Scheme(8, per_call=2), Scheme(16)]

SHAPES = [  # batch, inputs, outputs
    (100, 3072, 50),
    (100, 3072, 10),
    (200, 784, 50),
    (33, 784, 100),
    (25, 64, 30),
    (50, 64, 10),
    (1, 64, 10),
    (100, 13, 3),
    (20, 100, 1),
    (30, 50, 256),
]


def filled(trials, inputs, outputs, rows=()):
    """Weights of which each trial's numbers are drawn from its own generator."""
    weights = Weights(len(trials), inputs, outputs, shared=True, rows=rows)
    for k, trial in enumerate(trials):
        rng = np.random.default_rng(trial)
        weights.load(k, {"": rng.standard_normal((inputs, outputs), dtype=np.float32)})
    return weights


def products(trials, batch, inputs, outputs, rows):
    """All that training makes of a batch: x W, the gradient, W after a step; by trial."""
    weights = filled(trials, inputs, outputs, rows)
    x = np.random.default_rng(99).standard_normal((batch, inputs), dtype=np.float32)
    z = np.empty((len(trials), batch, outputs), np.float32)
    weights.multiply(x, z)
    weights.delta = np.stack([np.random.default_rng(1000 + t).standard_normal(z[0].shape) for t in trials])
    weights.delta = weights.delta.astype(np.float32)
    gradient = weights.gradient()
    weights.add_product(weights.delta)
    return {t: (z[k], gradient[k], weights.materialise(k)) for k, t in enumerate(trials)}


@pytest.mark.parametrize("outputs", [10, 17, 20])
@pytest.mark.parametrize("scheme", SCHEMES, ids=str)
def test_a_layout_gives_every_column_a_place_of_its_own(scheme, outputs):
    for trials in range(1, 20):
        layout = scheme.layout(trials, outputs)
        places = {(c, j) for c, columns in zip(layout.call, layout.column, strict=True) for j in columns}
        assert len(places) == trials * outputs
        assert all(0 <= c < layout.calls and 0 <= j < layout.width for c, j in places)


@pytest.mark.parametrize("per_block", [2, 4, 8])
def test_a_trial_has_the_same_columns_at_a_blocks_edges_in_every_cohort(per_block):
    """What the AVX2 kernels sum otherwise: 8 columns at each end, and all of them by the parity of the tiles."""

    def edges(layout, width, k):
        own = layout.column[k] % width
        return (own < EDGE).tolist(), (own >= width - EDGE).tolist(), width // EDGE % 2

    scheme, outputs = Scheme(per_block), 20
    alone = scheme.layout(1, outputs)
    for trials in range(1, 20):
        layout = scheme.layout(trials, outputs)
        assert all(edges(layout, layout.width, k) == edges(alone, alone.width, 0) for k in range(trials))


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_products_of_a_cohort_have_the_bits_of_each_trial_alone(shape):
    batch = shape[0]
    alone = {t: products([t], *shape, rows=(batch,))[t] for t in (0, 4, 11, 15)}
    for cohort in (range(2), (4, 15, 0), range(8), range(12), range(16)):
        together = products(list(cohort), *shape, rows=(batch,))
        for t in set(cohort) & set(alone):
            assert all(np.array_equal(a, b) for a, b in zip(alone[t], together[t], strict=True))


@pytest.mark.parametrize("batch", [1, 7, 8, 11, 96, 104])
def test_batches_of_sizes_not_announced_are_exact_too(batch):
    alone = products([3], batch, 3072, 50, rows=(100,))[3]
    together = products(list(range(8)), batch, 3072, 50, rows=(100,))[3]
    assert all(np.array_equal(a, b) for a, b in zip(alone, together, strict=True))


@pytest.mark.parametrize("backward", [False, True])
def test_where_no_wide_product_is_exact_trials_are_multiplied_one_by_one(monkeypatch, backward):
    def never(scheme, trials, *shape, backward):
        return trials == 1

    monkeypatch.setattr("hpsearch.nn.products.is_exact", never)
    monkeypatch.setattr("hpsearch.nn.parameters.is_exact", never)
    choose_scheme.cache_clear()
    rows = (20,) if backward else ()
    together, alone = products([0, 1, 2], 20, 30, 10, rows), products([1], 20, 30, 10, rows)
    choose_scheme.cache_clear()
    assert filled([0, 1, 2], 30, 10, rows).layout.calls == 3
    assert all(np.array_equal(a, b) for a, b in zip(together[1], alone[1], strict=True))


def test_a_layout_that_is_exact_for_some_batches_only_gives_way_for_the_others(monkeypatch):
    weights = filled(range(4), 3072, 50, rows=(100,))
    monkeypatch.setattr("hpsearch.nn.parameters.is_exact", lambda *_, backward: False)
    x = np.ones((3, 3072), np.float32)
    z = np.empty((4, 3, 50), np.float32)
    weights.multiply(x, z)
    weights.delta = np.ones_like(z)
    before = weights.materialise(2)
    np.testing.assert_allclose(z[2], x @ before, atol=1e-2)
    np.testing.assert_allclose(weights.gradient()[2], np.full((3072, 50), 3.0))
    weights.add_product(weights.delta)
    np.testing.assert_allclose(weights.materialise(2), before - 3, rtol=1e-4, atol=1e-5)


KERNELS = ["Haswell", "SkylakeX", "Sandybridge", "Nehalem"]


def runs(kernel):
    """Can this machine run these kernels of OpenBLAS, and does its NumPy have them?"""
    features = np._core._multiarray_umath.__cpu_features__
    needed = {"Haswell": "AVX2", "SkylakeX": "AVX512_SKX", "Sandybridge": "AVX", "Nehalem": "SSE42"}[kernel]
    return features.get(needed, features.get("X86_V4" if "512" in needed else "X86_V3", False))


@pytest.mark.slow
@pytest.mark.parametrize("kernel", KERNELS)
def test_bits_are_the_same_with_other_kernels_of_openblas(kernel):
    if not runs(kernel):
        pytest.skip(f"this machine cannot run OpenBLAS's {kernel} kernels")
    names = ["a_cohort_have_the_bits", "not_announced"]
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", __file__, "-k", " or ".join(names)]
    environment = os.environ | {"OPENBLAS_CORETYPE": kernel, "OPENBLAS_NUM_THREADS": "1"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-3000:]


def test_accumulate_adds_the_product_in_place():
    rng = np.random.default_rng(0)
    x, g, out = rng.standard_normal((5, 7)), rng.standard_normal((5, 3)), rng.standard_normal((7, 3))
    expected = 0.5 * out - 2 * x.T @ g
    accumulate(x, g, out, alpha=-2.0, beta=0.5)
    np.testing.assert_allclose(out, expected, atol=1e-12)


def test_one_trial_is_always_exact_and_needs_no_trying_out():
    assert is_exact(Scheme(), 1, 10**9, 10**9, 10**9, "float32", backward=True)


def test_trial_by_trial_comes_last_among_the_schemes():
    assert [schemes(n)[-1] for n in (1, 10, 50, 500)] == [Scheme()] * 4


@pytest.mark.parametrize(("outputs", "size"), [(10, 16), (20, 8), (50, 4), (100, 2), (256, 1), (1000, 1)])
def test_a_cohorts_size_follows_from_its_shape(outputs, size):
    assert cohort_size(outputs, 3072 * outputs + 11 * outputs + 10) == size


@pytest.mark.parametrize(
    ("sizes", "size"),
    [((8, 16, 10), 16), ((64, 64, 10), 16), ((128, 128, 10), 8), ((256, 256, 10), 2), ((64, 64, 2048, 2048, 10), 4)],
)
def test_a_cohort_of_small_models_is_larger(sizes, size):
    assert cohort_size(sizes[1], sum((n + 1) * m for n, m in pairwise(sizes))) == size

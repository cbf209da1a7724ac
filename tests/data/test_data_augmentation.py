import zlib

import numpy as np
import pytest

from hpsearch.data import Augmentation, EpochAugmentation, check_augmentation
from hpsearch.data.augmentation import mirror
from hpsearch.errors import DataError

SHAPE = (3, 5, 7)
FEATURES = 3 * 5 * 7
N = 60
IMAGES = np.random.default_rng(0).standard_normal((2 * N, FEATURES), dtype=np.float32)


def keyed(purpose, seed=0):
    return np.random.default_rng([seed, zlib.crc32(purpose.encode())])


def epoch(augmentation, batch_size=N, samples=IMAGES, order=None, generators=keyed):
    """All images of an epoch as they are trained on, in the order in which it meets them."""
    augment = EpochAugmentation(augmentation, SHAPE, N, generators)
    rows = augment.order(np.arange(N) if order is None else order)
    batches = []
    for start in range(0, N, batch_size):
        batches.append(samples[rows[start : start + batch_size]])
        augment(batches[-1], start)
    return np.concatenate(batches)


@pytest.mark.parametrize("shape", [(3, 32, 32), SHAPE, (1, 8, 8)])
def test_mirroring_is_left_to_right_in_each_channel_and_not_upside_down(shape):
    samples = np.random.default_rng(1).random((4, int(np.prod(shape))))
    for image, mirrored in zip(samples, mirror(samples, shape), strict=True):
        for before, after in zip(image.reshape(shape), mirrored.reshape(shape), strict=True):
            assert np.array_equal(after, np.fliplr(before))
            assert not np.array_equal(after, np.flipud(before))


def test_nothing_is_changed_by_default():
    assert np.array_equal(epoch(Augmentation()), IMAGES[:N])


def test_a_flip_takes_the_mirrored_row_of_about_half_of_the_images_each_by_itself():
    order = np.random.default_rng(5).permutation(10_000)
    rows = EpochAugmentation(Augmentation(flip=True), SHAPE, 10_000, keyed).order(order)
    assert np.array_equal(rows % 10_000, order)
    flipped = rows >= 10_000
    assert abs(flipped.mean() - 0.5) < 0.02
    assert abs((flipped[1:] == flipped[:-1]).mean() - 0.5) < 0.02


def test_a_shift_moves_the_picture_and_reveals_the_mean_image():
    after = epoch(Augmentation(shift=2)).reshape(N, *SHAPE)
    shifts = keyed("shift").integers(-2, 2, (N, 2), endpoint=True)
    for before, got, (dy, dx) in zip(IMAGES[:N].reshape(N, *SHAPE), after, shifts, strict=True):
        expected = np.zeros(SHAPE)
        for y in range(5):
            for x in range(7):
                if 0 <= y - dy < 5 and 0 <= x - dx < 7:
                    expected[:, y, x] = before[:, y - dy, x - dx]
        assert np.array_equal(got, expected)
    assert len(np.unique(shifts, axis=0)) > 15  # of the 25 there are


def test_every_shift_is_as_likely_as_any_other():
    augment = EpochAugmentation(Augmentation(shift=1), SHAPE, 9_000, keyed)
    augment.order(np.arange(9_000))
    dot = np.zeros((9_000, 1, *SHAPE), np.float32)[:, 0]
    dot[:, :, 2, 3] = 1
    augment(dot.reshape(9_000, -1), 0)
    assert (np.abs(dot[:, 0, 1:4, 2:5].sum(axis=0) - 1_000) < 130).all()


def test_noise_is_gaussian_with_the_given_deviation():
    augment = EpochAugmentation(Augmentation(noise=0.25), SHAPE, 3_000, keyed)
    augment.order(np.arange(3_000))
    noise = np.zeros((3_000, FEATURES), np.float32)
    augment(noise, 0)
    assert abs(noise.mean()) < 0.002
    assert abs(noise.std() - 0.25) < 0.001
    assert abs(((noise / noise.std()) ** 4).mean() - 3) < 0.03
    for deviations, share in ((1, 0.6827), (2, 0.9545), (3, 0.9973)):
        assert abs((np.abs(noise) < deviations * 0.25).mean() - share) < 0.004
    assert abs(np.corrcoef(noise[:, :-1].ravel(), noise[:, 1:].ravel())[0, 1]) < 0.01


@pytest.mark.parametrize("batch_size", [1, 7, 10, 32, 59])
def test_the_batch_size_changes_no_bit(batch_size):
    everything = Augmentation(flip=True, shift=2, noise=0.1)
    assert epoch(everything, batch_size).tobytes() == epoch(everything).tobytes()


def test_another_epoch_has_other_changes():
    everything = Augmentation(flip=True, shift=2, noise=0.1)
    other = epoch(everything, generators=lambda purpose: keyed(purpose, seed=1))
    assert not (other == epoch(everything)).all(axis=1).any()


@pytest.mark.parametrize(
    ("augmentation", "shape", "rule"),
    [
        (Augmentation(flip=True), (1, 1, 4), r"augmentation.flip needs images, but iris has rows of 4 numbers; give"),
        (
            Augmentation(shift=8),
            (3, 8, 32),
            r"shift must be at most 7 for iris, whose images have 8 × 32 pixels, got 8",
        ),
        (Augmentation(shift=1), (1, 1, 4), r"augmentation.shift must be at most 0 for iris"),
    ],
)
def test_what_the_images_do_not_allow_costs_one_line(augmentation, shape, rule):
    with pytest.raises(DataError, match=rule):
        check_augmentation(augmentation, "iris", shape)
    check_augmentation(Augmentation(noise=1), "iris", shape)
    check_augmentation(Augmentation(flip=True, shift=7), "digits", (1, 8, 8))

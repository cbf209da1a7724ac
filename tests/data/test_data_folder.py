import os
import sys

import numpy as np
import pytest

from hpsearch.data import load
from hpsearch.errors import DataError

Image = pytest.importorskip("PIL.Image", reason="Pillow is not installed")
PIXELS = np.random.default_rng(0).integers(0, 256, (12, 5, 4, 3), dtype=np.uint8)


def save(pixels, *path, mode=None):
    path[0].joinpath(*path[1:]).parent.mkdir(parents=True, exist_ok=True)
    image = Image.fromarray(pixels)
    (image.convert(mode) if mode else image).save(path[0].joinpath(*path[1:]))


@pytest.fixture
def folder(tmp_path):
    """Four images of ants, bees and cats each, 4 wide and 5 high, in colour."""
    for i, pixels in enumerate(PIXELS):
        save(pixels, tmp_path, "images", ("ant", "bee", "cat")[i % 3], f"{i:02}.png")
    return tmp_path


def read(tmp_path, **more):
    table = {"kind": "folder", "path": "images", "test": 3, **more}
    return load({key: value for key, value in table.items() if value is not None}, workspace=tmp_path)


def line(tmp_path, **more):
    with pytest.raises(DataError) as caught:
        read(tmp_path, **more)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_sub_folders_are_classes_and_images_rows(folder):
    (folder / "images" / "notes.txt").write_text("not a class")
    (folder / "images" / "ant" / "Thumbs.db").write_text("not an image")
    (folder / "images" / ".cache").mkdir()
    save(PIXELS[0], folder, "test", "bee", "x.bmp")
    dataset = read(folder, test=None, test_path="test")
    assert (dataset.name, dataset.classes, dataset.image_shape) == ("images", ("ant", "bee", "cat"), (3, 5, 4))
    assert dataset.labels.tolist() == [0] * 4 + [1] * 4 + [2] * 4
    expected = np.concatenate([PIXELS[k::3] for k in range(3)]).transpose(0, 3, 1, 2).reshape(12, -1)
    assert np.array_equal(dataset.samples, expected)
    assert np.array_equal(dataset.test_samples[0], expected[0])
    assert dataset.test_labels.tolist() == [1]


def test_images_can_be_held_out(folder):
    dataset = read(folder)
    assert np.bincount(dataset.test_labels).tolist() == [1, 1, 1]
    assert len(dataset.samples) == 9


def test_greyscale_images_have_one_channel(tmp_path):
    for i, pixels in enumerate(PIXELS):
        save(pixels[:, :, 0], tmp_path, "images", "ab"[i % 2], f"{i:02}.{'gif' if i > 99 else 'png'}")
    dataset = read(tmp_path)
    assert dataset.image_shape == (1, 5, 4)
    assert set(map(bytes, dataset.samples)) <= {pixels[:, :, 0].tobytes() for pixels in PIXELS}


def test_an_image_unlike_the_first_costs_one_line_that_names_it(folder):
    other = folder / "images" / "bee" / "99.png"
    save(PIXELS[0][:4], other)
    first = folder / "images" / "ant" / "00.png"
    assert line(folder).startswith(
        f"{other}: must have the 5 × 4 pixels (height × width) of {first}, has 4 × 4; resize"
    )
    save(PIXELS[0], other, mode="L")
    assert line(folder) == f"{other}: must be RGB, as {first} is, is greyscale; convert one of them"
    save(PIXELS[0], other, mode="RGBA")
    assert line(folder) == f"{other}: must be greyscale or RGB, is RGBA; convert it"


def test_size_resizes_all(folder):
    save(PIXELS[0].repeat(2, axis=0), folder, "images", "bee", "99.png")
    dataset = read(folder, size=(2, 3))
    assert dataset.image_shape == (3, 3, 2)
    flat = np.full((40, 30, 3), 77, np.uint8)
    save(flat, folder, "images", "ant", "00.png")
    assert (read(folder, size=(2, 3), test=1).samples[0] == 77).all()


def test_a_photograph_is_rotated_by_its_exif_orientation(folder):
    exif = Image.Exif()
    exif[0x0112] = 6  # turn by 90° clockwise
    path = folder / "images" / "ant" / "00.png"
    Image.fromarray(np.rot90(PIXELS[0]).copy()).save(path, exif=exif)
    assert np.array_equal(read(folder, test=None, test_path="images").samples[0], PIXELS[0].transpose(2, 0, 1).ravel())


def test_a_damaged_image_costs_one_line(folder):
    path = folder / "images" / "bee" / "01.png"
    whole = path.read_bytes()
    for raw in (b"", b"text", whole[:60], whole[:45] + b"\xff" * 9 + whole[54:]):
        path.write_bytes(raw)
        assert line(folder).startswith(f"{path}: not a")


def test_an_image_that_is_no_file_is_not_waited_for(folder):
    path = folder / "images" / "bee" / "01.png"
    path.unlink()
    path.symlink_to(os.devnull)  # of a pipe, a test that fails would wait for ever
    assert line(folder) == f"{path}: must be a file, is a folder, a device, a pipe or a socket"


def test_an_image_too_large_to_be_one_costs_one_line(folder, monkeypatch):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 15)
    assert "00.png: not an image that can be read: Image size (20 pixels) exceeds limit of 15 pixels" in line(folder)


def test_an_image_with_too_many_pixels_is_refused_before_it_is_unpacked(folder, monkeypatch):
    from PIL import ImageFile

    monkeypatch.setattr("hpsearch.data.sources.folder.MOST_PIXELS", 11)
    monkeypatch.setattr(ImageFile.ImageFile, "load", lambda image: pytest.fail("it was unpacked"))
    with pytest.raises(DataError, match=r"must have at most 11 pixels, has \d+ × \d+; make it smaller$"):
        read(folder)


def test_folders_without_images_cost_one_line(folder):
    (folder / "images" / "dog").mkdir()
    assert "dog: must have images (.bmp, .gif, .jpeg, " in line(folder)
    assert line(folder, path="images/ant").endswith("must have a folder of images for each class, has no folders")
    assert line(folder, path="image").endswith(f"image: no such folder; did you mean '{folder}/images'?")
    save(PIXELS[0], folder, "test", "bees", "x.png")
    (folder / "images" / "dog").rmdir()
    assert line(folder, test=None, test_path="test").endswith("('ant', 'bee', 'cat'), got 'bees'; did you mean 'bee'?")


def test_without_pillow_one_line_says_how_to_get_it(folder, monkeypatch):
    monkeypatch.setitem(sys.modules, "PIL", None)
    assert line(folder) == "folders of images need Pillow: pip install 'hpsearch[images]'"

"""Which images a study uses and how they are varied: [data] and [augmentation]. May import pydantic."""

from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, ConfigDict, Discriminator, Field, Tag, model_validator

from hpsearch.spec.messages import TAG, show, wrong
from hpsearch.spec.tables.base import LARGEST, Count, Table, Text, of_kind, tag_of

MAX_FOLDS = 1000


class Idx(Table):
    """A folder of IDX files, as MNIST has them."""

    kind: Literal["idx"]
    path: Text
    """The folder, relative to the workspace."""
    classes: Annotated[tuple[Text, ...], Field(strict=False, min_length=1)] | None = None
    """Names for the labels, in their order."""

    @model_validator(mode="after")
    def _has_distinct_classes(self) -> Self:
        for i, name in enumerate(self.classes or ()):
            if self.classes and name in self.classes[:i]:
                raise wrong(f"must not repeat a class, got {show(name)} twice", "classes")
        return self


class Npz(Table):
    """An .npz file of named arrays."""

    kind: Literal["npz"]
    path: Text
    """The file, relative to the workspace."""
    samples: Text | None = None
    """The name of the array of images to learn from; `x_train` if not given."""
    labels: Text | None = None
    """Of their labels; `y_train` if not given."""
    test_samples: Text | None = None
    """Of the test images; `x_test` if not given."""
    test_labels: Text | None = None
    """Of their labels; `y_test` if not given."""
    test: Count | None = None
    """Instead of test arrays: how many images to hold out, drawn by class."""
    channels: Literal["first", "last"] | None = None
    """Which axis of the images has the colours, where their shape does not tell."""

    @model_validator(mode="after")
    def _has_one_test_set(self) -> Self:
        for key in ("test_images", "test_labels"):
            if self.test is not None and getattr(self, key) is not None:
                raise wrong("must not be given beside test, the number of images held out", key)
        return self


class _Held(Table):
    """Has its test images at another path, or so many of its own."""

    path: Text
    """The file or folder, relative to the workspace."""
    test_path: Text | None = None
    """Where the test images are."""
    test: Count | None = None
    """Instead of `test_path`: how many images to hold out, drawn by class."""

    @model_validator(mode="after")
    def _has_one_test_set(self) -> Self:
        if (self.test is None) == (self.test_path is None):
            raise wrong("must have either test_path or test, the number of images held out")
        return self


class Csv(_Held):
    """A CSV file with a header line: one label column, all others are numbers."""

    kind: Literal["csv"]
    label: Text
    """The column of the classes; all others are numbers."""
    image_shape: Annotated[tuple[Count, ...], Field(strict=False, min_length=3, max_length=3)] | None = None
    """`[channels, height, width]`, where the numbers of a row are the pixels of an image."""


class Folder(_Held):
    """A folder with a folder of images for each class."""

    kind: Literal["folder"]
    size: Annotated[tuple[Count, ...], Field(strict=False, min_length=2, max_length=2)] | None = None
    """`[width, height]` that all images are resized to."""


class Python(Table):
    """A Python file that gives the images; its function's parameters are keys of this table."""

    model_config = ConfigDict(extra="allow")

    kind: Literal["python"]
    path: Text
    """The file, relative to the workspace; it defines `load(**parameters)`."""
    test: Count | None = None
    """How many images to hold out, drawn by class, where `load` gives no test images."""


def _named_or_table(given: Any) -> Any:
    if not isinstance(given, str | dict | Table):
        raise wrong(f"must be a dataset's name or a table with a kind, got {show(given)}")
    return given


Source = Annotated[
    Annotated[Text, Tag(TAG + "name")]
    | Annotated[Idx, Tag(TAG + "idx")]
    | Annotated[Npz, Tag(TAG + "npz")]
    | Annotated[Csv, Tag(TAG + "csv")]
    | Annotated[Folder, Tag(TAG + "folder")]
    | Annotated[Python, Tag(TAG + "python")],
    Discriminator(lambda given: TAG + "name" if isinstance(given, str) else tag_of(given)),
    of_kind("idx", "npz", "csv", "folder", "python", or_text=True),
    BeforeValidator(_named_or_table),
]


class Folds(Table):
    """Cross-validation: each of so many equal parts is once what configurations are compared on."""

    folds: Annotated[int, Field(ge=2, le=MAX_FOLDS)]
    """The number of folds; `train` must be a multiple of one less."""


HeldOut = Annotated[
    Annotated[Count, Tag(TAG + "count")] | Annotated[Folds, Tag(TAG + "folds")],
    Discriminator(lambda given: TAG + ("folds" if isinstance(given, dict | Folds) else "count")),
]


class Data(Table):
    """Which images: how many to train on and how many to choose by; the test images are always all of them."""

    source: Annotated[Source, Field(alias="dataset")]
    """`"digits"`, `"cifar10"`, or a table that says where files of your own are."""
    train: Count
    """The number of images to train on."""
    held_out: Annotated[HeldOut, Field(alias="validation")]
    """The number of images that configurations are compared on, or `{ folds = 5 }`."""

    @model_validator(mode="after")
    def _has_equal_folds(self) -> Self:
        if self.folds is not None and (rest := self.train % (others := self.folds - 1)):
            near = max(others, self.train - rest + (others if 2 * rest >= others else 0))
            rule = f"must be a multiple of {others}, the folds that are trained on"
            raise wrong(f"{rule}, got {self.train:_}; the nearest that is: {near:_}", "train")
        return self

    @property
    def dataset(self) -> str | dict[str, Any]:
        """A dataset's name, or the keys given of the table that says where its files are."""
        return self.source if isinstance(self.source, str) else self.source.model_dump(exclude_none=True)

    @property
    def folds(self) -> int | None:
        """The number of folds; None where the validation images are a fixed part."""
        return self.held_out.folds if isinstance(self.held_out, Folds) else None

    @property
    def validation_samples(self) -> int:
        """The number of images that configurations are compared on; with folds, that of each fold."""
        return self.held_out if isinstance(self.held_out, int) else self.train // (self.held_out.folds - 1)


class DataOverrides(Table):
    """Other numbers of images for the final."""

    train: Count | None = None
    """The number of images to train on."""
    validation: Count | None = None
    """The number of images to choose the epoch by."""


class Augmentation(Table):
    """How each image is varied whenever it is trained on: the same for all trials of a stage."""

    flip: bool = False
    """Mirror each image left to right with probability ½."""
    shift: Annotated[int, Field(ge=0, le=10**9)] = 0
    """Move each image by up to so many pixels up or down and left or right."""
    noise: Annotated[float, Field(ge=0, le=LARGEST)] = 0.0
    """Standard deviation of Gaussian noise added to each pixel, in units of the standardised pixels."""


class AugmentationOverrides(Table):
    """Keys of [augmentation] that are different in a stage or the final."""

    flip: bool | None = None
    """Mirror each image left to right with probability ½."""
    shift: Annotated[int, Field(ge=0, le=10**9)] | None = None
    """Move each image by up to so many pixels up or down and left or right."""
    noise: Annotated[float, Field(ge=0, le=LARGEST)] | None = None
    """Standard deviation of Gaussian noise added to each pixel, in units of the standardised pixels."""

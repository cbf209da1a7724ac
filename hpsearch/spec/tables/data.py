"""The data set, its split and its augmentation: [data] and [augmentation]. May import pydantic."""

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
    """The name of the array of samples to train on; if not given: `x_train`, or else `samples` or `images`."""
    labels: Text | None = None
    """The name of the array of their labels; if not given: `y_train`, or else `labels`."""
    test_samples: Text | None = None
    """The name of the array of test samples; if not given: `x_test`, or else `test_samples` or `test_images`."""
    test_labels: Text | None = None
    """The name of the array of their labels; if not given: `y_test`, or else `test_labels`."""
    test: Count | None = None
    """Instead of test arrays: how many samples to hold out for testing, stratified by class."""
    channels: Literal["first", "last"] | None = None
    """Which axis of the images is that of the channels, where their shape does not tell."""

    @model_validator(mode="after")
    def _has_one_test_set(self) -> Self:
        for key in ("test_samples", "test_labels"):
            if self.test is not None and getattr(self, key) is not None:
                raise wrong("must not be given beside test, the number of samples held out", key)
        return self


class _Held(Table):
    """Has its test samples at another path, or holds some of its own out."""

    path: Text
    """The file or folder, relative to the workspace."""
    test_path: Text | None = None
    """The file or folder of the test samples."""
    test: Count | None = None
    """Instead of `test_path`: how many samples to hold out for testing, stratified by class."""

    @model_validator(mode="after")
    def _has_one_test_set(self) -> Self:
        if (self.test is None) == (self.test_path is None):
            raise wrong("must have either test_path or test, the number of samples held out")
        return self


Columns = Annotated[
    Annotated[Text, Tag(TAG + "one")]
    | Annotated[tuple[Text, ...], Field(strict=False, min_length=1, max_length=1000), Tag(TAG + "several")],
    Discriminator(lambda given: TAG + ("several" if isinstance(given, list | tuple) else "one")),
]


Names = Annotated[tuple[Text, ...], Field(strict=False, min_length=1, max_length=10_000)]


class _Table(_Held):
    """A table: one column of labels; others are numbers, dates, truth values, categories."""

    label: Columns
    """The name of the column of labels; all others are features. In a regression it may be a list of columns."""
    drop: Names | None = None
    """Columns to leave out."""
    columns: Names | None = None
    """The only columns to take as features."""
    keep: Names | None = None
    """Columns that are meant to be features, although they look like an index, an identifier or the label."""
    categorical: Names | None = None
    """Columns whose numbers are categories. Columns of texts are categories without it."""
    categories: Literal["one-hot", "codes"] | None = None
    """What categories become: a feature for each (`"one-hot"`, if not given), or one feature with the category's place
    in alphabetical order (`"codes"`), for estimators that take those.
    """
    missing: Literal["impute", "keep"] | None = None
    """Missing values: the median of the training samples, beside a feature that says so (`"impute"`, if not given); or
    kept, for estimators that take NaN.
    """
    image_shape: Annotated[tuple[Count, ...], Field(strict=False, min_length=3, max_length=3)] | None = None
    """`[channels, height, width]`, where each row is an image."""

    @model_validator(mode="after")
    def _has_distinct_labels(self) -> Self:
        for i, name in enumerate(self.label if isinstance(self.label, tuple) else ()):
            if name in self.label[:i]:
                raise wrong(f"must not repeat a column, got {show(name)} twice", "label")
        return self


class Csv(_Table):
    """A CSV file with a header line: one column of labels; others are numbers, dates, truth values, categories."""

    kind: Literal["csv"]
    separator: Annotated[str, Field(min_length=1, max_length=1)] | None = None
    """What is between the columns; if not given a comma, or the semicolon, tab or bar that the header line has."""
    decimal: Literal[".", ","] | None = None
    """The decimal sign; if not given a point, or the comma that the first lines have."""
    encoding: Text | None = None
    """Such as `"latin-1"`; if not given UTF-8, or UTF-16 with its mark."""


class Parquet(_Table):
    """A Parquet file of the same columns; needs the extra `parquet`."""

    kind: Literal["parquet"]


class Folder(_Held):
    """A folder with a folder of images for each class."""

    kind: Literal["folder"]
    size: Annotated[tuple[Count, ...], Field(strict=False, min_length=2, max_length=2)] | None = None
    """`[width, height]` that all images are resized to."""


class Python(Table):
    """A Python file that returns the samples; its function's parameters are keys of this table."""

    model_config = ConfigDict(extra="allow")

    kind: Literal["python"]
    path: Text
    """The file, relative to the workspace; it defines `load(**parameters)`."""
    test: Count | None = None
    """How many samples to hold out for testing, stratified by class, where `load` returns no test samples."""


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
    | Annotated[Parquet, Tag(TAG + "parquet")]
    | Annotated[Python, Tag(TAG + "python")],
    Discriminator(lambda given: TAG + "name" if isinstance(given, str) else tag_of(given)),
    of_kind("idx", "npz", "csv", "folder", "parquet", "python", or_text=True),
    BeforeValidator(_named_or_table),
]


class Folds(Table):
    """Cross-validation: each fold is the validation set once."""

    folds: Annotated[int, Field(ge=2, le=MAX_FOLDS)]
    """The number of folds; `train` must be a multiple of this number minus one."""


HeldOut = Annotated[
    Annotated[Count, Tag(TAG + "count")] | Annotated[Folds, Tag(TAG + "folds")],
    Discriminator(lambda given: TAG + ("folds" if isinstance(given, dict | Folds) else "count")),
]


class Data(Table):
    """The data set and its split: so many samples to train on and to validate on. The test set is always whole."""

    source: Annotated[Source, Field(alias="dataset")]
    """`"digits"`, `"cifar10"`, or a table that describes your own files."""
    task: Literal["classification", "regression"] = "classification"
    """What the labels are: classes, or the values of a regression, which csv, parquet, npz and python files have. Where
    it is not given, labels that look like values are refused; `"classification"` takes them for the names of classes.
    """
    train: Count
    """The number of training samples."""
    held_out: Annotated[HeldOut, Field(alias="validation")]
    """The number of validation samples, on which configurations are compared, or `{ folds = 5 }`."""

    @model_validator(mode="after")
    def _has_equal_folds(self) -> Self:
        if self.folds is not None and (rest := self.train % (others := self.folds - 1)):
            near = max(others, self.train - rest + (others if 2 * rest >= others else 0))
            rule = f"must be a multiple of {others}, the number of folds that are trained on"
            raise wrong(f"{rule}, got {self.train:_}; the nearest that is: {near:_}", "train")
        return self

    @property
    def task_given(self) -> str | None:
        """The task, None where the file does not say it."""
        return self.task if "task" in self.model_fields_set else None

    @property
    def dataset(self) -> str | dict[str, Any]:
        """A dataset's name, or the keys given of the table that says where its files are."""
        return self.source if isinstance(self.source, str) else self.source.model_dump(exclude_none=True)

    @property
    def folds(self) -> int | None:
        """The number of folds; None where there is one fixed validation set."""
        return self.held_out.folds if isinstance(self.held_out, Folds) else None

    @property
    def validation_samples(self) -> int:
        """The number of samples in the validation set; with folds, in each fold."""
        return self.held_out if isinstance(self.held_out, int) else self.train // (self.held_out.folds - 1)


class DataOverrides(Table):
    """Other numbers of samples for the final."""

    train: Count | None = None
    """The number of training samples."""
    validation: Count | None = None
    """The number of validation samples, by which the epoch is chosen."""
    all: bool = False
    """After the final has been evaluated: train its best configuration once more, on the training, validation and test
    samples together, up to the epoch that the final chose. The model is the one to use, and is not evaluated.
    `data = "all"` is short for `{ all = true }`.
    """


class Augmentation(Table):
    """Random changes to each training sample at each epoch, the same for all trials of a stage."""

    flip: bool = False
    """Flip each image left to right with probability ½."""
    shift: Annotated[int, Field(ge=0, le=10**9)] = 0
    """Shift each image by up to so many pixels up or down and left or right."""
    noise: Annotated[float, Field(ge=0, le=LARGEST)] = 0.0
    """Standard deviation of Gaussian noise added to each feature, in units of the standardised features."""


class AugmentationOverrides(Table):
    """Keys of [augmentation] that are different in a stage or the final."""

    flip: bool | None = None
    """Flip each image left to right with probability ½."""
    shift: Annotated[int, Field(ge=0, le=10**9)] | None = None
    """Shift each image by up to so many pixels up or down and left or right."""
    noise: Annotated[float, Field(ge=0, le=LARGEST)] | None = None
    """Standard deviation of Gaussian noise added to each feature, in units of the standardised features."""

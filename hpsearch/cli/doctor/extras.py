"""Optional packages: the modules that each extra of pyproject.toml brings, and what they are for. Imports nothing."""

EXTRAS = {
    "images": (("PIL",), "datasets that are folders of image files"),
    "pdf": (("fpdf",), "hpsearch report --format pdf"),
    "parquet": (("pyarrow",), "hpsearch report --format parquet"),
    "cmaes": (("cmaes",), 'sampler = { kind = "cmaes" }'),
    "gp": (("torch", "greenlet"), 'sampler = { kind = "gp" }'),
    "postgresql": (("psycopg",), "--storage postgresql://…"),
    "mysql": (("pymysql",), "--storage mysql://… and mariadb://…"),
    "dask": (("distributed",), "--backend dask"),
    "ray": (("ray",), "--backend ray"),
    "torch": (("torch",), "models that are PyTorch modules"),
    "onnx": (("onnx",), "hpsearch export --format onnx"),
    "mlflow": (("mlflow",), "hpsearch export --format mlflow"),
    "tensorboard": (("tensorboardX",), "hpsearch export --format tensorboard"),
    "mcp": (("mcp",), "hpsearch mcp"),
}

"""What restricts a search space beside the range of each hyperparameter. May import pydantic and hpsearch.errors."""

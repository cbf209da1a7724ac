"""The tables of a study file, one file each, as pydantic models that check themselves. May import pydantic."""

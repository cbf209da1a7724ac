"""What limits a worker's process to one thread."""

ONE_THREAD = dict.fromkeys(
    ("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "OMP_NUM_THREADS", "VECLIB_MAXIMUM_THREADS"), "1"
)
"""Environment variables to set before the process starts: with more threads the last bits differ."""

"""The ranking of a stage: its rows, with or without replicates, and what is said above and below its table."""

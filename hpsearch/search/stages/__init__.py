"""A stage: its space, its plan, and the loop that trains its cohorts. May import spec, storage and workers."""

"""The search: launch and resume a study, and run its stages. May import spec, data, storage and workers."""

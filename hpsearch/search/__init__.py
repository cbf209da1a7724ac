"""The search: stages, samplers, refinement, and the run loop, the only place where asking meets running."""

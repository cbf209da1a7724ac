"""The sections of the report, one module each: its numbers and its sentences. May import frames and statistics."""

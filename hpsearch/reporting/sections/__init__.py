"""The sections of the report, one file each: their numbers and their sentences. May import frames and statistics."""

"""The statistics of the report: functions of numbers and arrays, which know nothing of studies.

May import NumPy and SciPy.
"""

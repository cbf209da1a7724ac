"""Rules between the tables of a study file, and between it and its model file. May import the tables."""

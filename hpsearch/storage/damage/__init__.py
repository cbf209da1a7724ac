"""What may be wrong with a database, noticed where it is read and reported in one line. May import SQLAlchemy."""

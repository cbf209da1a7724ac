"""What may be wrong with a database, noticed where it is read and told in one line. May import SQLAlchemy."""

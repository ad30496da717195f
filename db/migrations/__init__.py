"""The history of the tables: one script a step, the same for SQLite and PostgreSQL."""

"""Everything stored: tables, rows, statements, search and migrations. Knows no rules and no callers."""

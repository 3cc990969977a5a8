"""The table: a transition becomes statements, after a preflight over the rows that they concern."""

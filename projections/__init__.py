"""Consequences: generated classes, tables, caches, admin pages, signals and the stream."""

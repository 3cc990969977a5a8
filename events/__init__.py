"""Facts: schema values, the events that change them, the fold, and the append-only log."""

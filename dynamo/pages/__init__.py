"""The pages beside the admin: history, comparing, the schema as of a moment; reverting and purging."""

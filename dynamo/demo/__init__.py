"""A demonstration on real data: the ISO tables that pycountry carries, loaded through the registry."""

"""Finding rows at the desk: the filters of contacts, and the search over everything."""

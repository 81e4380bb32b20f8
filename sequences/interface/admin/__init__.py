"""The bases of every admin page: scope, times, search, quick filters."""

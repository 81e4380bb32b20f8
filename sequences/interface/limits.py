"""What the desk and the API take at once."""

# Each word is looked for in every column of a search.
MOST_SEARCH_WORDS = 10

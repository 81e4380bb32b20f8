"""From an author's text to a page that mail programs show alike, and what had to be changed on the way."""

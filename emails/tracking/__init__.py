"""Signed links that lead back to us, and whether a person or a machine followed them."""

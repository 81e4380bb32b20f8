"""Writing a sequence: drafts, steps, their graph, matching of edits, validation."""

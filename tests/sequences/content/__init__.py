"""Tests of sequences.content."""

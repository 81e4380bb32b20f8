"""The Liquid that authors may write: parsing, checking, rendering. Pure."""

"""Endpoints about the whole product: health, metrics, the schema, and errors outside of any endpoint."""

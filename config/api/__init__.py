"""What only the top of the house can answer: health, the schema, and errors outside of any endpoint."""

"""What all doors of the HTTP API share, and the read-only addresses of sequences and contacts."""

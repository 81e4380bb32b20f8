"""What all endpoints of the HTTP API share, and the read-only endpoints of sequences and contacts."""

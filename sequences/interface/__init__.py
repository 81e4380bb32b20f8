"""The bases of the API and the admin that every app shares."""

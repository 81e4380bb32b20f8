"""A sequence as a YAML file, in and out."""

"""The main loop: claim, decide, apply. The only package that moves an enrollment."""

"""How a user gets into the desk: password, single sign-on, second factor."""

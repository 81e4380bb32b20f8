"""The pages of members: their roles, invitations, and the page on which an invited user joins."""

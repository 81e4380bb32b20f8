"""What happens here, told to other systems: facts become deliveries, deliveries are posted, signed and retried."""

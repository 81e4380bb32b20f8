"""Files in and out: `sequence.yaml` and `contacts.csv`."""

"""What the words of incoming mail say: new text, absences, departures, intents. Pure; knows no headers."""

"""Tables of words and phrases per language that the rules about text are made of. Data only."""

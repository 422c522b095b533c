"""Values to text: terminal, mail."""
